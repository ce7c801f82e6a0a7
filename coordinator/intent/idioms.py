"""Quantities that are not a number followed by its unit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coordinator.intent import units
from coordinator.intent.directions import directed
from coordinator.intent.guard import Text
from coordinator.intent.quantity import NEAR, Quantity, spoken, tidy
from coordinator.intent.units import PATTERN

_NINES = re.compile(
    r"\b(?P<count>two|three|four|five|six|seven|eight|nine|[2-9])[ -](?:9s|nines)\b"
)
_SHORT_OF_ONE = re.compile(r"(?<![\w.])1\s?-\s?(?:10\s?\^\s?-?|1e-)(?P<power>\d)(?!\w)")
_SUB = re.compile(r"\bsub-?\s?(?P<unit>millisecond|second)s?\b")
_PAIR = re.compile(r"(?<![\w.,/])(\d+(?:[.,]\d+)?)\s?/\s?(\d+(?:[.,]\d+)?)\s?(?=[kmgt](?:bit|b))")
_BARE_MS = re.compile(
    r"\b(?P<what>ping|latency|rtt|lag|round trip(?: time)?)s?(?: time)?[\s:=]*"
    r"(?:(?:must|should|to|be|is|at|of|stay|stays|remain|kept|not|no|more|most|than|under|below"
    r"|within|max|maximum|less|exceed|<=?|~|around|about)\b[\s:=]*|<=? ?)+"
    r"(?P<n>\d{1,3})(?=\s*(?:$|[,;)\n]|\.(?:\s|$)|and\b|for\b|with\b|please\b))"
)
"""Nobody means another unit: "ping under 25"."""
_PART_OF_SECOND = re.compile(
    r"\b(?:an? |one )?(?P<part>tenth|hundredth|thousandth|quarter|fifth|third)s? of a second\b"
    r"|\b(?:half a|a half) second\b"
)
_PARTS_MS = {
    "tenth": 100.0,
    "hundredth": 10.0,
    "thousandth": 1.0,
    "quarter": 250.0,
    "fifth": 200.0,
    "third": 333.0,
}
_A_SECOND = re.compile(
    r"\b(?:under|within|below|less than|in|at most) (?:an? |one )second\b"
    r"(?! (?:of \w+ )?(?:down|out))"
)
"""A deadline, and no number that has a unit."""
_SPAN = re.compile(
    r"\b(?:for|lasting|over|during) (?:an?|one|the|a whole|an entire|the whole|the entire)"
    r" (?P<span>day|weekend|week|fortnight|month|year)\b(?! (?:on|of) (?:a|one) batter)"
)
"""How long, in words alone: "for a week"."""
_DOWNTIME = re.compile(
    r"\b(?P<n>\d++(?:[.,]\d+)?|one|two|three|four|five|ten) (?P<unit>seconds?|minutes?|hours?)"
    r" (?:of )?(?:\w+ )?(?:downtime|outage)s? (?:per|a|each|every|in a) (?P<per>day|week|month"
    r"|year)"
)


def idioms(text: Text) -> Iterator[Quantity]:
    """Nines, "sub-millisecond", down/up pairs and downtime, in no order."""
    yield from _nines(text.folded)
    yield from _sub(text.folded)
    yield from _pairs(text.folded, text)
    yield from _downtime(text.folded)
    yield from directed(text)
    yield from _unnamed(text.folded)


def _nines(folded: str) -> Iterator[Quantity]:
    """ "five nines" and "1 - 10^-5" are 99.999 %."""
    found = [(match, int(spoken(match["count"]))) for match in _NINES.finditer(folded)]
    found += [(match, int(match["power"])) for match in _SHORT_OF_ONE.finditer(folded)]
    for match, count in found:
        value = tidy(100 - 100 * 10.0**-count)
        near = folded[max(0, match.start() - NEAR) : match.end() + NEAR]
        reliable = re.search(r"\breliab", near) and not re.search(r"\b(?:availab|uptime)", near)
        key = "reliability_pct" if reliable else "availability_pct"
        yield Quantity(key, value, match.start(), match.end())


def _sub(folded: str) -> Iterator[Quantity]:
    """ "sub-millisecond" asks for 1 ms at most, "sub-second" for 1000."""
    for match in _SUB.finditer(folded):
        value = 1.0 if match["unit"] == "millisecond" else 1000.0
        yield Quantity("latency_ms", value, match.start(), match.end())


def _pairs(folded: str, text: Text) -> Iterator[Quantity]:
    """ "100/50 Mbit/s": down, then up, as tariffs are written."""
    for match in _PAIR.finditer(folded):
        unit = PATTERN.match(folded, match.end())
        if unit is None or not unit["rate"]:
            continue
        span = text.span(unit.start(), unit.end())
        factor = units.mbps(unit, text.original[slice(*span)])
        down, up = (float(part.replace(",", ".")) * factor for part in match.groups())
        yield Quantity("dl_mbps", tidy(down), match.start(1), match.end(1))
        yield Quantity("ul_mbps", tidy(up), match.start(2), unit.end())


def _downtime(folded: str) -> Iterator[Quantity]:
    """ "5 minutes of downtime a year" is an availability of 99.999 %."""
    for match in _DOWNTIME.finditer(folded):
        unit_h = 1 / 3600 if match["unit"].startswith("sec") else units.span_h(match["unit"])
        lost = spoken(match["n"]) * unit_h / units.span_h(match["per"])
        yield Quantity("availability_pct", round(100 * (1 - lost), 5), *match.span())


def _unnamed(folded: str) -> Iterator[Quantity]:
    """Times whose unit is left out or is a part: "ping under 25", "a tenth of a second"."""
    for match in _BARE_MS.finditer(folded):
        key = "latency_ms" if match["what"] in ("latency", "lag") else "rtt_ms"
        yield Quantity(key, float(match["n"]), *match.span("n"))
    for match in _PART_OF_SECOND.finditer(folded):
        part = match["part"]
        yield Quantity("latency_ms", _PARTS_MS[part] if part else 500.0, *match.span())
    for match in _A_SECOND.finditer(folded):
        yield Quantity("latency_ms", 1000.0, *match.span())
    for match in _SPAN.finditer(folded):
        name = match["span"]
        hours = 2 * units.span_h("week") if name == "fortnight" else units.span_h(name)
        yield Quantity("duration_h", hours, *match.span("span"))
