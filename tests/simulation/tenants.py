"""What simulated tenants do: ask for slices, retry, change them in place, end them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from coordinator.protocol import Leg, Outcome, Result
from domains.model import (
    LABEL_MIN,
    Attachment,
    HoldRequest,
    Isolation,
    Metrics,
    Offer,
    SliceProfile,
)
from tests.simulation.world import World

CHAIN = ("access", "transport", "core", "cloud")
BORDERS = ("berlin", "b1", "b2", "b3", "zone")
MEETING_POINTS = BORDERS[1:-1]
TTL_S = 30.0
ATTEMPTS = 6


def leg(
    slice_id: str,
    attempt: str,
    domain: str,
    units: int,
    label: int,
    epoch: int = 1,
    replaces: str | None = None,
) -> Leg:
    """One hop of a slice along `CHAIN` that needs `units` of the domain."""
    at = CHAIN.index(domain)
    ingress, egress = BORDERS[at], BORDERS[at + 1]
    inner = [border for border in (ingress, egress) if border in MEETING_POINTS]
    request = HoldRequest(
        hold_id=f"{slice_id}/{attempt}/{domain}",
        slice_id=slice_id,
        tenant="tenant",
        profile=SliceProfile(ingress, egress, 1_000, 0, 1, 1, units, Isolation.SHARED),
        offer=Offer(f"{domain}/{units}", Metrics(1_000, 999_000_000, 1, 1, units, 10)),
        attachments=tuple(Attachment(border, LABEL_MIN + label) for border in inner),
        ttl_s=TTL_S,
        epoch=epoch,
        replaces=replaces,
    )
    return Leg(domain, request)


class Tenant:
    """Two slices asked for in one breath, then one of them changed, then perhaps both ended."""

    def __init__(self, world: World, number: int, leaves: bool) -> None:
        self.world, self.number, self.leaves = world, number, leaves
        self.slices = [f"{number}a", f"{number}b"][: 1 + number % 2]
        self.attempt = 0
        self.done = False
        self.confirmed = 0

    def begin(self) -> None:
        self._ask("create", self.slices, {}, self._created)

    def _ask(self, what, slices, replaced, then) -> None:  # type: ignore[no-untyped-def]
        if not self.world.up:
            self.world.later(1.0, lambda: self._ask(what, slices, replaced, then))
            return
        self.attempt += 1
        legs = [
            self._leg(slice_id, domain, replaced.get(domain))
            for slice_id in slices
            for domain in (replaced or CHAIN)
        ]
        name = f"{self.number}/{what}/{self.attempt}"
        self.world.heard[legs[0].request.hold_id] = then
        self.world.reserve(name, legs)

    def _leg(self, slice_id: str, domain: str, replaces: str | None) -> Leg:
        label = 2 * self.number + (slice_id[-1] == "b")
        units = 1 + (replaces is not None) * self.world.random.randint(0, 1)
        epoch = self.world.journal.epoch
        return leg(slice_id, str(self.attempt), domain, units, label, epoch, replaces)

    def _created(self, outcome: Outcome | None) -> None:
        if outcome is not None and outcome.result is Result.CONFIRMED:
            self.confirmed += 1
            self._change()
        elif self.attempt < ATTEMPTS:
            pause_s = self.world.random.uniform(0, 0.1 * 2**self.attempt)
            self.world.later(pause_s, self.begin)
        else:
            self.done = True

    def _change(self) -> None:
        """In place, in some of the domains."""
        segments = self.world.journal.segments(self.slices[0])
        changed = [s for s in segments if self.world.random.random() < 0.7] or list(segments)
        self._ask("change", self.slices[:1], dict(changed), self._changed)

    def _changed(self, outcome: Outcome | None) -> None:
        if outcome is not None and outcome.result is Result.CONFIRMED:
            self.confirmed += 1
        if self.leaves:
            self.end(self.slices)
        else:
            self.done = True

    def end(self, slices: Sequence[str]) -> None:
        if not self.world.up:
            self.world.later(1.0, lambda: self.end(slices))
            return
        slice_id = slices[0]
        segments = self.world.journal.segments(slice_id)
        self.done = False
        if not segments:
            self._ended(slices, None)
            return
        self.attempt += 1
        name = f"{self.number}/end/{self.attempt}"
        self.world.heard[f"terminate/{name}"] = lambda outcome: self._ended(slices, outcome)
        self.world.terminate(name, slice_id, list(segments))

    def _ended(self, slices: Sequence[str], outcome: Outcome | None) -> None:
        still_there = self.world.journal.segments(slices[0])
        left = slices if still_there else slices[1:]
        if left:
            self.world.later(0.5, lambda: self.end(left))
        else:
            self.done = True


def lying(leg_: Leg) -> Leg:
    """The same leg, asked for with another label than its neighbours have."""
    attachments = tuple(replace(a, label=a.label + 1000) for a in leg_.request.attachments)
    return Leg(leg_.domain, replace(leg_.request, attachments=attachments))
