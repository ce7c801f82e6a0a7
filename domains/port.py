"""The one seam between a domain and whoever negotiates with it.

The in-process domain, the gRPC client and the faulty domains of the tests all are a `Domain`, and
the same contract suite runs over each of them. Every method raises `domains.errors` and nothing
else; `Unreachable` means that the outcome is not known.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from domains.measurement import Reading
from domains.model import AbstractTopology, Counter, Hold, HoldRequest, Menu, SliceProfile


class Domain(Protocol):
    """An administrative domain as seen from outside."""

    @property
    def name(self) -> str:
        """The domain's own name, unique in the federation."""
        ...

    async def topology(self) -> AbstractTopology:
        """What the domain shows of itself now."""
        ...

    def watch_topology(self) -> AsyncIterator[AbstractTopology]:
        """The topology now and after every change; ends when the domain goes away."""
        ...

    async def offers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None = None,
        counters: Sequence[Counter | None] = (),
    ) -> Sequence[Menu]:
        """One menu per profile, in order: the call of the contract net and its bids.

        Reads only: asking holds nothing. With `replaces`, a confirmed hold of the caller, what
        that hold already has counts as free: a slice that grows by a little needs only that
        little. `counters`, none or one per profile, answer the menus of the round before; one
        that names no offer of it gets the first menu again.
        """
        ...

    async def hold(self, request: HoldRequest) -> Hold:
        """Set capacity aside for `ttl_s`. Idempotent by `hold_id`.

        Raises:
            CapacityInsufficient, OfferChanged, LabelInUse: nothing was held.
            HoldReleased: a release overtook this request.
            RequestIdReused: the id was used with another body.
            StaleEpoch: a newer coordinator has taken over.
        """
        ...

    async def confirm(self, hold_id: str, epoch: int) -> Hold:
        """Make a hold permanent; after the reply no crash loses it. Idempotent.

        Raises:
            HoldLapsed, HoldReleased, NotFound, StaleEpoch.
        """
        ...

    async def activate(self, hold_id: str, epoch: int, active: bool) -> Hold:
        """Let a segment's functions run, or stand still with its capacity kept. Idempotent.

        Raises:
            NotFound, HoldReleased, StaleEpoch; WrongState: it is not confirmed.
        """
        ...

    def watch_measurements(self) -> AsyncIterator[Sequence[Reading]]:
        """How the caller's own segments are: all of them now, and all after every interval.

        Raises:
            Overloaded: too many are watching.
        """
        ...

    async def release(self, hold_id: str, epoch: int, reason: str) -> Hold | None:
        """Give back a hold or a segment. Idempotent; for an unknown id it leaves a tombstone.

        Returns the hold as it ended, or None when the id was never seen.
        """
        ...

    async def holds(self, slice_id: str | None = None) -> Sequence[Hold]:
        """The caller's own live holds, all or of one slice."""
        ...
