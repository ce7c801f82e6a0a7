"""A tenant that has a slice changes its mind in words: what shall be different, and why. Pure.

Numbers come from the interpreter, and only those that the new words state. What matters more or
less is read here, sentence part by sentence part: a quality that is "no longer" needed is given up
to what a best-effort service gets, one that matters more gains weight, as does the price where it
shall be cheaper. Every change cites the words that it came from.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from coordinator.limits import DEVICES_MAX, KBPS_MAX, LATENCY_US_MAX
from coordinator.model import Interpretation, Preference, ServiceProfile, Source
from domains.model import PPB

RELAXED_LATENCY_US: Final = 300_000
"""The delay budget of 5QI 9, the default bearer (TS 23.501 table 5.7.4-1)."""
RELAXED_AVAILABILITY_PPB: Final = 990_000_000
"""Two nines: what a best-effort service gets along with; a planning assumption."""
EMPHASIS: Final = 2.0
"""A quality that matters more, or less, has so many times more, or less, weight."""

_QUALITY: Final = {
    "latency": r"latenc\w+|delay|response times?|ping|lag|speed of response",
    "reliability": r"availab\w+|reliab\w+|uptime|outages?|dependab\w+",
    "throughput": r"throughput|bandwidth|data rates?|bit ?rates?|capacity",
    "economics": r"price|costs?|budget|money",
}
_NO_LONGER: Final = re.compile(
    r"\b(no longer|not|isn't|is n't|doesn't|does n't|don't|less|never mind|forget|relax\w*|"
    r"irrelevant|unimportant|any more|anymore|can wait|whatever)\b"
)
_MORE: Final = re.compile(
    r"\b(critical|crucial|important|matters?|priority|most|more|vital|essential|now|key|first)\b"
)
_CHEAPER: Final = re.compile(
    r"\b(cheap\w*|less expensive|too expensive|save (some )?money|cut (the )?costs?|lower (the )?"
    r"(price|costs?))\b"
)
_TIMES: Final = (
    (re.compile(r"\b(twice|double|2 ?x|two times)\b"), 2.0),
    (re.compile(r"\b(half|halve|halved)\b"), 0.5),
    (re.compile(r"\b(three times|triple|3 ?x)\b"), 3.0),
)
_PART: Final = re.compile(r"[^,.;:!?\n]+")
_JOINED: Final = re.compile(r"\b(?:but|and|while|whereas|because|since)\b")


@dataclass(frozen=True, slots=True)
class Changed:
    """What the words change: fields of the service profile, each with the words it came from.

    `questions` are set where nothing can be told from the words.
    """

    values: Mapping[str, object]
    because: Mapping[str, str]
    questions: tuple[str, ...] = ()


def reinterpret(words: str, agreed: ServiceProfile, read: Interpretation) -> Changed:
    """What the words change of a slice that is agreed on as `agreed`.

    Args:
        read: what an interpreter makes of the words alone; its stated numbers count.
    """
    values: dict[str, object] = {}
    because: dict[str, str] = {}
    weights = {f.name: getattr(agreed.preference, f.name) for f in fields(Preference)}
    for part in _parts(words.lower()):
        for quality, pattern in _QUALITY.items():
            if not re.search(rf"\b({pattern})\b", part):
                continue
            times = next((n for sign, n in _TIMES if sign.search(part)), None)
            if times is not None and quality == "throughput":
                _scale(agreed, times, part, values, because)
            elif _NO_LONGER.search(part):
                weights[quality] /= EMPHASIS
                because.setdefault("preference", part)
                _give_up(quality, agreed, part, values, because)
            elif _MORE.search(part):
                weights[quality] *= EMPHASIS
                because.setdefault("preference", part)
        if _CHEAPER.search(part):
            weights["economics"] *= EMPHASIS
            because.setdefault("preference", part)
    if left := _stated(read, agreed, values, because):
        said = " and ".join(f'"{words}"' for words in left)
        return Changed({}, because, (f"{said}: {_APART.format(name=agreed.name)}",))
    if "preference" in because:
        total = sum(weights.values()) or 1.0
        values["preference"] = Preference(**{k: v / total for k, v in weights.items()})
    if not set(values) - {"preference"}:
        return Changed({}, because, (_question(agreed, because),))
    return Changed(values, because)


def _parts(words: str) -> list[str]:
    found = [piece for part in _PART.findall(words) for piece in _JOINED.split(part)]
    return [part.strip() for part in found if part.strip()]


def _give_up(
    quality: str,
    agreed: ServiceProfile,
    part: str,
    values: dict[str, object],
    because: dict[str, str],
) -> None:
    """To what a best-effort service gets; never to something better than is agreed."""
    if quality == "latency" and agreed.latency_us_max < RELAXED_LATENCY_US:
        values["latency_us_max"], because["latency_us_max"] = RELAXED_LATENCY_US, part
    if quality == "reliability" and agreed.availability_ppb_min > RELAXED_AVAILABILITY_PPB:
        values["availability_ppb_min"] = RELAXED_AVAILABILITY_PPB
        because["availability_ppb_min"] = part


def _scale(
    agreed: ServiceProfile,
    times: float,
    part: str,
    values: dict[str, object],
    because: dict[str, str],
) -> None:
    for name in ("downlink_kbps", "uplink_kbps"):
        rate = round(getattr(agreed, name) * times)
        if 0 < rate <= KBPS_MAX:
            values[name], because[name] = rate, part


def _stated(
    read: Interpretation,
    agreed: ServiceProfile,
    values: dict[str, object],
    because: dict[str, str],
) -> tuple[str, ...]:
    """Numbers of the new words; each replaces what was read between the lines.

    Returns the words that state what a change in words does not give: the tenant is asked then,
    and nothing of it is left out in silence.
    """
    if len(read.services) != 1:
        return ()
    stated = [item for item in read.services[0].evidence if item.source is Source.STATED]
    counted = (item.value for item in stated if item.key == "num_ues")
    devices = float(next(counted, agreed.devices))
    left = []
    for item in stated:
        if item.key in _AGREED_APART:
            left += [item.words] if item.value != getattr(agreed, _AGREED_APART[item.key]) else []
        elif isinstance(item.value, int | float) and item.key in _FIELDS:
            fields = _fields(item.key, float(item.value), devices)
            left += [] if fields else [item.words]
            values |= fields
            because |= dict.fromkeys(fields, item.words)
    return tuple(left)


_AGREED_APART: Final = {
    "price_eur_per_h": "price_micros_max",
    "isolation": "isolation",
    "origin": "origin",
    "destination": "destination",
}
"""What is agreed in typed fields, or with a slice of its own, and never by a change in words."""

_FIELDS: Final = {
    "latency_ms": ("latency_us_max",),
    "rtt_ms": ("latency_us_max",),
    "availability_pct": ("availability_ppb_min",),
    "reliability_pct": ("availability_ppb_min",),
    "dl_mbps": ("downlink_kbps",),
    "ul_mbps": ("uplink_kbps",),
    "mbps": ("downlink_kbps", "uplink_kbps"),
    "per_ue_dl_mbps": ("downlink_kbps",),
    "per_ue_ul_mbps": ("uplink_kbps",),
    "per_ue_mbps": ("downlink_kbps", "uplink_kbps"),
    "num_ues": ("devices",),
}
"""Key of a stated value -> the fields of a service profile that it changes."""


def _fields(key: str, value: float, devices: float) -> dict[str, object]:
    """The fields that a value changes; none where it is out of range."""
    match _FIELDS[key]:
        case ("latency_us_max",):
            wanted = round(value * 1_000 / (2 if key == "rtt_ms" else 1))
            most = LATENCY_US_MAX
        case ("availability_ppb_min",):
            wanted = round(value * PPB / 100)
            most = PPB - 1
        case ("devices",):
            wanted, most = math.ceil(value), DEVICES_MAX
        case _:
            wanted = math.ceil(value * 1_000 * (devices if key.startswith("per_ue") else 1))
            most = KBPS_MAX
    return dict.fromkeys(_FIELDS[key], wanted) if 1 <= wanted <= most else {}


_APART: Final = (
    "a change of {name} in words does not reach that; say the rest without it, and ask for that "
    "in typed fields or with a slice of its own"
)


def _question(agreed: ServiceProfile, because: Mapping[str, str]) -> str:
    if because:
        return (
            f"what may {agreed.name} do without for that? for example: latency is no longer "
            "critical, or 10 Mbit/s downlink is enough"
        )
    return f'what shall be different about {agreed.name}? for example: "latency of 50 ms is enough"'


def applied(agreed: ServiceProfile, changed: Changed) -> ServiceProfile:
    return replace(agreed, **dict(changed.values))  # type: ignore[arg-type]
