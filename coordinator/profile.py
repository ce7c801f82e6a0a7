"""Step 2: what a sentence means, as profiles that domains can be asked for.

    Interpretation -> ServiceProfile (our integers) -> NEST (GSMA NG.116) or TS 28.541 JSON

Conversions are exact (Decimal): availability in percent becomes parts per billion, milliseconds
become microseconds, Mbit/s become kbit/s. What has no whole number is rounded to the stricter one,
and what is out of range is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from coordinator import five_qi, limits
from coordinator.intent.catalogue import Entry, Flow
from coordinator.intent.services import BY_NAME, GENERIC
from coordinator.model import (
    DEVICES,
    Action,
    Interpretation,
    Service,
    ServiceLink,
    ServiceProfile,
    SliceType,
    Source,
    Typed,
)
from coordinator.profile_schema import (
    PlmnId,
    PlmnInfo,
    ServiceProfileJson,
    Sharing,
    SliceProfileJson,
    Snssai,
    SubnetProfile,
    Support,
    Supported,
    Throughput,
)
from domains.errors import InvalidRequest
from domains.model import PPB, DomainKind, Isolation, SliceProfile

TEST_PLMN = PlmnId(mcc="001", mnc="01")
"""The PLMN identity that ITU-T E.212 sets aside for tests."""

_PPB_PER_PERCENT = PPB // 100
_KBPS_PER_MBPS = 1000
_MICROS_PER_EUR = 1_000_000
_COUNTED = re.compile(r" \d+$")


def service_profiles(
    interpretation: Interpretation, default_area: str
) -> tuple[ServiceProfile, ...]:
    """The end-to-end requirements of every service of a request for new slices.

    Args:
        default_area: where devices are when no place is named.

    Raises:
        InvalidRequest: the interpretation asks for no new slices, or a value is out of range.
    """
    if interpretation.action is not Action.CREATE:
        raise InvalidRequest(
            f"a request to {interpretation.action} has no service profiles",
            field="action",
            requested=interpretation.action,
            achievable=Action.CREATE,
        )
    return tuple(service_profile(service, default_area) for service in interpretation.services)


def service_profile(service: Service, default_area: str) -> ServiceProfile:
    """The end-to-end requirements of one service.

    Raises:
        InvalidRequest: a value is missing or out of range.
    """
    entry = entry_of(service)
    devices = _devices(service)
    downlink, uplink = (_kbps(service, entry, way, devices) for way in ("dl", "ul"))
    return ServiceProfile(
        name=service.name,
        slice_type=service.slice_type,
        latency_us_max=_latency_us(service),
        availability_ppb_min=_availability_ppb(service),
        downlink_kbps=downlink,
        uplink_kbps=uplink,
        devices=devices,
        isolation=Isolation(str(service.value("isolation") or Isolation.SHARED)),
        origin=str(service.value("origin") or default_area),
        destination=str(service.value("destination") or ""),
        price_micros_max=_price_micros(service),
        preference=service.preference,
        functions=entry.functions,
        links=tuple(
            ServiceLink(DEVICES, function.name, max(downlink, uplink))
            for function in entry.functions
        ),
    )


def overlaid(
    described: Sequence[ServiceProfile], typed: Sequence[Typed]
) -> tuple[ServiceProfile, ...]:
    """What words describe, with typed fields on top, paired by name or else in order.

    Raises:
        InvalidRequest: neither can pair them.
    """
    by_name = {one.name: one for one in typed}
    if set(by_name) <= {service.name for service in described}:
        return tuple(by_name[s.name].over(s) if s.name in by_name else s for s in described)
    if len(typed) != len(described):
        raise InvalidRequest(
            f"{len(typed)} services are typed and {len(described)} are described, "
            "under names that do not match",
            field="services",
            requested=len(typed),
            achievable=len(described),
        )
    return tuple(one.over(service) for one, service in zip(typed, described, strict=True))


def entry_of(service: Service) -> Entry:
    """The catalogue entry that a service was named after; the generic one of its type if none."""
    name = _COUNTED.sub("", service.name)
    return BY_NAME.get(name, GENERIC[service.slice_type])


def _devices(service: Service) -> int:
    devices = (_number(service, "num_ues") or Decimal(1)).to_integral_value(ROUND_CEILING)
    return int(_within("num_ues", devices, 1, limits.DEVICES_MAX))


def _price_micros(service: Service) -> int | None:
    price = _number(service, "price_eur_per_h")
    if price is None:
        return None
    micros = (price * _MICROS_PER_EUR).to_integral_value(ROUND_FLOOR)
    return int(_within("price_eur_per_h", micros, 0, limits.PRICE_MICROS_MAX))


def _latency_us(service: Service) -> int:
    """One way: the stated latency, or half of a stated round trip."""
    latency_ms = _number(service, "latency_ms")
    if latency_ms is None:
        round_trip_ms = _required(service, "rtt_ms")
        latency_ms = round_trip_ms / 2
    latency_us = (latency_ms * 1000).to_integral_value(ROUND_FLOOR)
    return int(_within("latency_ms", latency_us, 1, limits.LATENCY_US_MAX))


def _availability_ppb(service: Service) -> int:
    """The stricter of availability and reliability, whichever the tenant stated."""
    keys = ("availability_pct", "reliability_pct")
    stated = {
        item.key for item in service.evidence if item.key in keys and item.source is Source.STATED
    }
    found = [_number(service, key) for key in (stated or keys)]
    percent = max((value for value in found if value is not None), default=None)
    if percent is None:
        raise InvalidRequest(f"{service.name} has no availability", field="availability_pct")
    ppb = (percent * _PPB_PER_PERCENT).to_integral_value(ROUND_CEILING)
    return int(_within("availability_pct", ppb, 1, PPB - 1))


def _kbps(service: Service, entry: Entry, way: str, devices: int) -> int:
    """Throughput of the whole slice in one direction ("dl" or "ul")."""
    stated = {item.key for item in service.evidence if item.source is Source.STATED}
    carried = entry.flow is Flow.BOTH or (entry.flow is Flow.UP) == (way == "ul")
    scales = {f"{way}_mbps": 1, f"per_ue_{way}_mbps": devices}
    undirected = {"mbps": 1, "per_ue_mbps": devices}
    rates = [
        _required(service, key) * scale
        for key, scale in (scales | undirected if carried else scales).items()
        if key in stated
    ]
    if rates:
        mbps = rates[0]
    else:
        activity = (_number(service, "activity_pct") or Decimal(100)) / 100
        mbps = _required(service, f"per_ue_{way}_mbps") * devices * activity
        for key in undirected.keys() & stated:  # the lesser direction of a stated rate
            mbps = min(mbps, _required(service, key) * undirected[key])
    kbps = (mbps * _KBPS_PER_MBPS).to_integral_value(ROUND_CEILING)
    return int(_within(f"{way}_mbps", kbps, 1, limits.KBPS_MAX))


def _number(service: Service, key: str) -> Decimal | None:
    """A value as written, without the dust of binary fractions; NaN and infinity refused."""
    value = service.value(key)
    if value is None:
        return None
    number = Decimal(str(value))
    if not number.is_finite() or number < 0:
        raise InvalidRequest(f"{key} of {service.name} is {value}", field=key, requested=value)
    return number


def _required(service: Service, key: str) -> Decimal:
    number = _number(service, key)
    if number is None:
        raise InvalidRequest(f"{service.name} does not say its {key}", field=key)
    return number


def _within(key: str, value: Decimal, low: int, high: int) -> Decimal:
    if not low <= value <= high:
        raise InvalidRequest(
            f"{key} is out of range",
            field=key,
            requested=value,
            achievable=f"{low}..{high}",
        )
    return value


def nest(profile: ServiceProfile) -> dict[str, int | float | str]:
    """The profile as a filled template, by the attribute labels of the GST (GSMA NG.116).

    A latency under every standardised 5QI (TS 23.501) has none: its delay budget and error rate
    are then given as they are, which NG.116 allows for operator-specific characteristics.
    """
    quality = five_qi.choose(
        profile.latency_us_max,
        profile.availability_ppb_min,
        guaranteed=profile.slice_type is not SliceType.MIOT,
    )
    slice_quality = "Slice quality of service"
    filled: dict[str, int | float | str] = {
        "Area of Service: Region specification": profile.origin,
        "Availability": _percent(profile.availability_ppb_min),
        "Delay tolerance": _tolerance(profile),
        "Downlink throughput per network slice: Guaranteed downlink throughput quota": (
            profile.downlink_kbps
        ),
        "Uplink throughput per network slice: Guaranteed uplink throughput quota": (
            profile.uplink_kbps
        ),
        "Maximum number of UEs": profile.devices,
    }
    if quality is None:
        return filled | {
            f"{slice_quality}: Resource Type": five_qi.DELAY_CRITICAL.value,
            f"{slice_quality}: Packet Delay Budget": profile.latency_us_max / 1000,
            f"{slice_quality}: Packet Error Rate": (PPB - profile.availability_ppb_min) / PPB,
        }
    return filled | {
        f"{slice_quality}: 3GPP 5QI": quality.value,
        f"{slice_quality}: Resource Type": quality.resource_type.value,
        f"{slice_quality}: Priority Level": quality.priority,
        f"{slice_quality}: Packet Delay Budget": quality.delay_ms,
        f"{slice_quality}: Packet Error Rate": quality.error_rate,
    }


def service_profile_json(
    profile: ServiceProfile, plmn: PlmnId = TEST_PLMN, sd: str | None = None
) -> dict[str, object]:
    """TS 28.541 Rel-19 `ServiceProfile`; `sd` is six hexadecimal digits."""
    document = ServiceProfileJson(
        serviceProfileId=profile.name,
        plmnInfoList=[_plmn_info(plmn, int(profile.slice_type), sd)],
        maxNumberofUEs=profile.devices,
        dLLatency=profile.latency_us_max / 1000,
        uLLatency=profile.latency_us_max / 1000,
        sst=int(profile.slice_type),
        networkSliceSharingIndicator=_sharing(profile.isolation),
        availability=_percent(profile.availability_ppb_min),
        delayTolerance=Supported(support=_support(profile)),
        dLThptPerSlice=Throughput(guaThpt=float(profile.downlink_kbps)),
        uLThptPerSlice=Throughput(guaThpt=float(profile.uplink_kbps)),
    )
    return document.model_dump(exclude_none=True)


def slice_profile_json(
    profile: SliceProfile,
    kind: DomainKind,
    slice_type: SliceType = SliceType.EMBB,
    plmn: PlmnId = TEST_PLMN,
    sd: str | None = None,
) -> dict[str, object]:
    """TS 28.541 Rel-19 `SliceProfile` of one domain.

    Rel-19 has a profile for RAN and core subnets only. Transport and cloud carry theirs as a core
    one: it has the same attributes without radio, and it keeps fractions of a millisecond, which
    the profile of a top subnet (whole milliseconds) cannot.
    """
    subnet = SubnetProfile(
        maxNumberofUEs=profile.devices,
        dLLatency=profile.latency_us_max / 1000,
        uLLatency=profile.latency_us_max / 1000,
        dLThptPerSliceSubnet=Throughput(guaThpt=float(profile.downlink_kbps)),
        uLThptPerSliceSubnet=Throughput(guaThpt=float(profile.uplink_kbps)),
        resourceSharingLevel=_sharing(profile.isolation),
        availability=_percent(profile.availability_ppb_min),
    )
    radio = kind is DomainKind.ACCESS
    document = SliceProfileJson(
        sliceProfileId=f"{profile.ingress}:{profile.egress}",
        plmnInfoList=[_plmn_info(plmn, int(slice_type), sd)],
        rANSliceSubnetProfile=subnet if radio else None,
        cNSliceSubnetProfile=None if radio else subnet,
    )
    return document.model_dump(exclude_none=True)


def _plmn_info(plmn: PlmnId, sst: int, sd: str | None) -> PlmnInfo:
    return PlmnInfo(plmnId=plmn, snssai=Snssai(sst=sst, sd=sd))


def _percent(availability_ppb: int) -> float:
    return float(Decimal(availability_ppb) / _PPB_PER_PERCENT)


def _sharing(isolation: Isolation) -> Sharing:
    return "NON_SHARED" if isolation is Isolation.ISOLATED else "SHARED"


def _support(profile: ServiceProfile) -> Support:
    return "SUPPORTED" if profile.slice_type is SliceType.MIOT else "NOT_SUPPORTED"


def _tolerance(profile: ServiceProfile) -> str:
    return "Supported" if profile.slice_type is SliceType.MIOT else "Not supported"
