"""From options to a menu: exact offers first, then the nearest that can be had, by name.

An offer's id is a keyed code over the load, the option's key, the price and the `Terms`, so a
domain keeps nothing for an offer and recognises it later (`choose`), at the very price it was made
at. Budgets are no part of the id: negotiation may move them between domains without making an
offer another one.

Where the throughput or the number of devices cannot be had at all, the menu holds what can at the
largest share of them (in thousandths of what was asked, so that it says little about what is
left). Isolation, area and compute are never given up in the tenant's stead: those refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from domains.agents.concession import price_of
from domains.errors import CapacityInsufficient, OfferChanged, metadata_of
from domains.model import (
    UNIT,
    Attribute,
    Isolation,
    Menu,
    Metrics,
    NetworkFunction,
    Offer,
    Relaxation,
    SliceProfile,
)
from domains.technologies import PERMILLE, Free, Option, Technology, fits

MENU_MAX = 24
"""Offers in one menu. On the shipped networks that is every one that a negotiation can use: of 385
random requests none came out dearer than with whole frontiers, with 16 two in a hundred did and
with 8 one in ten."""

_ID_BYTES = 12

_SCALABLE: tuple[tuple[Attribute, ...], ...] = (
    (Attribute.DOWNLINK,),
    (Attribute.UPLINK,),
    (Attribute.DOWNLINK, Attribute.UPLINK),
    (Attribute.DEVICES,),
    (Attribute.DOWNLINK, Attribute.UPLINK, Attribute.DEVICES),
)
"""What may be scaled down together, fewest and least painful first."""

_FIELD = {
    Attribute.DOWNLINK: "downlink_kbps",
    Attribute.UPLINK: "uplink_kbps",
    Attribute.DEVICES: "devices",
}


@dataclass(frozen=True, slots=True)
class Terms:
    """At what price, to whom, until when: what an agent adds to what is feasible.

    Attributes:
        margin_permille: on top of cost; price_micros_min: no offer is cheaper.
        stamp: tenant, round and time, sealed into each id; mark: how an id begins, in the open.
        secret: the domain's own, so that nobody else can make an id.
    """

    margin_permille: int = 0
    price_micros_min: int = 0
    stamp: str = ""
    mark: str = ""
    secret: bytes = b""

    def priced(self, metrics: Metrics) -> Metrics:
        """The metrics with the price instead of the cost."""
        if not self.margin_permille and not self.price_micros_min:
            return metrics
        price = price_of(metrics.price_micros, self.margin_permille, self.price_micros_min)
        return Metrics(
            metrics.latency_us,
            metrics.availability_ppb,
            metrics.downlink_kbps,
            metrics.uplink_kbps,
            metrics.devices,
            price,
        )


AT_COST = Terms()


Rank = Callable[[SliceProfile, Sequence[Option], Free], Sequence[int] | None]
"""Places of the options to show beside the finest; None where the rule is to answer."""


def menu(
    technology: Technology,
    profile: SliceProfile,
    free: Free,
    terms: Terms = AT_COST,
    rank: Rank | None = None,
) -> Menu:
    """What a domain can promise for a slice profile now, on these terms.

    At most `MENU_MAX` offers, none better than another in latency, availability and price at
    once; always the cheapest, the fastest and the most available. Exact ones come first, each
    part cheapest first. Empty only with a `refusal`.

    With `rank` it is the `finest` and what it names. Whatever it leaves out, the rule's menu holds
    nothing faster and more available, so an end-to-end latency or availability that the rule's
    menus make possible is possible with it too, as is the smallest relaxation. A lower price may
    be: the price is then negotiable, and a counter is answered by the rule.
    """
    options = technology.options(profile, free)
    if options:
        return _served(profile, profile, _shown(profile, options, free, rank), (), terms)
    for attributes in _SCALABLE:
        smaller = _largest(profile, attributes, lambda p: bool(technology.options(p, free)))
        if smaller is not None:
            short = tuple(_short(profile, smaller, attribute) for attribute in attributes)
            options = technology.options(smaller, free)
            return _served(profile, smaller, _shown(smaller, options, free, rank), short, terms)
    refusal, text = _refusal(technology, profile, free)
    return Menu(profile, (), refusal, text)


def choose(
    technology: Technology,
    profile: SliceProfile,
    offer: Offer,
    free: Free,
    terms: Terms = AT_COST,
) -> Option:
    """The option behind an offer that `menu` made for this load, if there is still room.

    Args:
        terms: as it was made on; their margin is the least that the domain still accepts.

    Raises:
        OfferChanged: no such offer was ever made for this profile, its terms were altered, or it
            is below what is accepted by now.
        CapacityInsufficient: there is no room for it now.
    """
    option = recognised(technology, profile, offer, free, terms)
    if option is None or offer.metrics.price_micros < terms.priced(option.metrics).price_micros:
        raise OfferChanged("this is not on offer for this profile", offer=offer.offer_id)
    if not fits(option, free):
        raise CapacityInsufficient("there is no room left for this offer", **_seen(profile))
    return option


def recognised(
    technology: Technology, profile: SliceProfile, offer: Offer, free: Free, terms: Terms
) -> Option | None:
    """The option of an offer that this domain made on these terms, at whatever price."""
    promised = offer.metrics
    served = replace(
        profile,
        downlink_kbps=promised.downlink_kbps,
        uplink_kbps=promised.uplink_kbps,
        devices=promised.devices,
    )
    identify = _identifier(served, terms)
    for option in technology.candidates(served, free):
        metrics = option.metrics
        if (
            metrics.latency_us == promised.latency_us
            and metrics.availability_ppb == promised.availability_ppb
            and identify(option.key, promised.price_micros) == offer.offer_id
        ):
            return option
    return None


def _served(
    profile: SliceProfile,
    served: SliceProfile,
    shown: _Shown,
    short: tuple[Relaxation, ...],
    terms: Terms,
) -> Menu:
    """A menu for `profile` of options for `served`, its largest part that can be had."""
    identify = _identifier(served, terms)
    offers = []
    for option in shown.options:
        metrics = terms.priced(option.metrics)
        offer_id = identify(option.key, metrics.price_micros)
        offers.append(Offer(offer_id, metrics, short + _missed(profile, metrics)))
    negotiable = (Attribute.PRICE,) if shown.more else ()
    return Menu(profile, tuple(sorted(offers, key=_exact_first)), negotiable=negotiable)


@dataclass(frozen=True, slots=True)
class _Shown:
    """Options for a menu, cheapest first; `more`: whether the rule would have shown others."""

    options: Sequence[Option]
    more: bool


def _shown(
    profile: SliceProfile, options: Sequence[Option], free: Free, rank: Rank | None
) -> _Shown:
    """As ranked, if that makes sense: nothing that there is not. Else as the rule says."""
    places = rank(profile, options, free) if rank is not None else None
    if places is None or not set(places) <= set(range(len(options))):
        return _Shown(thinned(profile, options), False)
    kept = sorted({*finest(options), *places})
    if len(kept) > MENU_MAX:
        return _Shown(thinned(profile, options), False)
    return _Shown([options[place] for place in kept], len(kept) < len(options))


def finest(options: Sequence[Option]) -> list[int]:
    """Places of the options that no other one betters in latency and availability, at any price;
    the fastest first. They decide what is possible end to end: latencies add up and availabilities
    multiply, so for every combination one of these is at least as good in both."""
    metrics = [option.metrics for option in options]
    found: list[int] = []
    for i in sorted(
        range(len(metrics)), key=lambda i: (metrics[i].latency_us, -metrics[i].availability_ppb)
    ):
        if not found or metrics[i].availability_ppb > metrics[found[-1]].availability_ppb:
            found.append(i)
    return found


def _exact_first(offer: Offer) -> bool:
    """False sorts first; the sort is stable, so each part stays in its order."""
    return bool(offer.relaxations)


def thinned(profile: SliceProfile, options: Sequence[Option]) -> Sequence[Option]:
    """At most `MENU_MAX`: the extremes, what no money can better, the rest evenly spread.

    What is best in latency and availability together decides what can be proposed when budgets
    cannot be kept, so it goes before mere differences in price. Budgets have no say but to add
    the cheapest option that keeps them: a looser budget never leaves fewer exact offers.
    """
    if len(options) <= MENU_MAX:
        return options
    indices, best = range(len(options)), finest(options)
    kept = list(dict.fromkeys([0, best[0], best[-1], *best]))[: MENU_MAX - 1]
    others = [i for i in indices if i not in kept]
    spread = MENU_MAX - 1 - len(kept)
    kept += [others[i * len(others) // spread] for i in range(spread)]
    exact = next((i for i in indices if not _missed(profile, options[i].metrics)), 0)
    return [options[i] for i in sorted({*kept, exact})]


def _missed(profile: SliceProfile, metrics: Metrics) -> tuple[Relaxation, ...]:
    """The budgets of the profile that an option does not keep."""
    missed = []
    if metrics.latency_us > profile.latency_us_max:
        missed.append(Relaxation(Attribute.LATENCY, profile.latency_us_max, metrics.latency_us))
    if metrics.availability_ppb < profile.availability_ppb_min:
        missed.append(
            Relaxation(
                Attribute.AVAILABILITY, profile.availability_ppb_min, metrics.availability_ppb
            )
        )
    return tuple(missed)


def _short(profile: SliceProfile, smaller: SliceProfile, attribute: Attribute) -> Relaxation:
    name = _FIELD[attribute]
    return Relaxation(attribute, getattr(profile, name), getattr(smaller, name))


def _scaled(profile: SliceProfile, attributes: Sequence[Attribute], permille: int) -> SliceProfile:
    return replace(
        profile,
        **{_FIELD[a]: getattr(profile, _FIELD[a]) * permille // PERMILLE for a in attributes},
    )


def _largest(
    profile: SliceProfile, attributes: Sequence[Attribute], possible: Callable[[SliceProfile], bool]
) -> SliceProfile | None:
    """The largest share of these attributes that can be had, in thousandths; None if none can.

    Shares that leave nothing of an attribute do not count.
    """
    wanted = [getattr(profile, _FIELD[attribute]) for attribute in attributes]
    if min(wanted) < 2:
        return None
    low = max(-(-PERMILLE // value) for value in wanted)
    if not possible(_scaled(profile, attributes, low)):
        return None
    high = PERMILLE
    while high - low > 1:
        middle = (low + high) // 2
        if possible(_scaled(profile, attributes, middle)):
            low = middle
        else:
            high = middle
    return _scaled(profile, attributes, low)


def _refusal(technology: Technology, profile: SliceProfile, free: Free) -> tuple[Relaxation, str]:
    """Which single thing stands in the way, and the most of it that can be had."""
    ends = {(reach.ingress, reach.egress) for reach in technology.reaches()}
    if (profile.ingress, profile.egress) not in ends:
        text = f"nothing leads from {profile.ingress!r} to {profile.egress!r} here"
        return Relaxation(Attribute.AREA, 1, 0), text
    if profile.functions:
        wanted, achievable = _compute(technology, profile, free)
        if achievable:
            text = (
                f"{Attribute.COMPUTE}: {wanted} {UNIT[Attribute.COMPUTE]} requested, "
                f"{achievable} achievable"
            )
            return Relaxation(Attribute.COMPUTE, wanted, achievable), text
    if profile.isolation is Isolation.ISOLATED and technology.options(
        replace(profile, isolation=Isolation.SHARED), free
    ):
        text = "isolation: no dedicated share or instances left; a shared slice could be had"
        return Relaxation(Attribute.ISOLATION, 1, 0), text
    attribute = Attribute.UPLINK if profile.uplink_kbps else Attribute.DOWNLINK
    if profile.downlink_kbps > profile.uplink_kbps:
        attribute = Attribute.DOWNLINK
    wanted = getattr(profile, _FIELD[attribute])
    text = f"{attribute}: {wanted} {UNIT[attribute]} requested, 0 achievable"
    return Relaxation(attribute, wanted, 0), text


def _compute(technology: Technology, profile: SliceProfile, free: Free) -> tuple[int, int]:
    """Millicores asked for, and the most that functions of these proportions could have."""
    wanted = sum(function.cpu_millicores for function in profile.functions)
    low, high = 0, PERMILLE
    while high - low > 1:
        middle = (low + high) // 2
        if technology.options(_with_functions(profile, middle), free):
            low = middle
        else:
            high = middle
    smaller = _with_functions(profile, low).functions if low else ()
    return wanted, sum(function.cpu_millicores for function in smaller)


def _with_functions(profile: SliceProfile, permille: int) -> SliceProfile:
    return replace(profile, functions=tuple(_smaller(f, permille) for f in profile.functions))


def _smaller(function: NetworkFunction, permille: int) -> NetworkFunction:
    return replace(
        function,
        cpu_millicores=function.cpu_millicores * permille // PERMILLE,
        memory_mib=function.memory_mib * permille // PERMILLE,
        storage_gib=function.storage_gib * permille // PERMILLE,
    )


def _identifier(served: SliceProfile, terms: Terms) -> Callable[[str, int], str]:
    """Option key, price -> offer id, for the load of `served` (its budgets do not matter)."""
    load = repr(
        (
            served.ingress,
            served.egress,
            served.downlink_kbps,
            served.uplink_kbps,
            served.devices,
            served.isolation.value,
            served.functions,
            served.fabric_kbps,
            terms.stamp,
        )
    )
    base = blake2b(load.encode(), digest_size=_ID_BYTES, key=terms.secret)
    mark = terms.mark

    def identify(key: str, price_micros: int) -> str:
        digest = base.copy()
        digest.update(f"{price_micros} {key}".encode())
        return mark + digest.hexdigest()

    return identify


def _seen(profile: SliceProfile) -> dict[str, object]:
    """What was asked, for an error's metadata."""
    return metadata_of(Relaxation(Attribute.DOWNLINK, profile.downlink_kbps, 0))
