"""The federated domain: an `AdministrativeDomain` whose network is that of its controllers.

    offers    ask every controller on the way, combine, bid under the domain's own policy; of a
              counter, what the domain's own margin does not cover is passed down in the same call
    hold      hold at each controller, then in the ledger; or give all of it back
    confirm   confirm at each controller, then in the ledger; where a part is gone, end them all
    release   in the ledger, then at each controller; `sweep` sees to what did not answer

The ledger row says which controllers have a part, and the parts' ids are derived from the hold's.
So after a crash the ledger alone tells what is alive: at an opening each controller is asked for
what it holds for us, and what belongs to nothing alive is released. Parts outlive an unconfirmed
hold by `parts.SLACK_S`, so that none lapses before the whole does. What is measured is measured
between the domain's own border points, by its own driver; each controller measures its part.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from domains.agents.agent import Agent
from domains.agents.concession import cost_for
from domains.agents.engine import Engine
from domains.agents.llm import engine
from domains.config import DomainConfig
from domains.domain import AdministrativeDomain
from domains.errors import EntenteError, HoldLapsed, OfferChanged, Refused
from domains.federated.asking import Book, ask, ask_less, passed_down
from domains.federated.parts import Parts, part_id
from domains.federated.stitch import Combination, Stitched, controller_of, resource
from domains.federated.views import Network, Views
from domains.model import (
    AbstractTopology,
    Attribute,
    Counter,
    Hold,
    HoldRequest,
    HoldState,
    Menu,
    SliceProfile,
)
from domains.port import Domain
from domains.requests import check_counters, check_hold, check_profiles
from domains.southbound.choice import driver as configured_driver
from domains.southbound.driver import Driver
from domains.store import Store
from domains.technologies import Free, Option

FIRST_VIEWS_S: Final = 5.0
"""How long an opening waits for each controller to show itself; others are taken up later."""
GAVE_UP: Final = "the whole was not held"
ENDED: Final = "the whole has ended"
MORE: Final = "as low as this round goes"


HangUp = Callable[[], Awaitable[None]]
_Behind = tuple[Stitched, Combination]
"""An offer's answer of the controllers, and the combination of theirs that it is."""


class FederatedDomain(AdministrativeDomain):
    """Made by `open_federated`; everything that is not about controllers is inherited."""

    def __init__(
        self,
        config: DomainConfig,
        store: Store,
        now: Callable[[], float],
        controllers: Mapping[str, Domain],
        driver: Driver | None,
        decides: Engine | None,
        hang_up: HangUp | None = None,
    ) -> None:
        self._hang_up = hang_up
        self._controllers = controllers
        self._parts = Parts(controllers, store.openings)
        self._views = Views(controllers, self._redrawn)
        self._room = {resource(name): config.limits.live_max for name in controllers}
        self._book = Book()
        self._decides = decides
        self._turns: dict[str, _Turn] = {}
        self._alive: dict[str, tuple[str, ...]] = {}
        self._unread = set(controllers)
        super().__init__(config, Network(self._room), store, now, driver, decides)
        for hold_id, demand in store.ledger.demands().items():
            self._alive[hold_id] = tuple(map(controller_of, demand))

    async def start(self) -> None:
        """See what the controllers show, and keep looking; measure what is confirmed."""
        await self._views.start(FIRST_VIEWS_S)
        self.functions.open(self._store.ledger.confirmed())

    async def close(self) -> None:
        await self._views.close()
        await super().close()
        if self._hang_up is not None:
            await self._hang_up()

    # -- what it shows ---------------------------------------------------------------------

    def _redrawn(self) -> None:
        """A controller shows something else, or fell silent."""
        self._border_points = frozenset(self._views.border_points)
        self.redraw()

    def _abstract(self, epoch: int) -> AbstractTopology:
        config = self._config
        return self._views.abstract(config.name, config.operator, epoch, self._agent.advertised)

    # -- asking ----------------------------------------------------------------------------

    async def menus(
        self,
        caller: str,
        profiles: Sequence[SliceProfile],
        tenant: str,
        replaces: str | None,
        counters: Sequence[Counter | None],
    ) -> Sequence[Menu]:
        check_profiles(profiles, tenant)
        check_counters(counters, len(profiles))
        free, now_s = self._store.ledger.free_for(caller, replaces), self._now()
        counters = counters or (None,) * len(profiles)
        known = [
            self._behind(profile, counter, tenant, replaces, free) if counter else None
            for profile, counter in zip(profiles, counters, strict=True)
        ]
        fresh = [profile for profile, behind in zip(profiles, known, strict=True) if not behind]
        answers = iter(await self._ask(fresh, tenant, replaces))
        menus = []
        for profile, counter, behind in zip(profiles, counters, known, strict=True):
            if counter and behind:
                stitched = await self._passed_down(counter, behind, tenant, replaces)
            else:
                stitched = next(answers)
            agent = Agent(stitched, self._config.policy, self._store.secret, self._decides)
            self._book.note(tenant, replaces, stitched, now_s)
            told = await agent.answers([profile], tenant, free, now_s, bool(replaces), [counter])
            menus += [self._left_open(menu, stitched) for menu in told]
        return menus

    async def _ask(
        self, profiles: Sequence[SliceProfile], tenant: str, replaces: str | None
    ) -> list[Stitched]:
        if not profiles:
            return []
        held = self._held(replaces)
        return await ask(self._controllers, self._views.paths, profiles, tenant, held, self._room)

    def _held(self, replaces: str | None) -> Mapping[str, str]:
        """The parts of the hold that is to be replaced, by controller."""
        before = self._alive.get(replaces, ()) if replaces else ()
        return {c: part_id(str(replaces), c) for c in before}

    def _behind(
        self,
        profile: SliceProfile,
        counter: Counter,
        tenant: str,
        replaces: str | None,
        free: Free,
    ) -> _Behind | None:
        """What a countered offer was made of; None where the book has forgotten."""
        now_s = self._now()
        for stitched in self._book.known(tenant, replaces, profile, now_s):
            agent = Agent(stitched, self._config.policy, self._store.secret)
            option = agent.behind(profile, counter.offer, tenant, free, now_s)
            if option is not None:
                return stitched, stitched.combination(option.key)
        return None

    async def _passed_down(
        self, counter: Counter, behind: _Behind, tenant: str, replaces: str | None
    ) -> Stitched:
        """What the controllers offer together after a counter; what they have said stands.

        Only what is beyond all that the domain's own margin could give is asked of them.
        """
        stitched, offered = behind
        target = counter.price_micros_target
        if target is None:
            return stitched
        affordable = cost_for(target, self._config.policy.margins(tenant)[1])
        down = passed_down(stitched, offered, affordable)
        if not down:
            return stitched
        return await ask_less(self._controllers, stitched, down, tenant, self._held(replaces))

    def _left_open(self, menu: Menu, stitched: Stitched) -> Menu:
        """The price is open as long as a controller's is, whatever the domain's own margin."""
        last = menu.round >= self._config.policy.rounds_max
        if last or not menu.offers or not stitched.may_come_down or menu.negotiable:
            return menu
        return replace(menu, negotiable=(Attribute.PRICE,), rationale=MORE)

    # -- holding ---------------------------------------------------------------------------

    async def hold(self, caller: str, request: HoldRequest) -> Hold:
        check_hold(request, self._border_points)
        async with self._alone(request.hold_id):
            now_s = self._now()
            earlier = await self.change(lambda ledger: ledger.admit(caller, request, now_s), now_s)
            if earlier is not None:
                return earlier
            option, stitched = await self._awarded(caller, request, now_s)
            chosen = stitched.combination(option.key)
            hold_id, names = request.hold_id, tuple(p.controller for p in chosen.path)
            before = self._alive.get(request.replaces, ()) if request.replaces else ()
            self._alive[hold_id] = names
            try:
                await self._parts.hold(request, chosen, stitched.profile, before)
                return await self.change(
                    lambda ledger: ledger.hold(caller, request, option.demand, (), now_s), now_s
                )
            except BaseException:
                await self._forget(hold_id, GAVE_UP)
                raise

    async def _awarded(
        self, caller: str, request: HoldRequest, now_s: float
    ) -> tuple[Option, Stitched]:
        """The option of an offer: from what was asked lately, else by asking again."""
        free = self._store.ledger.free_for(caller, request.replaces)
        grows = request.replaces is not None
        for fresh in (False, True):
            if fresh:
                profiles = [request.profile]
                known = await self._ask(profiles, request.tenant, request.replaces)
            else:
                known = self._book.known(request.tenant, request.replaces, request.profile, now_s)
            for stitched in known:
                agent = Agent(stitched, self._config.policy, self._store.secret)
                with contextlib.suppress(OfferChanged):
                    option = agent.award(
                        request.profile, request.offer, request.tenant, free, now_s, grows
                    )
                    return option, stitched
        raise OfferChanged("this is not on offer, or no longer", offer=request.offer.offer_id)

    async def confirm(self, caller: str, hold_id: str, epoch: int) -> Hold:
        """Confirm at every controller, then here.

        Raises:
            HoldLapsed: a part was gone; the others were given back.
            NotFound, HoldReleased, StaleEpoch, Unreachable.
        """
        async with self._alone(hold_id):
            now_s = self._now()
            standing = await self.change(
                lambda ledger: ledger.standing(caller, hold_id, epoch, now_s), now_s
            )
            if standing.state is not HoldState.CONFIRMED:
                try:
                    await self._parts.confirm(hold_id, self._alive[hold_id])
                except Refused:
                    reason = "a part of it was gone"
                    await self.change(
                        lambda ledger: ledger.release(caller, hold_id, epoch, reason, now_s), now_s
                    )
                    await self._forget(hold_id, reason)
                    raise HoldLapsed("a part of it has lapsed", hold=hold_id) from None
            hold = await self.change(
                lambda ledger: ledger.confirm(caller, hold_id, epoch, now_s), now_s
            )
            self.functions.want(caller, hold)
            return hold

    async def activate(self, caller: str, hold_id: str, epoch: int, active: bool) -> Hold:
        """Here, durably, then at every controller; sent again it reaches who did not answer."""
        async with self._alone(hold_id):
            hold = await super().activate(caller, hold_id, epoch, active)
            await self._parts.activate(hold_id, self._alive[hold_id], active)
            return hold

    async def release(self, caller: str, hold_id: str, epoch: int, reason: str) -> Hold | None:
        """End it here, durably, then at every controller."""
        async with self._alone(hold_id):
            now_s = self._now()
            ended = await self.change(
                lambda ledger: ledger.release(caller, hold_id, epoch, reason, now_s), now_s
            )
            self.functions.unwant(hold_id)
            await self._forget(hold_id, reason)
            return ended

    # -- no orphans ------------------------------------------------------------------------

    async def sweep(self) -> Sequence[Hold]:
        """Let lapse, and give back at the controllers whatever is alive here no more."""
        lapsed = await super().sweep()
        live = self._store.ledger.demands().keys()
        for hold_id in [h for h in self._alive if h not in live and h not in self._turns]:
            async with self._alone(hold_id):
                await self._forget(hold_id, ENDED)
        for controller in sorted(self._unread):
            await self._reconcile(controller)
        return lapsed

    async def _reconcile(self, controller: str) -> None:
        """After an opening: what a controller holds for nothing that is alive is given back."""
        with contextlib.suppress(EntenteError):
            held = await self._parts.held(controller)
            ours = {part_id(hold_id, controller) for hold_id in self._alive}
            for hold in held:
                if hold.hold_id not in ours:
                    await self._parts.give_back(controller, hold.hold_id, ENDED)
            self._unread.discard(controller)

    async def _forget(self, hold_id: str, reason: str) -> None:
        """Release the parts of what has ended; what does not answer is left to the next sweep."""
        names = self._alive.get(hold_id, ())
        if await asyncio.shield(self._parts.release(hold_id, names, reason)):
            self._alive.pop(hold_id, None)

    @asynccontextmanager
    async def _alone(self, hold_id: str) -> AsyncIterator[None]:
        """One change of a hold at a time: repeats in flight wait for the first."""
        turn = self._turns.setdefault(hold_id, _Turn())
        turn.takers += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.takers -= 1
            if not turn.takers:
                del self._turns[hold_id]


@dataclass(slots=True)
class _Turn:
    """Whose turn it is with a hold, and how many wait for it or have it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    takers: int = 0


async def open_federated(
    config: DomainConfig,
    database: Path,
    now: Callable[[], float],
    controllers: Mapping[str, Domain],
    hang_up: HangUp | None = None,
) -> FederatedDomain:
    """Restore what was held and confirmed, and see what the controllers show.

    Args:
        controllers: by name, as this domain is seen by them.
        hang_up: called when the domain has closed.

    Raises:
        StoreFailed: as `AdministrativeDomain.open`.
    """
    room = {resource(name): config.limits.live_max for name in controllers}
    store = await Store.open(database, room, config.ledger_limits, now())
    driver = configured_driver(config)
    decides = engine(config.policy)
    domain = FederatedDomain(config, store, now, controllers, driver, decides, hang_up)
    await domain.start()
    return domain
