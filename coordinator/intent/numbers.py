"""Quantities: rules own every number. Each knows its unit, scope, direction and exact words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from coordinator.intent import units
from coordinator.intent.counts import Counted, devices
from coordinator.intent.guard import Text
from coordinator.intent.idioms import idioms
from coordinator.intent.numerals import NUMBER, Reading
from coordinator.intent.quantity import NEAR, PER_DEVICE, Number, Quantity, spoken, tidy
from coordinator.intent.units import PATTERN
from domains.errors import InvalidRequest

NUMBERS_MAX = 64
_RANGE = re.compile(r"\s?(?:-|to|and|or|\.\.+|bis)\s?$")
_LINK = re.compile(
    r"[\s:=]*(?:(?:of|at|is|are|be|to|than|least|most|under|below|above|over|up|about|around"
    r"|speeds?|rates?|throughput|bandwidth|capacity|guaranteed|minimum|min|max|maximum|budget"
    r"|target|or|less|more|only|just|within|not|exceeding|<=?|>=?|~|must|should|stay|a|the"
    r"|needs?|requires?|approximately|roughly|with|no)[\s:=-]*)*"
)
"""Words that may stand between "upload" and its number."""
_DOWN = r"(?:down-?loads?|downloading|down-?links?|dl|downstream|download speed|receiv\w+|egress)"
_UP = r"(?:up-?loads?|uploading|up-?links?|ul|upstream|send(?:s|ing)?|contribution|ingress)"
_FAR = r"(?:users?|devices?|viewers?|clients?|customers?|phones?|handsets?|headsets?|terminals?)\b"
"""Who is at the far end of the radio."""
_DIRECTION = {
    "dl": re.compile(rf"\b(?:{_DOWN}|down(?! to)\b|(?:to|towards?) (?:the |each )?{_FAR})"),
    "ul": re.compile(rf"\b(?:{_UP}|up(?! to)\b|back\b(?! and)|from (?:the |each )?{_FAR})"),
}
_DIRECTION_BEFORE = {
    "dl": re.compile(rf"\b{_DOWN}\b(?P<link>.*)$"),
    "ul": re.compile(rf"\b{_UP}\b(?P<link>.*)$"),
}
_PER_DEVICE_BEFORE = re.compile(r"\b(?:each|every|per[ -][a-z]+)\b[^,;.]*$")
_TWO_WAY = re.compile(
    r"\b(?:round[ -]?trip|rtt|ping|two[ -]way|both ways|back and forth|loopback"
    r"|motion[ -]to[ -]photon)\b"
)
_TIME_OF = (
    ("jitter_ms", re.compile(r"\b(?:jitter(?![ -]free)|delay variation|pdv|latency variation)\b")),
    ("survival_ms", re.compile(r"\bsurvival\b")),
    (
        "sync_accuracy_ms",
        re.compile(r"\b(?:synchroni\w+|sync|clock|timing accuracy|time accuracy)\b"),
    ),
    (
        "interruption_ms",
        re.compile(r"\b(?:interruption|failover|fail-over|handover|switchover|recover\w*)\b"),
    ),
)
_REPEATED = re.compile(r"\b(?:every|each|once (?:in|per)|per|interval(?:s)? of|period of)\s*$")
"""How often something is sent, which says nothing about how long it may take."""
_SECOND_MS = 1e3
"""A shorter time is a latency, in whatever unit; seconds may be anything."""
_SECONDS_ARE_LATENCY = re.compile(
    r"\b(?:latenc\w+|delay\w*|respon\w+|lag|round.?trip|rtt|ping|react\w*|arriv\w+|reach\w*"
    r"|through|within)\b"
)
_SHARE_OF = (
    (
        "availability_pct",
        re.compile(
            r"\b(?:availab\w*|up-?\s?time|sla|service level|of the (?:time|day|month|year)"
            r"|always on|(?:link|is|be|stays?) up)\b"
        ),
    ),
    (
        "reliability_pct",
        re.compile(r"\b(?:reliab\w*|deliver\w*|success\w*|dependab\w*|confidence|arriv\w*)\b"),
    ),
    (
        "packet_loss_pct",
        re.compile(r"\b(?:loss\w*|lost|drop\w*|error\w*|per)\b"),
    ),
)
_ASSURED = r"(?:availab\w*|up-?\s?time|sla|reliab\w*|dependab\w*)"
_BARE_AFTER = re.compile(rf"\s*(?:of )?(?:[a-z-]+ )?{_ASSURED}\b")
_BARE_BEFORE = re.compile(
    rf"\b{_ASSURED}(?:[\s:=(]|>=?|~|of\b|at\b|is\b|least\b|above\b|over\b|target\b|should\b|must\b"
    r"|be\b|minimum\b|min\b|around\b|about\b)*$"
)
_BARE_END = re.compile(r"\s*(?:$|[,;)\n]|\.(?=\s|$)|and\b|with\b|please\b)")
_NOT_ASSURANCE = re.compile(
    r"^\s*(?:of|more|less|cheaper|faster|higher|lower|from|off|discount|increase|decrease|of the"
    r" (?:area|population|users|devices|city)|coverage|duty|load|utili[sz]ation|battery|humidity)\b"
)
_PERIOD_BEHIND = re.compile(
    r"\s?(?:per|an?|/|each|every)\s?(?P<period>hour|h\b|day|week|month|year)"
)
_PERIOD_BEFORE = re.compile(
    r"\b(?P<period>hour|da|week|month|year)(?:ly|ily) (?:budget|price|fee|costs?|limit|rate)\b"
    r"[^,;.]*$"
)
_DURATION_BEFORE = re.compile(
    r"(?:\b(?:for|lasting|lasts?|during|over|next|throughout|within the|all|duration(?: of)?"
    r"|runs?|running|expires? (?:after|in))"
    r"[\s:]*(?:the |about |around |only |up to |next |a |just |approximately )*|(?:^|[,;.])\s*)$"
)
_DURATION_AFTER = re.compile(
    r"^(?:\s|-)*(?:long\b(?! lif| batt)|event|festival|concert|window|period|match|show|duration"
    r"|trial|exhibition|conference|tournament|race|test|pilot|session|slot|campaign)\b"
)
_LISTED_END = re.compile(r"\s*(?:$|[,;)\n]|\.(?=\s|$))")
"""What stands alone between commas is how long: "75 cameras, 2 weeks"."""
_BATTERY = re.compile(r"\b(?:batter(?:y|ies)|lifetime|life)\b")
_FEEDS = re.compile(
    r"\b(?P<n>\d+|two|three|four|five|six|seven|eight|nine|ten|twelve) (?:[\w-]+ ){0,3}?"
    r"(?:feeds?|streams?|channels?) (?:of|at|with) $"
)


def quantities(text: Text, likely: Counted | None = None) -> list[Quantity]:
    """Every quantity in a text, in the order in which it is written.

    Args:
        likely: see `counts.devices`.

    Raises:
        InvalidRequest: there are more than `NUMBERS_MAX`.
    """
    folded = text.folded
    found = list(idioms(text))
    taken = [(item.start, item.end) for item in found]
    for number in _numbers(folded):
        if any(start <= number.start < end for start, end in taken):
            continue
        item = _measure(number, text) or devices(number, likely)
        if item is not None:
            if len(found) == NUMBERS_MAX:
                raise InvalidRequest(
                    "the request states more numbers than can be told apart",
                    field="intent",
                    achievable=NUMBERS_MAX,
                    unit="numbers",
                )
            found.append(item)
            taken.append((item.start, item.end))
    return sorted(found, key=lambda item: item.start)


def _numbers(folded: str) -> Iterator[Number]:
    """Numbers with what stands around them; a range "5-10 ms" counts as its upper end."""
    matches = list(NUMBER.finditer(folded))
    for index, match in enumerate(matches):
        left = matches[index - 1].end() if index else 0
        right = matches[index + 1].start() if index + 1 < len(matches) else len(folded)
        before = folded[max(left, match.start() - NEAR) : match.start()]
        after = folded[match.end() : min(right, match.end() + NEAR)]
        if index and _RANGE.fullmatch(before):
            low = matches[index - 2].end() if index > 1 else 0
            before = folded[max(low, match.start() - NEAR) : matches[index - 1].start()]
        yield Number(match, before, after)


def _measure(number: Number, text: Text) -> Quantity | None:
    """A number with a unit behind it."""
    folded, end = text.folded, number.match.end()
    unit = PATTERN.match(folded, end)
    if unit is None:
        return _priced(number) or _bare_share(number)
    near = Number(number.match, number.before, number.after[unit.end() - end :])
    match unit.lastgroup and _kind(unit):
        case units.Unit.RATE:
            span = text.span(unit.start(), unit.end())
            factor = units.mbps(unit, text.original[slice(*span)])
            return _rate(near, factor, unit.end(), folded)
        case units.Unit.TIME:
            return _time(near, unit)
        case units.Unit.SHARE:
            return _share(near, unit.end())
        case units.Unit.SPEED:
            value = number.value(Reading.MEASURE) * units.kmh(unit["speed"])
            return Quantity("speed_kmh", tidy(value), number.start, unit.end())
        case units.Unit.DENSITY:
            value = number.value(Reading.COUNT) * units.per_km2(unit["area"])
            return Quantity("density_per_km2", tidy(value), number.start, unit.end())
        case units.Unit.SPAN:
            return _span(near, unit)
        case _:
            return _priced(number)


def _kind(unit: re.Match[str]) -> units.Unit:
    return next(kind for kind in units.Unit if kind is not units.Unit.COUNT and unit[kind.value])


def _rate(number: Number, factor: float, end: int, folded: str) -> Quantity:
    """A throughput: total or per device, with a direction where one is said."""
    value, start = number.value(Reading.MEASURE) * factor, number.start
    direction = _direction(number)
    per_device = PER_DEVICE.search(number.closely_after) or _PER_DEVICE_BEFORE.search(
        number.closely_before
    )
    if feeds := _FEEDS.search(folded[max(0, start - 2 * NEAR) : start]):
        each = re.match(r"\s*each\s+(?:per|an?|/)\s*\w+", folded[end:])
        if each:  # "eight feeds of 30 Mbit/s each per crane": a crane sends all eight
            count = spoken(feeds["n"])
            start -= len(feeds[0])
            return Quantity("per_ue_ul_mbps", tidy(value * count), start, end + each.end())
    key = "_".join(part for part in ("per_ue" if per_device else "", direction, "mbps") if part)
    return Quantity(key, tidy(value), start, end)


def _direction(number: Number) -> str:
    """ "dl", "ul" or "": what is linked before, then what follows, then what is before."""
    before = number.closely_before
    after = number.closely_after
    hits = {way: pattern.search(before) for way, pattern in _DIRECTION_BEFORE.items()}
    for way, hit in hits.items():
        if hit and _LINK.fullmatch(hit["link"]):
            return way
    following = {way: hit.start() for way, p in _DIRECTION.items() if (hit := p.search(after))}
    if following:
        return min(following, key=lambda way: following[way])
    preceding = {way: hit.start() for way, hit in hits.items() if hit}
    return max(preceding, key=lambda way: preceding[way]) if preceding else ""


def _time(number: Number, unit: re.Match[str]) -> Quantity | None:
    """A latency, unless the words around say that it is another time."""
    before = number.closely_before
    after = number.closely_after
    name = unit["time"]
    scale = units.time_ms(name)
    value = number.value(Reading.MEASURE) * scale
    around = f"{before} | {after}"
    if _REPEATED.search(number.before):
        return None
    if scale == 1e3 and value >= _SECOND_MS and not _SECONDS_ARE_LATENCY.search(around):
        return None
    key = next((key for key, pattern in _TIME_OF if pattern.search(around)), "latency_ms")
    if _TWO_WAY.search(around):
        key = "rtt_ms"
    elif key != "latency_ms" and re.search(r"\blatency\b", after):
        key = "latency_ms"
    return Quantity(key, tidy(value), number.start, unit.end())


def _share(number: Number, end: int) -> Quantity | None:
    """A percentage: availability, reliability, loss, or none of the network's business."""
    before = number.closely_before
    after = number.closely_after
    value = number.value(Reading.SHARE)
    for text in (after, before):
        hits = [(key, hit) for key, pattern in _SHARE_OF if (hit := pattern.search(text))]
        if hits:
            nearest = min if text is after else max
            key, _ = nearest(hits, key=lambda pair: pair[1].start())
            return Quantity(key, value, number.start, end)
    if value < 90 or _NOT_ASSURANCE.search(after):
        return None
    wide = f"{number.before} | {number.after}"
    key = next((key for key, pattern in _SHARE_OF if pattern.search(wide)), "availability_pct")
    return Quantity(key, value, number.start, end)


def _bare_share(number: Number) -> Quantity | None:
    """A percentage without its sign: "99.99 availability", "reliability >= 99.9999"."""
    digits = number.match["digits"]
    if not digits or number.match["scale"].strip():
        return None
    value = number.value(Reading.SHARE)
    if not 90 <= value < 100:
        return None
    after, before = _BARE_AFTER.match(number.after), _BARE_BEFORE.search(number.before)
    named = after or before
    if named is None:
        if not digits.startswith("99.9") or not _BARE_END.match(number.after):
            return None
        return Quantity("availability_pct", value, number.start, number.match.end())
    key = next(key for key, pattern in _SHARE_OF if pattern.search(named[0]))
    end = number.match.end() + (after.end() if after else 0)
    return Quantity(key, value, number.start, end)


def _span(number: Number, unit: re.Match[str]) -> Quantity | None:
    """Minutes to years: how long the slice is wanted, or how long a battery lasts."""
    after = number.closely_after
    value = number.value(Reading.MEASURE)
    if _BATTERY.search(after) or _BATTERY.search(number.before):
        years = value * units.span_h(unit["span"]) / units.span_h("years")
        return Quantity("battery_years", tidy(years), number.start, unit.end())
    before = _DURATION_BEFORE.search(number.before)
    listed = before is not None and not before[0].strip(" ,;.")
    if listed and not _LISTED_END.match(number.after):
        before = None
    if before or _DURATION_AFTER.search(after):
        hours = value * units.span_h(unit["span"])
        return Quantity("duration_h", tidy(hours), number.start, unit.end())
    return None


def _priced(number: Number) -> Quantity | None:
    """A price per hour, day or month, with the currency before or behind the number."""
    mark = re.search(r"(?:€|eur|euros?)\s?$", number.before)
    behind = re.match(r"\s?(?:€|eur\b|euros?\b)", number.after)
    if mark is None and behind is None:
        return None
    end = number.match.end() + (behind.end() if behind else 0)
    rest = number.after[behind.end() if behind else 0 :]
    behind = _PERIOD_BEHIND.match(rest)
    period = behind or _PERIOD_BEFORE.search(number.before)
    if period is None:
        return None
    end += behind.end() if behind else 0
    value = number.value(Reading.MEASURE) / units.span_h(period["period"])
    return Quantity("price_eur_per_h", tidy(value), number.start, end)
