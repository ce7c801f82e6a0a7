"""A day of many slices without a wire: real planning, offers, ledgers and drivers, virtual time.

What is left out is what takes time and changes nothing: gRPC, disks, the journal. Technologies,
offers, ledgers, the planner, the simulated networks and the whole of `coordinator.assurance` are
the ones that run in production.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from coordinator import naming
from coordinator.assurance.decide import (
    Change,
    Policy,
    Renegotiate,
    Reroute,
    Return,
    Sample,
    Scale,
    State,
    Tell,
    decide,
)
from coordinator.assurance.forecast import Forecaster, forecast, observe
from coordinator.assurance.sampling import (
    LOSS_PPB_MAX,
    held_permille,
    load_permille,
    provisioned,
    sample,
)
from coordinator.assurance.telemetry import Stream, hear
from coordinator.model import Agreement, Chain, Hop, MenuKey, ServiceProfile, SliceState, SliceType
from coordinator.negotiate import end_to_end
from coordinator.planner import Planner, Task
from coordinator.records import Segment, SliceRecord
from coordinator.resources import ResourceDatabase
from deploy.bench.causes import Spent, cause_of
from deploy.bench.paper import OWNER, PaperDomain, SharedModel
from deploy.federation import Federation
from domains.errors import EntenteError, Unmeasured
from domains.measurement import Condition, Measurement, Reading
from domains.model import (
    HoldRequest,
    Isolation,
)
from domains.southbound.traffic import DAY_S

STEP_S = 600.0
WARM_UP_DAYS = 2
LATENCIES_US = (20_000, 50_000, 100_000)
TTL_S = 60.0
TRIES_PER_SLICE = 16
OUTAGES_PER_DAY, OUTAGE_S = 0.2, 1_800.0
"""Of each link between two points of a domain."""


@dataclass(slots=True)
class Tally:
    """What a day came to, over all slices.

    A step is one interval of one slice. `unmeasured_steps`, in which not all of its segments were
    measured, count as violated; `new_steps` are those that begin with a change.
    """

    steps: int = 0
    violated_steps: int = 0
    outage_steps: int = 0
    unmeasured_steps: int = 0
    new_steps: int = 0
    new_violated_steps: int = 0
    held_permille: float = 0.0
    price_micros: float = 0.0
    spent: Spent = field(default_factory=Spent)
    errors: dict[str, list[float]] = field(default_factory=dict)
    loads: float = 0.0


@dataclass(slots=True)
class _Slice:
    record: SliceRecord
    state: State
    new: bool = False
    streams: dict[str, Stream] = field(default_factory=dict)
    expected: dict[int, list[tuple[int, float, float]]] = field(default_factory=dict)


class Day:
    """A federation with slices on it, and a clock that is turned by hand."""

    def __init__(self, federation: Federation, seed: int, slices: int) -> None:
        self._seed, self._count = seed, slices
        model = SharedModel(seed=seed, outages_per_day=OUTAGES_PER_DAY, outage_s=OUTAGE_S)
        self.domains = {
            domain.name: domain
            for domain in (
                PaperDomain(federation, index, model) for index in range(len(federation.members))
            )
        }
        self._model = model
        self._resources = ResourceDatabase()
        known: Mapping[str, Any] = self.domains
        self._planner = Planner(self._resources, known)
        self._slices: list[_Slice] = []

    async def open(self) -> None:
        """Order the slices, sized for what their tenants expect at the busy hour."""
        for domain in self.domains.values():
            self._resources.update(await domain.topology(), 0.0)
        random = Random(f"day/{self._seed}")  # noqa: S311  # a trace, not a secret
        areas = [a for v in self._resources.views() for a in v.topology.areas]
        for number in range(1, TRIES_PER_SLICE * self._count + 1):
            if len(self._slices) == self._count:
                return
            wanted = _service(random, areas, number)
            try:
                record = await self._order(f"slice-{number}", wanted, None, frozenset(), 0)
            except EntenteError:
                continue
            if record is not None:
                state = State(Forecaster.fresh(STEP_S))
                self._slices.append(_Slice(record, state))
        if len(self._slices) < self._count:
            raise EntenteError(f"no room for {self._count} slices")

    async def warm_up(self) -> None:
        """Let the forecasts see what came before: loads alone, nothing is decided."""
        steps = round(DAY_S / STEP_S)
        for one in self._slices:
            forecaster = one.state.forecaster
            for step in range(-WARM_UP_DAYS * steps, 0):
                load = self._model.load_permille(one.record.slice_id, (step + 0.5) * STEP_S)
                forecaster = observe(forecaster, (step + 1) * STEP_S, load)
            one.state = replace(one.state, forecaster=forecaster)

    async def live(self, policy: Policy, tally: Tally) -> None:
        """Twenty-four hours under a policy."""
        steps = round(DAY_S / STEP_S)
        self._measure_all(0.0)
        for step in range(1, steps + 1):
            now_s = step * STEP_S
            tally.spent.interval()
            for domain in self.domains.values():
                domain.now_s = now_s
            for one in self._slices:
                await self._round(one, step, now_s, policy, tally)

    async def _round(
        self, one: _Slice, step: int, now_s: float, policy: Policy, tally: Tally
    ) -> None:
        record = one.record
        samples: list[Sample] = []
        measured: list[Measurement] = []
        for segment in record.segments:
            reading = self._reading(segment, now_s)
            stream = one.streams.get(segment.hold_id) or Stream(now_s)
            stream, believed, fault = hear(stream, reading, now_s)
            one.streams[segment.hold_id] = stream
            samples.append(sample(segment, record, reading, believed, fault, False))
            if believed is not None:
                measured.append(believed)
        _score(one, measured, policy, tally)
        _compare(one, step, samples, tally)
        held = held_permille(record)
        one.state, actions = decide(one.state, samples, held, now_s, policy)
        _expect(one, step, now_s)
        one.new = False
        for action in actions:
            if not isinstance(action, Tell):
                await self._change(one, action, now_s, tally)

    def _reading(self, segment: Segment, now_s: float) -> Reading:
        try:
            found = self.domains[segment.domain].driver.measure(segment.hold_id, now_s)
        except Unmeasured as error:
            return Reading(segment.hold_id, "", Condition.STARTING, error.message)
        return Reading(segment.hold_id, "", Condition.HEALTHY, "", found)

    def _measure_all(self, now_s: float) -> None:
        """Where the first interval begins."""
        for one in self._slices:
            for segment in one.record.segments:
                self._reading(segment, now_s)

    async def _change(
        self,
        one: _Slice,
        action: Change,
        now_s: float,
        tally: Tally,
    ) -> None:
        record = one.record
        held, before = held_permille(record), record.metrics
        assert before is not None
        permille, avoid, cheaper = held, frozenset[MenuKey](), isinstance(action, Return)
        match action:
            case Scale(permille):
                cheaper = permille < held
            case Reroute(domain, ingress, egress) | Renegotiate(domain, ingress, egress):
                avoid = frozenset({(domain, ingress, egress)})
        wanted = provisioned(record.agreed, permille, before.price_micros if cheaper else None)
        pinned = self._chain(record) if isinstance(action, Scale) else None
        cause = cause_of(action, held)
        try:
            after = await self._order(record.slice_id, wanted, record, avoid, round(now_s), pinned)
        except EntenteError:
            after = None
        if after is None or after.metrics is None:
            tally.spent.refused[cause] += 1
            return
        tally.spent.note(cause, after.metrics.price_micros - before.price_micros)
        one.record, one.new = replace(after, agreed=record.agreed), True
        for segment in one.record.segments:
            self._reading(segment, now_s)

    async def _order(
        self,
        slice_id: str,
        service: ServiceProfile,
        before: SliceRecord | None,
        avoid: frozenset[MenuKey],
        attempt: int,
        pinned: Chain | None = None,
    ) -> SliceRecord | None:
        """Plan, hold, confirm, give back what is replaced; None where a relaxation is needed."""
        held = {s.domain: s.hold_id for s in before.segments} if before else None
        (plan,) = await self._planner.plan([Task(service, pinned, held, avoid)], OWNER)
        if not isinstance(plan.result, Agreement):
            return None
        segments = []
        for choice in plan.result.choices:
            domain = self.domains[choice.hop.domain]
            request = HoldRequest(
                hold_id=naming.hold_id(slice_id, "day", attempt, domain.name),
                slice_id=slice_id,
                tenant=OWNER,
                profile=choice.profile,
                offer=choice.offer,
                attachments=(),
                ttl_s=TTL_S,
                epoch=1,
                replaces=held.get(domain.name) if held else None,
            )
            await domain.hold(request)
            hold = await domain.confirm(request.hold_id, 1)
            hop = choice.hop
            segments.append(
                Segment(
                    hop.domain, hold.hold_id, hop.ingress, hop.egress, hold.offer.metrics, (), ()
                )
            )
        for segment in before.segments if before else ():
            await self.domains[segment.domain].release(segment.hold_id, 1, "replaced")
        return SliceRecord(
            slice_id=slice_id,
            tenant=OWNER,
            state=SliceState.ACTIVATED,
            requested=service,
            agreed=service,
            created_at_s=0.0,
            metrics=end_to_end([segment.metrics for segment in segments]),
            segments=tuple(segments),
        )

    def _chain(self, record: SliceRecord) -> Chain:
        hops = []
        for s in record.segments:
            link = self._resources.link(s.domain, s.ingress, s.egress)
            assert link is not None, "every domain is heard"
            hops.append(Hop(s.domain, self._resources.kind(s.domain), link))
        return tuple(hops)


def _service(random: Random, areas: Sequence[str], number: int) -> ServiceProfile:
    downlink = random.choice((2_000, 5_000, 10_000, 20_000))
    return ServiceProfile(
        name=f"service {number}",
        slice_type=SliceType.EMBB,
        latency_us_max=random.choice(LATENCIES_US),
        availability_ppb_min=990_000_000,
        downlink_kbps=downlink,
        uplink_kbps=downlink // 2,
        devices=random.randint(1, 20),
        isolation=Isolation.SHARED,
        origin=random.choice(areas),
    )


def _score(one: _Slice, measured: Sequence[Measurement], policy: Policy, tally: Tally) -> None:
    """One interval against the SLA: it answers, it is on time, and what may be offered passes."""
    record = one.record
    assert record.metrics is not None
    tally.steps += 1
    tally.held_permille += held_permille(record)
    tally.price_micros += record.metrics.price_micros
    tally.new_steps += one.new
    if len(measured) < len(record.segments):
        tally.unmeasured_steps += 1
        tally.violated_steps += 1
        tally.new_violated_steps += one.new
        return
    down = any(m.availability_ppb < 10**9 for m in measured)
    late = sum(m.latency_us for m in measured) > record.agreed.latency_us_max
    load = max(load_permille(m, record.agreed) for m in measured)
    tally.loads += load
    lossy = max(m.loss_ppb for m in measured) > LOSS_PPB_MAX
    tally.outage_steps += down
    violated = down or late or (lossy and load <= policy.ceiling_permille)
    tally.violated_steps += violated
    tally.new_violated_steps += violated and one.new


HORIZONS = (1, 3, 6)


def _expect(one: _Slice, step: int, now_s: float) -> None:
    """Note what is forecast now, to be compared when the time has come."""
    forecaster = one.state.forecaster
    for ahead in HORIZONS:
        expected = forecast(forecaster, now_s, ahead)
        one.expected.setdefault(step + ahead, []).append((ahead, expected, forecaster.last or 0.0))


def _compare(one: _Slice, step: int, samples: Sequence[Sample], tally: Tally) -> None:
    loads = [s.load_permille for s in samples if s.load_permille is not None]
    due = one.expected.pop(step, ())
    if not loads or any(s.condition is Condition.FAILED for s in samples):
        return
    for ahead, expected, naive in due:
        tally.errors.setdefault(f"forecast {ahead}", []).append(abs(max(loads) - expected))
        tally.errors.setdefault(f"naive {ahead}", []).append(abs(max(loads) - naive))


def run(federation: Federation, seed: int, slices: int, policy: Policy) -> Tally:
    """One day under one policy."""

    async def whole() -> Tally:
        day, tally = Day(federation, seed, slices), Tally()
        await day.open()
        await day.warm_up()
        await day.live(policy, tally)
        return tally

    return asyncio.run(whole())
