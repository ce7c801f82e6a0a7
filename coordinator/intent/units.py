"""Units behind a number, and the words around it that say what the number is of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Unit(StrEnum):
    """What kind of quantity a unit measures."""

    RATE = "rate"
    TIME = "time"
    SPAN = "span"
    SHARE = "share"
    SPEED = "speed"
    DENSITY = "density"
    PRICE = "price"
    COUNT = "count"


_PER_SECOND = (
    r"(?:ps\b|/s(?:ec(?:ond)?)?\b|\s?(?:per|a|pro|par) (?:sec(?:ond)?|sekunde|seconde)s?\b)"
)
_SQUARE = (
    r"(?P<area>km\s?\^?2|sq(?:uare|\.)?[ -]?(?:km|kilomet(?:er|re)s?)|kilomet(?:er|re)s? squared"
    r"|m\s?\^?2|sq(?:uare|\.)?[ -]?(?:m|met(?:er|re)s?)|sqm|hectares?|ha|acres?|square miles?)\b"
)
PATTERN = re.compile(
    r"[\s-]?(?:"
    rf"(?P<rate>(?P<prefix>[kmgt]|kilo|mega|giga|tera)?(?:bits?|bytes?|b){_PER_SECOND}"
    r"|(?P<bare>[kmgt]bits?|(?:kilo|mega|giga|tera)bits?|gigs?|megs?)(?![a-z/])"
    r"(?!\s?(?:of|files?|data|transfer|each day|daily|plans?"
    r"|(?:per|an?) (?:day|hour|week|month|year|file|image|message|transfer|report))\b))"
    r"|(?P<time>milli-?\s?sec(?:ond)?s?|msecs?|ms|micro-?\s?sec(?:ond)?s?|usecs?|us|nano-?\s?sec"
    r"(?:ond)?s?|ns|seconds?|secs?|s)(?![a-z0-9/])"
    r"|(?P<share>%|percent\b|per cent\b|pct\b)"
    r"|(?P<speed>km/?h\b|kph\b|kmph\b|mph\b|m/s\b|(?:kilomet(?:er|re)s?|km|miles?) (?:per"
    r"|an) hour\b)"
    r"|(?P<span>min(?:ute)?s?|hours?|hrs?|h|days?|weeks?|weekends?|months?|years?|yrs?)(?![a-z0-9/])"
    r"|(?P<price>eur(?:os?)?\b|€|usd\b|dollars?\b|\$|£|gbp\b)"
    rf"|(?P<density>\s?(?:[a-z][\w-]*\s*){{0,4}}?(?:(?<!\w)(?:per|an?|in every|in each|every"
    rf"|each)\s|/\s?){_SQUARE})"
    r")"
)
"""A unit right behind a number, in a folded text."""

_PREFIX = {"k": 1e-3, "m": 1.0, "g": 1e3, "t": 1e6}
_TIME_MS = {"mic": 1e-3, "us": 1e-3, "n": 1e-6, "s": 1e3}
SPAN_H: Mapping[str, float] = {
    "mi": 1 / 60,
    "ho": 1.0,
    "hr": 1.0,
    "h": 1.0,
    "da": 24.0,
    "we": 168.0,
    "mo": 730.0,
    "ye": 8760.0,
    "yr": 8760.0,
}
_AREA_KM2 = {"k": 1.0, "m": 1e-6, "h": 0.01, "a": 0.00404686}
_SPEED_KMH = {"mp": 1.609344, "mi": 1.609344, "m/": 3.6}


def mbps(unit: re.Match[str], original: str) -> float:
    """The factor of a rate; `original` shows whether the tenant wrote bits or Bytes."""
    prefix = (unit["prefix"] or unit["bare"] or "")[:1]
    factor = _PREFIX.get(prefix, 1e-6)
    is_bytes = "byte" in unit["rate"] or re.search(r"[kKMGT]?B(?:/s|ps)", original) is not None
    return factor * (8 if is_bytes else 1)


def per_km2(area: str) -> float:
    """How many of this area make a square kilometre."""
    if "mile" in area:
        return 1 / 2.589988
    if "km" in area or "kilo" in area:
        return 1.0
    return 1 / _AREA_KM2["m" if area.startswith("s") else area[0]]


def kmh(unit: str) -> float:
    """The factor of a speed."""
    return _SPEED_KMH.get(unit[:2], 1.0)


def time_ms(unit: str) -> float:
    """Milliseconds in a unit of time up to a second."""
    return next((ms for start, ms in _TIME_MS.items() if unit.startswith(start)), 1.0)


def span_h(unit: str) -> float:
    """Hours in a unit of a duration; a weekend has two days."""
    if unit.startswith("weekend"):
        return 48.0
    return SPAN_H[unit[:2]]
