"""Step 4, split: an end-to-end profile becomes one slice profile per hop.

Latency adds up, availability multiplies, throughput and devices are what every hop must carry.
Budgets follow what a hop advertises at best (its floor): each gets its floor and a share of the
slack in proportion to it. Where the floors together exceed the bound they are scaled down, so
that the budgets never promise more time than the tenant gave:

    latency        sum of the budgets == latency_us_max, to the microsecond
    availability   product of the targets >= availability_ppb_min, in exact integers

For availability the same division is made over *un*availability. By Weierstrass' inequality
prod(1 - u_i) >= 1 - sum(u_i), so shares that sum to no more than the bound are safe without any
rounding argument.

A service graph (ETSI GR NGP 011) adds two demands. Links between the devices and a function cross
every hop, so their capacities, together, raise the throughput asked for. Links between two
functions stay inside the cloud: they add up to the `fabric_kbps` asked of the last hop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

from coordinator.model import DEVICES, Chain, ServiceProfile
from domains.errors import InvalidRequest
from domains.model import PPB, DomainKind, SliceProfile


def split(service: ServiceProfile, chain: Chain) -> tuple[SliceProfile, ...]:
    """One profile per hop, in order.

    Raises:
        InvalidRequest: a link of the service graph ends at a function that is not there.
    """
    assert chain, "a chain has hops"
    latencies = shares(service.latency_us_max, [hop.link.latency_us_min for hop in chain])
    targets = _availabilities(
        service.availability_ppb_min, [hop.link.availability_ppb_max for hop in chain]
    )
    downlink_kbps, uplink_kbps = throughput(service)
    profiles = [
        SliceProfile(
            ingress=hop.link.ingress,
            egress=hop.link.egress,
            latency_us_max=latency_us,
            availability_ppb_min=target_ppb,
            downlink_kbps=downlink_kbps,
            uplink_kbps=uplink_kbps,
            devices=service.devices,
            isolation=service.isolation,
        )
        for hop, latency_us, target_ppb in zip(chain, latencies, targets, strict=True)
    ]
    if service.functions or service.links:
        assert chain[-1].kind is DomainKind.CLOUD, "functions run where the chain ends"
        profiles[-1] = replace(
            profiles[-1], functions=service.functions, fabric_kbps=_fabric_kbps(service)
        )
    return tuple(profiles)


def shares(bound: int, floors: Sequence[int]) -> tuple[int, ...]:
    """Divide `bound` so that the parts sum to it exactly; each is >= its floor if all fit.

    A floor of zero counts as one when slack is divided, so that no hop is left without any.
    """
    total = sum(floors)
    if total > bound:
        return apportion(bound, floors)
    slack = apportion(bound - total, [max(floor, 1) for floor in floors])
    return tuple(map(int.__add__, floors, slack))


def apportion(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Integers in proportion to `weights` that sum to `total`; largest remainders round up."""
    assert total >= 0, "only what is there can be divided"
    weight = sum(weights)
    assert weight > 0, "someone has a weight"
    parts = [total * w // weight for w in weights]
    missing = total - sum(parts)
    if missing:
        by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % weight))
        for index in by_remainder[:missing]:
            parts[index] += 1
    return tuple(parts)


def throughput(service: ServiceProfile) -> tuple[int, int]:
    """(downlink, uplink) kbit/s that every hop must carry.

    The guaranteed throughput of the profile, or what the graph's links from and to the devices
    need together, whichever is more.
    """
    if not service.links:
        return service.downlink_kbps, service.uplink_kbps
    downlink = sum(link.capacity_kbps for link in service.links if link.target == DEVICES)
    uplink = sum(link.capacity_kbps for link in service.links if link.source == DEVICES)
    return max(service.downlink_kbps, downlink), max(service.uplink_kbps, uplink)


def _availabilities(bound_ppb: int, maxima_ppb: Sequence[int]) -> tuple[int, ...]:
    """Targets, in ppb, whose exact product is at least the bound."""
    allowed = PPB - bound_ppb
    floors = [PPB - maximum for maximum in maxima_ppb]
    if sum(floors) > allowed and prod(maxima_ppb) >= bound_ppb * PPB ** (len(floors) - 1):
        return tuple(maxima_ppb)  # fits only thanks to the second-order terms: no slack to give
    return tuple(PPB - share for share in shares(allowed, floors))


def _fabric_kbps(service: ServiceProfile) -> int:
    known = {function.name for function in service.functions} | {DEVICES}
    for link in service.links:
        for end in (link.source, link.target):
            if end not in known:
                raise InvalidRequest(
                    f"a link of {service.name!r} ends at {end!r}, which is no function of it",
                    service=service.name,
                    requested=end,
                )
    inside = (link for link in service.links if DEVICES not in (link.source, link.target))
    return sum(link.capacity_kbps for link in inside)
