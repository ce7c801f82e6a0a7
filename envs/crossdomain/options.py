"""What each domain could offer for each class of requests, by asking the live functions once.

`Technology.candidates` says what a domain can do and what that takes, `placement.chains` which
domains meet, `split` what each is asked for, and `settle` whether the empty network can serve it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coordinator.model import Agreement, Chain, MenuKey, Proposal, Refusal, ServiceProfile
from coordinator.negotiate import settle
from coordinator.placement import chains
from coordinator.resources import ResourceDatabase
from coordinator.split import split
from domains.errors import InvalidRequest
from domains.model import SliceProfile
from domains.offers import Terms, menu
from domains.technologies import Option, Technology, cheapest_first
from envs.crossdomain.demand import PERMILLE, RequestClass
from envs.crossdomain.network import Network


@dataclass(frozen=True, slots=True)
class Asked:
    """A class of requests on a network: which chains may serve it, and what each hop is asked.

    Attributes:
        budgets: the slice profile per hop, as `coordinator.planner` sets it.
        options: per hop all that its domain could do, cheapest first.
        cheapest_micros: price of the cheapest agreement while nothing is in use.
    """

    service: ServiceProfile
    probability: float
    chains: Sequence[Chain]
    budgets: Mapping[MenuKey, SliceProfile]
    options: Mapping[MenuKey, Sequence[Option]]
    cheapest_micros: int


def ask(network: Network, classes: Sequence[RequestClass]) -> list[Asked]:
    """Every class in order.

    A class has the chains that the coordinator asks while nothing is in use, at most `CHAINS_MAX`.
    Where there are more, a live coordinator may come to ask others once domains are sold out.

    Raises:
        InvalidRequest: an unknown area, or a class that even the empty network cannot serve.
        Refused: no chain of domains leads from an origin to its destination.
    """
    resources = network.resources()
    known: dict[ServiceProfile, Asked] = {}
    for one in classes:
        if one.service not in known:
            known[one.service] = _asked(network, resources, one.service)
    return [_within(known[one.service], one) for one in classes]


def _within(asked: Asked, one: RequestClass) -> Asked:
    """With the class's own probability, and its ceiling as a price."""
    ceiling = None
    if one.ceiling_permille is not None:
        if one.ceiling_permille < PERMILLE:
            raise InvalidRequest(
                f"{one.service.name}: a ceiling of {one.ceiling_permille} permille is below the "
                "cheapest agreement there is"
            )
        ceiling = asked.cheapest_micros * one.ceiling_permille // PERMILLE
    service = replace(one.service, price_micros_max=ceiling)
    return replace(asked, service=service, probability=one.probability)


def _asked(network: Network, resources: ResourceDatabase, service: ServiceProfile) -> Asked:
    found = chains(resources, service)
    budgets: dict[MenuKey, SliceProfile] = {}
    for chain in found:
        for hop, profile in zip(chain, split(service, chain), strict=True):
            budgets.setdefault((hop.domain, hop.ingress, hop.egress), profile)
    menus = {}
    for key, profile in budgets.items():
        inner = network.technologies[key[0]]
        terms = network.terms(key[0])
        menus[key] = menu(inner, profile, inner.capacities().__getitem__, terms)
    result = settle(service, found, menus, budgets)
    if not isinstance(result, Agreement):
        raise InvalidRequest(_impossible(service, result), service=service.name)
    options = {
        key: candidates(network.technologies[key[0]], profile, network.terms(key[0]))
        for key, profile in budgets.items()
    }
    return Asked(service, 0.0, found, budgets, options, result.metrics.price_micros)


def candidates(inner: Technology, profile: SliceProfile, terms: Terms) -> Sequence[Option]:
    """All that a domain could do for a slice profile on these terms, cheapest first, but for what
    another option beats or equals in every metric while taking no more of anything: no menu can
    hold that.

    Raises:
        InvalidRequest: where it is done depends on what is free, which a table cannot say.
    """
    order = {resource: place for place, resource in enumerate(inner.capacities())}
    found = tuple(inner.candidates(profile, order.__getitem__))
    if found != tuple(inner.candidates(profile, lambda resource: -order[resource])):
        raise InvalidRequest(
            f"{profile.devices} devices somewhere in {profile.ingress!r}: name one of its districts"
        )
    kept: list[Option] = []
    priced = [replace(option, metrics=terms.priced(option.metrics)) for option in found]
    for option in cheapest_first(priced):
        if not any(_no_worse(other, option) for other in kept):
            kept.append(option)
    return kept


def _no_worse(one: Option, other: Option) -> bool:
    """In every metric and in all that it takes; expects `one` to be no dearer."""
    return (
        one.metrics.latency_us <= other.metrics.latency_us
        and one.metrics.availability_ppb >= other.metrics.availability_ppb
        and all(other.demand.get(what, 0) >= units for what, units in one.demand.items())
    )


def _impossible(service: ServiceProfile, result: Proposal | Refusal) -> str:
    where = f"{service.name} from {service.origin} to {service.destination or 'anywhere'}"
    if isinstance(result, Refusal):
        return f"{where}: even the empty network cannot serve it: {result.text}"
    gives = [one.relaxation for one in result.relaxations]
    said = ", ".join(
        f"{one.attribute} {one.requested} -> {one.achievable} {one.unit}" for one in gives
    )
    return f"{where}: even the empty network cannot serve it: {said}"
