"""A transport domain of three controllers: from outside like any other, inside all or nothing.

Every party has its own gRPC server and certificate; the controllers are known to their front alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from coordinator.domain_client import GrpcDomain
from coordinator.server import CoordinatorServer
from coordinator.server import serve as serve_coordinator
from coordinator.settings import CoordinatorSettings, DomainEndpoint
from deploy.certificates import ensure_development_certificates
from deploy.controllers import dial
from deploy.federation import CONFIGS, Federation, Member, load
from domains.agents.policy import ROUNDS_MAX
from domains.errors import (
    CapacityInsufficient,
    EntenteError,
    HoldLapsed,
    HoldReleased,
    OfferChanged,
    Unreachable,
)
from domains.federated.domain import FederatedDomain
from domains.federated.parts import part_id
from domains.model import (
    Attachment,
    Counter,
    Hold,
    HoldRequest,
    HoldState,
    Isolation,
    Menu,
    Offer,
    SliceProfile,
)
from domains.security import Identity
from domains.server import DomainServer, Hosted, start
from protos.slicing.v1 import slices_pb2
from tests.asking import REJECT, create, eventually, service, slices_of, terminate
from tests.federation import ANYWHERE, COORDINATOR, HOME, tenant_id
from tests.federation import Federation as Tenants

FRONT = "transport-federated"
NORTH, SOUTH, WEST = "controller-north", "controller-south", "controller-west"
ME = "spiffe://entente.example/coordinator/main"


@dataclass
class Hierarchy:
    """Controllers and their front; each can be stopped and started again on its port."""

    folder: Path
    federation: Federation
    identities: Mapping[str, Path]
    servers: dict[str, DomainServer]

    async def start(self, member: Member) -> None:
        before = self.servers.get(member.name)
        front = f"spiffe://{member.trust_domain}/coordinator/{member.name}"
        hosted = Hosted(
            member.path,
            self.folder / f"{member.name}.sqlite",
            self.identities[f"spiffe://{member.trust_domain}/domain/{member.name}"],
            before.address if before else ANYWHERE,
            self.identities.get(front),
            {c.name: self.servers[c.name].address for c in self.federation.controllers}
            if member.config.federated
            else {},
        )
        self.servers[member.name] = await start(hosted, dial)

    def member(self, name: str) -> Member:
        return next(m for m in self.federation.parties if m.name == name)

    async def restart(self, name: str) -> None:
        await self.servers[name].stop(0)
        await self.start(self.member(name))

    def used(self, name: str) -> dict[str, int]:
        used = self.servers[name].domain.usage()
        return {resource: units for resource, units in used.items() if units}

    @property
    def front(self) -> FederatedDomain:
        domain = self.servers[FRONT].domain
        assert isinstance(domain, FederatedDomain)
        return domain

    def nothing_is_used(self) -> bool:
        return not any(map(self.used, self.servers))


@pytest.fixture
async def hierarchy(tmp_path: Path) -> AsyncIterator[Hierarchy]:
    """The three controllers and the front, without a coordinator."""
    found = load(CONFIGS / "hierarchy")
    fronts = [m for m in found.members if m.config.federated]
    parties = (*found.controllers, *fronts)
    ids = [COORDINATOR, tenant_id("clinic")]
    ids += [f"spiffe://{m.trust_domain}/domain/{m.name}" for m in found.parties]
    ids += [f"spiffe://{m.trust_domain}/coordinator/{m.name}" for m in fronts]
    made = ensure_development_certificates(tmp_path / "certificates", ids, datetime.now(UTC))
    at_work = Hierarchy(tmp_path, found, made, {})
    for member in parties:
        await at_work.start(member)
    yield at_work
    for server in reversed(at_work.servers.values()):
        await server.stop(0)


@pytest.fixture
async def front(hierarchy: Hierarchy) -> AsyncIterator[GrpcDomain]:
    """The front as a coordinator meets it."""
    identity = Identity.load(hierarchy.identities[COORDINATOR])
    address = hierarchy.servers[FRONT].address
    client = GrpcDomain(FRONT, address, identity, "transport.one.example")
    yield client
    await client.close()


PIPE = SliceProfile(
    "bp-berlin-ran", "bp-munich-core", 30_000, 990_000_000, 50_000, 20_000, 10, Isolation.SHARED
)


async def request(front: GrpcDomain, hold_id: str = "hold-1", ttl_s: float = 30.0) -> HoldRequest:
    (menu,) = await front.offers([PIPE], "clinic")
    ends = tuple(Attachment(end, 1_000 + len(hold_id)) for end in (PIPE.ingress, PIPE.egress))
    return HoldRequest(hold_id, "slice-1", "clinic", PIPE, menu.offers[0], ends, ttl_s, 1)


async def test_one_abstraction_of_three_shows_nothing_between_them(
    hierarchy: Hierarchy, front: GrpcDomain
) -> None:
    shown = await front.topology()
    assert not any(name.startswith("ix-") for name in shown.border_points)
    assert "controller" not in repr(shown)
    link = next(x for x in shown.links if (x.ingress, x.egress) == (PIPE.ingress, PIPE.egress))
    (menu,) = await front.offers([replace(PIPE, downlink_kbps=1_000, uplink_kbps=1_000)], "clinic")
    assert min(o.metrics.latency_us for o in menu.offers) >= link.latency_us_min
    assert max(o.metrics.availability_ppb for o in menu.offers) <= link.availability_ppb_max
    hold = await front.hold(await request(front))
    assert "controller" not in repr(hold)
    assert "ix-" not in repr(hold)


async def test_a_hold_is_one_at_each_controller_on_the_way_or_none(
    hierarchy: Hierarchy, front: GrpcDomain
) -> None:
    asked = await request(front)
    held = await front.hold(asked)
    assert held.state is HoldState.HELD
    assert hierarchy.used(NORTH)
    assert hierarchy.used(SOUTH)
    await front.confirm("hold-1", 1)
    for name in (NORTH, SOUTH):
        behind = hierarchy.servers[name].domain.as_seen_by(
            f"spiffe://transport.one.example/coordinator/{FRONT}"
        )
        (part,) = await behind.holds()
        assert part.state is HoldState.CONFIRMED
        assert part.hold_id == part_id("hold-1", name)
    await front.release("hold-1", 1, "over")
    assert hierarchy.nothing_is_used()


async def test_when_one_controller_refuses_the_others_give_back_what_they_held(
    hierarchy: Hierarchy, front: GrpcDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = await request(front)

    async def full(*_: object) -> None:
        raise CapacityInsufficient("others were faster")

    with monkeypatch.context() as patched:
        patched.setattr(hierarchy.front._controllers[SOUTH], "hold", full)
        with pytest.raises(CapacityInsufficient) as refused:
            await front.hold(asked)
    assert "others were faster" not in refused.value.message, "words of a controller are inner"
    assert hierarchy.nothing_is_used()
    with pytest.raises(HoldReleased):
        await front.hold(asked)


async def test_when_one_controller_is_gone_nothing_stays_held_at_the_others(
    hierarchy: Hierarchy, front: GrpcDomain
) -> None:
    asked = await request(front)
    south = hierarchy.servers[SOUTH]
    await south.stop(0)
    with pytest.raises(EntenteError):
        await front.hold(asked)
    assert not hierarchy.used(NORTH)
    assert not hierarchy.used(FRONT)
    # Its links are gone from the abstraction, and come back with it.
    shown = await front.topology()
    assert PIPE.egress not in {link.egress for link in shown.links}
    await hierarchy.start(hierarchy.member(SOUTH))

    async def shown_again() -> bool:
        return PIPE.egress in {link.egress for link in (await front.topology()).links}

    await eventually(shown_again)
    await front.hold(await request(front, "hold-22"))
    await front.release("hold-22", 1, "over")
    assert hierarchy.nothing_is_used()


async def test_a_confirm_that_a_controller_missed_can_be_sent_again(
    hierarchy: Hierarchy, front: GrpcDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    await front.hold(await request(front))
    behind = hierarchy.front._controllers[SOUTH]

    async def lost(*_: object) -> None:
        raise Unreachable("the answer was lost")

    with monkeypatch.context() as patched:
        patched.setattr(behind, "confirm", lost)
        with pytest.raises(Unreachable) as silent:
            await front.confirm("hold-1", 1)
        assert "controller" not in repr(silent.value.metadata) + silent.value.message
    assert (await front.confirm("hold-1", 1)).state is HoldState.CONFIRMED
    await front.release("hold-1", 1, "over")
    assert hierarchy.nothing_is_used()


async def test_where_a_part_is_gone_the_whole_is_ended(
    hierarchy: Hierarchy, front: GrpcDomain
) -> None:
    await front.hold(await request(front))
    await hierarchy.front._parts.give_back(SOUTH, part_id("hold-1", SOUTH), "by hand")
    with pytest.raises(HoldLapsed):
        await front.confirm("hold-1", 1)
    assert hierarchy.nothing_is_used()
    assert not await front.holds()


async def test_a_front_that_crashes_between_its_controllers_and_its_ledger_leaves_no_orphan(
    hierarchy: Hierarchy, front: GrpcDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts are held and even confirmed, and no ledger row says for what."""
    kept = await front.hold(await request(front, "kept"))
    await front.confirm("kept", 1)
    asked = await request(front, "lost-1")
    inner = hierarchy.front
    option, stitched = await inner._awarded(ME, asked, inner.now())
    await inner._parts.hold(asked, stitched.combination(option.key), stitched.profile, ())
    await inner._parts.confirm("lost-1", [NORTH])
    await hierarchy.restart(FRONT)

    async def only_the_kept_is_left() -> bool:
        left = [
            hold.hold_id
            for name in (NORTH, SOUTH)
            for hold in await hierarchy.front._parts.held(name)
        ]
        return left == [part_id("kept", NORTH), part_id("kept", SOUTH)]

    await eventually(only_the_kept_is_left)
    assert [hold.hold_id for hold in await front.holds()] == [kept.hold_id]
    await front.release("kept", 1, "over")
    assert hierarchy.nothing_is_used()


async def test_a_release_that_a_controller_missed_reaches_it_later(
    hierarchy: Hierarchy, front: GrpcDomain
) -> None:
    await front.hold(await request(front))
    await front.confirm("hold-1", 1)
    await hierarchy.servers[SOUTH].stop(0)
    ended = await front.release("hold-1", 1, "over")
    assert ended is not None
    assert ended.state is HoldState.RELEASED
    assert not hierarchy.used(NORTH)
    await hierarchy.start(hierarchy.member(SOUTH))

    async def nothing_is_left() -> bool:
        return hierarchy.nothing_is_used()

    await eventually(nothing_is_left)


async def test_an_offer_survives_a_restart_of_the_front(
    hierarchy: Hierarchy, front: GrpcDomain
) -> None:
    """It remembers nothing of its offers: it asks its controllers again."""
    asked = await request(front)
    await hierarchy.restart(FRONT)
    assert (await front.hold(asked)).state is HoldState.HELD
    await front.release("hold-1", 1, "over")


@pytest.fixture
def heard(hierarchy: Hierarchy, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Counter]]]:
    """What the front asks its controllers, with the counters of each call."""
    calls: list[tuple[str, list[Counter]]] = []
    for name, controller in hierarchy.front._controllers.items():

        async def offers(
            profiles: Sequence[SliceProfile],
            tenant: str,
            replaces: str | None = None,
            counters: Sequence[Counter | None] = (),
            of: str = name,
            inner: Callable[..., Awaitable[Sequence[Menu]]] = controller.offers,
        ) -> Sequence[Menu]:
            calls.append((of, [counter for counter in counters if counter]))
            return await inner(profiles, tenant, replaces, counters)

        monkeypatch.setattr(controller, "offers", offers)
    return calls


async def countered(front: GrpcDomain, offer: Offer, round_: int, permille: int) -> Menu:
    """The menu after asking for so many thousandths of an offer's price."""
    target = offer.metrics.price_micros * permille // 1_000
    (menu,) = await front.offers([PIPE], "clinic", None, [Counter(round_, offer, target)])
    return menu


async def test_what_its_own_margin_does_not_cover_a_front_asks_of_its_controllers(
    front: GrpcDomain, hierarchy: Hierarchy, heard: list[tuple[str, list[Counter]]]
) -> None:
    """It has 10 % to 3 % of margin, they have 5 % to 1 %: together 9.9 % of the price."""
    asked = await request(front)
    first = asked.offer
    heard.clear()
    own = await countered(front, first, 1, 950)
    assert own.offers[0].metrics.price_micros <= first.metrics.price_micros * 950 // 1_000
    assert not heard, "its own margin was enough"
    menu = await countered(front, first, 1, 910)
    assert sorted(name for name, _ in heard) == [NORTH, SOUTH], "who is on the way, once each"
    assert all(counter.round == 1 for _, (counter,) in heard)
    met = menu.offers[0]
    assert first.metrics.price_micros * 905 // 1_000 < met.metrics.price_micros
    assert met.metrics.price_micros <= first.metrics.price_micros * 910 // 1_000
    assert "controller" not in repr(menu)
    await front.hold(replace(asked, offer=met))
    paid = [part.offer.metrics.price_micros for part in await parts_of(hierarchy)]
    assert sum(paid) * 1_030 // 1_000 <= met.metrics.price_micros, "it sells at no loss"
    await front.release("hold-1", 1, "over")
    assert hierarchy.nothing_is_used()


async def parts_of(hierarchy: Hierarchy) -> list[Hold]:
    return [h for name in (NORTH, SOUTH) for h in await hierarchy.front._parts.held(name)]


async def test_what_nobody_can_give_takes_no_more_calls_than_there_are_rounds(
    front: GrpcDomain, hierarchy: Hierarchy, heard: list[tuple[str, list[Counter]]]
) -> None:
    (menu,) = await front.offers([PIPE], "clinic")
    first, heard[:] = menu.offers[0], []
    rounds = 0
    while menu.negotiable:
        rounds += 1
        menu = await countered(front, menu.offers[0], rounds, 500)
    assert menu.round == rounds <= ROUNDS_MAX
    assert sorted(name for name, _ in heard) == [NORTH, SOUTH], "theirs is a last word as well"
    share = menu.offers[0].metrics.price_micros / first.metrics.price_micros
    assert share == pytest.approx(1.03 * 1.01 / (1.10 * 1.05), abs=1e-4), "both at their floors"


async def test_an_offer_that_rests_on_what_was_conceded_is_gone_with_the_front(
    hierarchy: Hierarchy, front: GrpcDomain
) -> None:
    """It would be sold at a loss: the front remembers nothing of it, and says so."""
    asked = await request(front)
    menu = await countered(front, asked.offer, 1, 910)
    await hierarchy.restart(FRONT)
    with pytest.raises(OfferChanged):
        await front.hold(replace(asked, offer=menu.offers[0]))
    assert hierarchy.nothing_is_used()


async def test_what_lapses_is_given_back_everywhere(
    hierarchy: Hierarchy, front: GrpcDomain
) -> None:
    await front.hold(await request(front, ttl_s=0.3))

    async def nothing_is_left() -> bool:
        return hierarchy.nothing_is_used()

    await eventually(nothing_is_left)


async def test_a_slice_runs_over_it_like_over_any_other_domain(
    hierarchy: Hierarchy, tmp_path: Path
) -> None:
    for member in hierarchy.federation.members:
        if not member.config.federated:
            await hierarchy.start(member)
    async with AsyncExitStack() as stack:
        coordinator: CoordinatorServer = await serve_coordinator(
            CoordinatorSettings(
                name="main",
                trust_domain=HOME,
                address=ANYWHERE,
                database=tmp_path / "coordinator.sqlite",
                identity=hierarchy.identities[COORDINATOR],
                domains=tuple(
                    DomainEndpoint(m.name, hierarchy.servers[m.name].address, m.trust_domain)
                    for m in hierarchy.federation.members
                ),
                default_area="berlin",
            )
        )
        stack.push_async_callback(coordinator.stop, 0)
        tenants = Tenants(tmp_path, hierarchy.identities, {})
        clinic = tenants.tenant_at(coordinator.address)
        stack.push_async_callback(tenants.stop)
        (made,) = slices_of(await create(clinic, services=[service()], policy=REJECT))
        assert FRONT in {segment.domain for segment in made.segments}
        assert hierarchy.used(NORTH)
        assert hierarchy.used(SOUTH)
        again = await clinic.GetSlice(slices_pb2.GetSliceRequest(name=made.name))
        assert again == made
        slices_of(await terminate(clinic, made.name))
        assert hierarchy.nothing_is_used()
