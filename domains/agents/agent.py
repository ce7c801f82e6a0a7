"""Bids in a domain's name: the solver's menu, under the policy, on the terms of a round.

Everything here follows from its arguments: the policy, the domain's secret, the time. Nothing is
kept between a call, its counters and the award.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from domains.agents.concession import margin_for, margin_of_round, price_of
from domains.agents.engine import Engine, Point, Situation, Stance, fault
from domains.agents.policy import POINTS_MAX, RATIONALE_CHARACTERS_MAX, ROUNDS_MAX, Policy
from domains.agents.rules import decide, points_of_round, shown
from domains.agents.scarcity import Scarce
from domains.errors import OfferChanged
from domains.model import (
    UNIT,
    Attribute,
    Counter,
    Menu,
    Offer,
    Relaxation,
    SliceProfile,
)
from domains.offers import Terms, choose, menu, recognised
from domains.technologies import PERMILLE, Free, Option, Technology


@dataclass(frozen=True, slots=True)
class _Countered:
    """A counter that names an offer of ours: from which round on, from which margin, and whether
    there is plenty of all that the offer takes."""

    round: int
    margin_permille: int
    wanted_permille: int | None
    plenty: bool


class Ranker(Protocol):
    """A `domains.offers.Rank`, and what it calls itself."""

    @property
    def said(self) -> str: ...

    def __call__(
        self, profile: SliceProfile, options: Sequence[Option], free: Free
    ) -> Sequence[int] | None: ...


class Agent:
    """One domain's agent.

    Args:
        secret: seals offers; whoever has it can make them. engine: answers counters.
        rank: what the first menu shows; the rule, if None or if the policy answers no counter,
            which could bring back what was left out.
    """

    def __init__(
        self,
        technology: Technology,
        policy: Policy,
        secret: bytes,
        engine: Engine | None = None,
        rank: Ranker | None = None,
    ) -> None:
        self._technology = technology
        self._policy = policy
        charges = policy.scarcity_permille_medium, policy.scarcity_permille_low
        self._scarce = Scarce(technology, *charges)
        self._priced = self._scarce if any(charges) else technology
        self._secret = secret
        self._engine = engine
        self._rank = rank if policy.rounds_max else None
        permille = policy.headroom_permille
        self._headroom = {
            name: units * permille // PERMILLE for name, units in technology.capacities().items()
        }
        self._plain = not any(policy.relax.model_dump(exclude_none=True))

    def advertised(self, cost_micros: int) -> int:
        """What a topology shows for something of this cost: the opening price for everybody."""
        return price_of(cost_micros, self._policy.margin_permille_open)

    def room(self, free: Free) -> Free:
        """What a new slice may have of what is free: all but the headroom."""
        if not self._policy.headroom_permille:
            return free
        kept = self._headroom
        return lambda resource: free(resource) - kept[resource]

    def bids(
        self, profiles: Sequence[SliceProfile], tenant: str, free: Free, now_s: float, grows: bool
    ) -> list[Menu]:
        """The first menus: what every feasible request is answered with; no engine is asked.

        Args:
            grows: the slice runs here already: the headroom is for it.
        """
        if refusal := self._refusal(tenant, now_s):
            return [Menu(profile, (), *refusal) for profile in profiles]
        free = free if grows else self.room(free)
        margin, _ = self._policy.margins(tenant)
        terms = self._terms(tenant, 0, now_s, margin)
        return [self._first(profile, tenant, free, terms) for profile in profiles]

    async def answers(
        self,
        profiles: Sequence[SliceProfile],
        tenant: str,
        free: Free,
        now_s: float,
        grows: bool,
        counters: Sequence[Counter | None],
    ) -> list[Menu]:
        """Menus of a later round; a counter to something never offered gets the first again."""
        menus = self.bids(profiles, tenant, free, now_s, grows)
        free = free if grows else self.room(free)
        asked: list[tuple[int, Situation]] = []
        for index, (profile, counter) in enumerate(zip(profiles, counters, strict=True)):
            if counter is None or not menus[index].offers:
                continue
            countered = self._countered(profile, counter, tenant, free, now_s)
            if countered is not None:
                at_cost = self._allowed(menu(self._priced, profile, free))
                asked.append((index, self._situation(at_cost, tenant, countered)))
        stances = await self._stances([situation for _, situation in asked])
        for (index, situation), stance in zip(asked, stances, strict=True):
            assert fault(situation, stance) is None, "an engine left its policy"
            margin, round_ = stance.margin_permille, situation.round
            terms = self._terms(tenant, round_, now_s, margin)
            # The same profile, the same room: the same points in the same order, now with a price.
            found = self._allowed(menu(self._priced, profiles[index], free, terms)).offers
            offers = tuple(found[point] for point in sorted(stance.points))
            negotiable = self._negotiable(tenant, round_, margin, len(found))
            menus[index] = Menu(
                profiles[index], offers, None, "", round_, negotiable, stance.rationale
            )
        return menus

    def award(
        self,
        profile: SliceProfile,
        offer: Offer,
        tenant: str,
        free: Free,
        now_s: float,
        grows: bool,
    ) -> Option:
        """The option behind an offer of ours that still stands.

        Raises:
            OfferChanged: not ours, run out, below today's floor, or no longer for this tenant.
            CapacityInsufficient: others were faster.
        """
        if refusal := self._refusal(tenant, now_s):
            raise OfferChanged(refusal[1], offer=offer.offer_id)
        sealed = self._sealed(offer, tenant, now_s)
        if sealed is None:
            raise OfferChanged("this is not on offer, or no longer", offer=offer.offer_id)
        free = free if grows else self.room(free)
        return choose(self._technology, profile, offer, free, sealed[1])

    def behind(
        self, profile: SliceProfile, offer: Offer, tenant: str, free: Free, now_s: float
    ) -> Option | None:
        """The option of an offer of ours that has not run out, at what it costs now."""
        sealed = self._sealed(offer, tenant, now_s)
        return sealed and recognised(self._priced, profile, offer, free, sealed[1])

    # -- under the policy ------------------------------------------------------------------

    def _refusal(self, tenant: str, now_s: float) -> tuple[Relaxation, str] | None:
        nothing = Relaxation(Attribute.AREA, 1, 0)
        if not self._policy.serves(tenant):
            return nothing, "this domain does not serve this tenant"
        if ends := self._policy.closed_until(now_s):
            return nothing, f"maintenance until {ends:%Y-%m-%d %H:%M} UTC: no new slices"
        return None

    def _allowed(self, found: Menu) -> Menu:
        """Without the offers that fall short by more than the policy lets them."""
        if self._plain or not found.offers:
            return found
        relax = self._policy.relax
        kept = tuple(o for o in found.offers if all(map(relax.allows, o.relaxations)))
        if kept:
            return replace(found, offers=kept)
        stands = next(r for r in found.offers[0].relaxations if not relax.allows(r))
        text = (
            f"{stands.attribute}: {stands.requested} {UNIT[stands.attribute]} requested, "
            "and this domain relaxes it no further than its policy says"
        )
        return Menu(found.profile, (), Relaxation(stands.attribute, stands.requested, 0), text)

    # -- terms -----------------------------------------------------------------------------

    def _terms(self, tenant: str, round_: int, now_s: float, margin: int, back: int = 0) -> Terms:
        window = int(now_s // self._policy.offer_valid_s) - back
        return Terms(
            margin_permille=margin,
            price_micros_min=self._policy.price_micros_min,
            stamp=f"{tenant} {round_} {window}",
            mark=f"{round_}{window % 16:x}",
            secret=self._secret,
        )

    def _sealed(self, offer: Offer, tenant: str, now_s: float) -> tuple[int, Terms] | None:
        """Round and terms that an id claims, at today's floor; None where it cannot be ours now."""
        claimed = offer.offer_id[:1]
        if not claimed.isdecimal() or not claimed.isascii() or int(claimed) > ROUNDS_MAX:
            return None
        _, floor = self._policy.margins(tenant)
        for back in (0, 1):
            terms = self._terms(tenant, int(claimed), now_s, floor, back)
            if offer.offer_id.startswith(terms.mark):
                return int(claimed), terms
        return None

    # -- rounds ----------------------------------------------------------------------------

    def _first(self, profile: SliceProfile, tenant: str, free: Free, terms: Terms) -> Menu:
        found = self._allowed(menu(self._priced, profile, free, terms, self._rank))
        if not found.offers:
            return found
        offers, most = found.offers, self._policy.points_first
        ranked = bool(found.negotiable)  # and something left out, which a counter brings back
        feasible = POINTS_MAX if ranked else len(offers)
        negotiable = self._negotiable(tenant, 0, terms.margin_permille, feasible)
        if len(offers) > most:
            offers = tuple(offers[point] for point in sorted(shown(_points(offers), most)))
        rationale = FIRST if offers[0].exact else FIRST_RELAXED
        if ranked and self._rank is not None:
            rationale = f"{rationale}, picked by {self._rank.said}"[:RATIONALE_CHARACTERS_MAX]
        return Menu(profile, offers, None, "", 0, negotiable or found.negotiable, rationale)

    def _countered(
        self, profile: SliceProfile, counter: Counter, tenant: str, free: Free, now_s: float
    ) -> _Countered | None:
        sealed = self._sealed(counter.offer, tenant, now_s)
        if sealed is None or not sealed[0] + 1 == counter.round <= self._policy.rounds_max:
            return None
        option = self.behind(profile, counter.offer, tenant, free, now_s)
        if option is None:
            return None
        cost, price = option.metrics.price_micros, counter.offer.metrics.price_micros
        target = counter.price_micros_target
        wanted = None if target is None else max(margin_for(cost, target), 0)
        last = self._margin_of(cost, price, tenant, sealed[0])
        plenty = self._scarce.plenty(option, free)
        return _Countered(counter.round, last, wanted, plenty)

    def _margin_of(self, cost: int, price: int, tenant: str, round_: int) -> int:
        """The margin that a price was made with; where the least price hides it, the formula's."""
        policy = self._policy
        opening, floor = policy.margins(tenant)
        if price <= policy.price_micros_min or cost <= 0:
            return margin_of_round(
                opening, floor, round_, policy.rounds_max, policy.patience_permille
            )
        return min(margin_for(cost, price), opening)

    def _situation(self, at_cost: Menu, tenant: str, countered: _Countered) -> Situation:
        policy, profile = self._policy, at_cost.profile
        opening, floor = policy.margins(tenant)
        return Situation(
            round=countered.round,
            rounds_max=policy.rounds_max,
            margin_permille_open=opening,
            margin_permille_floor=floor,
            margin_permille_last=countered.margin_permille,
            margin_permille_wanted=countered.wanted_permille,
            patience_permille=policy.patience_permille,
            plenty=countered.plenty,
            latency_us_max=profile.latency_us_max,
            availability_ppb_min=profile.availability_ppb_min,
            points=_points(at_cost.offers),
            points_max=self._points_of(countered.round),
        )

    async def _stances(self, situations: Sequence[Situation]) -> Sequence[Stance]:
        if self._engine is None or not situations:
            return [decide(situation) for situation in situations]
        return await self._engine.stances(situations)

    def _negotiable(
        self, tenant: str, round_: int, margin: int, feasible: int
    ) -> tuple[Attribute, ...]:
        policy = self._policy
        if round_ >= policy.rounds_max:
            return ()
        if min(feasible, policy.points_max) > self._points_of(round_):
            return Attribute.LATENCY, Attribute.AVAILABILITY, Attribute.PRICE
        return (Attribute.PRICE,) if margin > policy.margins(tenant)[1] else ()

    def _points_of(self, round_: int) -> int:
        policy = self._policy
        return points_of_round(policy.points_first, policy.points_max, round_, policy.rounds_max)


FIRST = "first terms, cheapest first"
FIRST_RELAXED = "first terms: nothing keeps what was asked, these come nearest"


def _points(offers: Sequence[Offer]) -> tuple[Point, ...]:
    return tuple(
        Point(
            offer.metrics.latency_us,
            offer.metrics.availability_ppb,
            offer.metrics.price_micros,
            offer.exact,
        )
        for offer in offers
    )
