"""One offer per hop, chosen exactly: a multiple-choice knapsack by merging menus into labels.

Latency and price add up, availability multiplies, throughput and devices are the least of all
hops. Menus are merged hop by hop; a label is dropped only when another one is at least as good in
every respect, or when even the best remaining offers cannot make it better than what is already
in hand. Feasibility is decided in integers alone.

`LABELS_MAX` bounds the work. It is a limit, not a heuristic: whatever is returned is optimal, and
a request that would need more labels is refused as `Overloaded`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isqrt, log10, prod
from operator import itemgetter

from coordinator.model import Chain, ServiceProfile
from coordinator.split import throughput
from domains.errors import Overloaded
from domains.model import PPB, Attribute, Menu, Metrics, Offer

LABELS_MAX = 50_000
"""Labels after one merge. 16 offers in each of 8 hops stay far below."""
OFFERS_MAX = 64
"""Offers in one menu; a domain that sends more is not listened to."""
WEIGHT_MIN = 0.01
"""What a quality that the tenant gave no weight still weighs."""
TRADED_PENALTY_MAX = 0.1
"""What a tenant that trades gives up at most, in weighted shares of what it asked for."""
_OUT_OF_REACH = 2.0
"""Above every penalty within reach, which is at most `TRADED_PENALTY_MAX` and the whole ceiling."""
RATE_MAX = 4**12
"""Highest price of a microsecond, in micro-EUR/h, that is tried to find bounds."""
RATES = (0, *(4**power for power in range(12)), RATE_MAX)
RATES_TRIED = 8
"""Rates tried on the way to the best bound: the interval shrinks to its root each time."""

COMPOSED = frozenset(
    {
        Attribute.LATENCY,
        Attribute.AVAILABILITY,
        Attribute.DOWNLINK,
        Attribute.UPLINK,
        Attribute.DEVICES,
        Attribute.PRICE,
    }
)
"""What metrics tell. An offer that gives in anything else (isolation, area, compute) is none:
no end-to-end relaxation could say what the tenant would be accepting."""

Level = tuple[int, int, int]
"""Downlink, uplink, devices; each capped at the need, as more is not better."""
Option = tuple[int, int, int, Level, Offer]
"""Price, latency, availability, level, and the offer they belong to."""
_Label = tuple[Level, int, int, int, tuple[int, ...]]
"""Level, price, latency, minus the product of availabilities, and the options taken."""
Rank = tuple[float, int, int, int]
"""Penalty, price, latency, minus availability: what is compared in the end."""
_BOUNDLESS = 1 << 62


@dataclass(frozen=True, slots=True)
class Need:
    """A service profile as integers to compare with, and its weights.

    Attributes:
        trades: whether the tenant gives up quality for what that saves: then `penalty` counts the
            price as well, as a share of the ceiling, wherever both are within reach.
    """

    latency_us: int
    availability_ppb: int
    level: Level
    price_micros: int | None
    by_latency: float
    by_reliability: float
    by_throughput: float
    by_price: float
    trades: bool = False

    @staticmethod
    def of(service: ServiceProfile, trades: bool = False) -> Need:
        preference = service.preference
        return Need(
            service.latency_us_max,
            service.availability_ppb_min,
            (*throughput(service), service.devices),
            service.price_micros_max,
            max(preference.latency, WEIGHT_MIN),
            max(preference.reliability, WEIGHT_MIN),
            max(preference.throughput, WEIGHT_MIN),
            max(preference.economics, WEIGHT_MIN),
            trades and bool(service.price_micros_max),
        )

    def penalty(self, level: Level, price: int, latency: int, availability: int) -> float:
        """Never less for a worse combination; without trades zero exactly where all is met."""
        total = 0.0
        if latency > self.latency_us:
            total += self.by_latency * ((latency - self.latency_us) / max(self.latency_us, 1))
        if availability < self.availability_ppb:
            # Integers a part per billion apart: the ratio is above one by at least that much,
            # also where no unavailability at all is allowed.
            allowed = max(PPB - self.availability_ppb, 1)
            ratio = max((PPB - availability) / allowed, 1.0 + 1e-9)
            total += self.by_reliability * log10(ratio)
        if level != self.level:
            for have, needed in zip(level, self.level, strict=True):
                if have < needed:
                    total += self.by_throughput * ((needed - have) / needed)
        if self.price_micros is not None and price > self.price_micros:
            total += self.by_price * ((price - self.price_micros) / max(self.price_micros, 1))
            return total + _OUT_OF_REACH if self.trades else total
        if self.trades and self.price_micros:
            within = total <= TRADED_PENALTY_MAX
            return total + (price / self.price_micros if within else _OUT_OF_REACH)
        return total


def options(menu: Menu, need: Need) -> Sequence[Option]:
    """The usable offers, cheapest first, without those that another one beats in everything."""
    if len(menu.offers) > OFFERS_MAX:
        return ()
    offers = sorted((offer for offer in menu.offers if _usable(offer, need)), key=_by_price)
    kept: list[Option] = []
    for offer in offers:
        metrics, level = offer.metrics, level_of(offer.metrics, need)
        price, latency = metrics.price_micros, metrics.latency_us
        availability = metrics.availability_ppb
        for _, its_latency, its_availability, its_level, _ in kept:
            as_good = its_latency <= latency and its_availability >= availability
            if as_good and _least(its_level, level) == level:
                break
        else:
            kept.append((price, latency, availability, level, offer))
    return kept


def _by_price(offer: Offer) -> tuple[int, int, int, str]:
    metrics = offer.metrics
    return metrics.price_micros, metrics.latency_us, -metrics.availability_ppb, offer.offer_id


def _usable(offer: Offer, need: Need) -> bool:
    """Something of everything asked for, and nothing given up that metrics do not tell."""
    if offer.relaxations and any(r.attribute not in COMPOSED for r in offer.relaxations):
        return False
    metrics, (downlink, uplink, devices) = offer.metrics, need.level
    return (
        (metrics.downlink_kbps > 0 or downlink <= 0)
        and (metrics.uplink_kbps > 0 or uplink <= 0)
        and (metrics.devices > 0 or devices <= 0)
    )


def level_of(metrics: Metrics, need: Need) -> Level:
    level = (metrics.downlink_kbps, metrics.uplink_kbps, metrics.devices)
    return need.level if level == need.level else _least(level, need.level)


def _least(one: Level, other: Level) -> Level:
    return min(one[0], other[0]), min(one[1], other[1]), min(one[2], other[2])


def _most(levels: Sequence[Level]) -> Level:
    return max(v[0] for v in levels), max(v[1] for v in levels), max(v[2] for v in levels)


@dataclass(frozen=True, slots=True)
class Route:
    """A chain with the options of each of its hops, and the best that remains after each hop."""

    chain: Chain
    options: tuple[Sequence[Option], ...]
    names: tuple[str, ...]
    price: tuple[int, ...]
    latency: tuple[int, ...]
    availability: tuple[int, ...]

    @staticmethod
    def of(chain: Chain, options: Iterable[Sequence[Option]]) -> Route:
        menus = tuple(options)
        price, latency, availability = [0], [0], [1]
        for menu in reversed(menus):
            price.append(price[-1] + menu[0][0])
            latency.append(latency[-1] + min([option[1] for option in menu]))
            availability.append(availability[-1] * max([option[2] for option in menu]))
        names = tuple(name for hop in chain for name in (hop.domain, hop.ingress, hop.egress))
        rest = tuple(price[::-1]), tuple(latency[::-1]), tuple(availability[::-1])
        return Route(chain, menus, names, *rest)


@dataclass(frozen=True, slots=True)
class Found:
    """The best so far; ties fall to the domain names, then to the options' own order."""

    rank: Rank
    route: Route
    picks: tuple[int, ...]

    @property
    def order(self) -> tuple[Rank, tuple[str, ...], tuple[int, ...]]:
        return self.rank, self.route.names, self.picks


def cheapest(routes: Sequence[Route], need: Need) -> Found | None:
    """The cheapest combination that meets every need; routes come by least price."""
    best: Found | None = None
    for route in routes:
        if best and route.price[0] > best.rank[1]:
            break
        kept = [[o for o in menu if o[3] == need.level] for menu in route.options]
        if not all(kept):
            continue
        if kept != list(route.options):
            route = Route.of(route.chain, kept)
        found = _cheapest_on(route, need, best.rank[1] if best else None)
        if found and (best is None or found.order < best.order):
            best = found
    return best


def _cheapest_on(route: Route, need: Need, price_max: int | None) -> Found | None:
    last = len(route.options) - 1
    least = -need.availability_ppb * PPB**last
    ceiling = min((p for p in (need.price_micros, price_max) if p is not None), default=_BOUNDLESS)
    if route.latency[0] > need.latency_us or -route.availability[0] > least:
        return None
    tell_availability = -prod([min([o[2] for o in menu]) for menu in route.options]) > least
    rate, rest, low, high = 0, route.price, 1, RATE_MAX
    for attempt in range(RATES_TRIED):
        tried = isqrt(low * high) if attempt else 0
        picks, left = _priced(route, tried)
        price, latency, product = _totals(route, picks)
        if latency > need.latency_us:
            low = tried or low
        else:
            high = tried
            if price <= ceiling and -product <= least:
                ceiling = price
                if not tried:  # the first of every hop: nothing is cheaper
                    return Found((0.0, price, latency, -(product // PPB**last)), route, picks)
        if left[0] - tried * need.latency_us > rest[0] - rate * need.latency_us:
            rate, rest = tried, left
    labels: list[_Label] = [(need.level, 0, 0, -1, ())]
    for index, menu in enumerate(route.options):
        priced_left = ceiling + rate * need.latency_us - rest[index + 1]
        latency_left = need.latency_us - route.latency[index + 1]
        best_rest = route.availability[index + 1]
        labels = [
            (level, p, t, product * availability, (*picks, pick))
            for level, price, latency, product, picks in labels
            for pick, (more, slower, availability, _, _) in enumerate(menu)
            if (t := latency + slower) <= latency_left
            and (p := price + more) + rate * t <= priced_left
            and product * availability * best_rest <= least
        ]
        if index < last:
            labels = _undominated(labels, tell_availability)
    if not labels:
        return None
    _, price, latency, product, picks = min(labels, key=itemgetter(1, 2, 3, 4))
    if price > ceiling:  # the rate forgives a price that a low latency makes up for
        return None
    return Found((0.0, price, latency, -(-product // PPB**last)), route, picks)


def _priced(route: Route, rate: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Per hop the cheapest option if a microsecond cost `rate`, and the least cost from there on.

    This is the Lagrangian bound: whatever keeps the latency costs at least
    `rest[0] - rate * latency_us_max`, at any rate; and its picks are good combinations to try.
    """
    picks, rest = [], [0]
    for menu in reversed(route.options):
        costs = [option[0] + rate * option[1] for option in menu]
        least = min(costs)
        picks.append(costs.index(least))
        rest.append(rest[-1] + least)
    return tuple(picks[::-1]), tuple(rest[::-1])


def least_relaxed(routes: Sequence[Route], need: Need) -> Found:
    """The combination of least penalty, then price."""
    tried = [(route, _priced(route, rate)[0]) for route in routes for rate in RATES]
    found = [Found(_rank(route, picks, need), route, picks) for route, picks in tried]
    best = min(found, key=lambda candidate: candidate.order)
    for route in routes:
        best = min(best, *_less_relaxed_on(route, need, best), key=lambda f: f.order)
    return best


def _less_relaxed_on(route: Route, need: Need, best: Found) -> list[Found]:
    """What this route has that may be as good as the best so far; that one last, for `min`."""
    levels = [need.level]
    for menu in reversed(route.options):
        levels.append(_least(levels[-1], _most([option[3] for option in menu])))
    levels.reverse()
    bound = best.rank[:2]
    labels: list[_Label] = [(need.level, 0, 0, -1, ())]
    for index, menu in enumerate(route.options):
        rest = (route.price[index + 1], route.latency[index + 1], route.availability[index + 1])
        at_best, scale = levels[index + 1], PPB ** (len(route.options) - 1)
        merged: list[_Label] = []
        for level, price, latency, product, picks in labels:
            for pick, (more, slower, availability, its_level, _) in enumerate(menu):
                both = level if level == its_level else _least(level, its_level)
                p, t, a = price + more, latency + slower, product * availability
                p_end, t_end, a_end = p + rest[0], t + rest[1], -(a * rest[2]) // scale
                if (need.penalty(_least(both, at_best), p_end, t_end, a_end), p_end) <= bound:
                    merged.append((both, p, t, a, (*picks, pick)))
        labels = _undominated(merged)
    found = [Found(_rank(route, label[4], need), route, label[4]) for label in labels]
    return [*found, best]


def _undominated(labels: list[_Label], tell_availability: bool = True) -> list[_Label]:
    """Labels that no other of the same level beats in price, latency and availability at once.

    In order of price, the staircase holds the best product for every latency seen so far. Where
    every combination is available enough, availability decides only between equals; they come
    sorted by it.
    """
    labels.sort()
    kept: list[_Label] = []
    level: Level | None = None
    latencies: list[int] = []
    products: list[int] = []
    for label in labels:
        if label[0] != level:
            level, latencies, products = label[0], [], []
        latency, product = label[2], label[3]
        at = bisect_right(latencies, latency)
        if at and (products[at - 1] <= product or not tell_availability):
            continue
        kept.append(label)
        end = at
        while end < len(products) and products[end] >= product:
            end += 1
        latencies[at:end], products[at:end] = [latency], [product]
    if len(kept) > LABELS_MAX:
        raise Overloaded(
            f"settling needs more than {LABELS_MAX} labels", labels=len(kept), limit=LABELS_MAX
        )
    return kept


def _totals(route: Route, picks: tuple[int, ...]) -> tuple[int, int, int]:
    taken = [menu[pick] for menu, pick in zip(route.options, picks, strict=True)]
    return sum([o[0] for o in taken]), sum([o[1] for o in taken]), prod([o[2] for o in taken])


def _rank(route: Route, picks: tuple[int, ...], need: Need) -> Rank:
    price, latency, product = _totals(route, picks)
    level = need.level
    for menu, pick in zip(route.options, picks, strict=True):
        level = _least(level, menu[pick][3])
    availability = product // PPB ** (len(picks) - 1)
    return need.penalty(level, price, latency, availability), price, latency, -availability
