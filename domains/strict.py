"""What may cross the wire at all: the checks that every `*_from_proto` is made of.

Nothing is taken on faith, and every refusal is an `InvalidRequest` whose metadata names the field,
what was given and what may be. One comparison per number, one look-up per enum: the hot path.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NoReturn, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from domains.errors import InvalidRequest
from domains.model import PPB

QUANTITY_MAX: Final = 10**15
"""Above any number that means something in any of our units; sums of many still fit int64."""

TEXT_CHARACTERS_MAX: Final = 256
SENTENCE_CHARACTERS_MAX: Final = 1_024
REPEATED_MAX: Final = 64
"""Functions, attachments or relaxations of one segment."""
OFFERS_MAX: Final = 1_024
"""Offers of one menu."""
TOPOLOGY_MAX: Final = 10_000
"""Links, border points, areas or zones that a domain may show."""

DURATION_S_MAX: Final = 10**9
"""Thirty years; what a domain really grants is its own policy."""
TIMESTAMP_S_MAX: Final = 10**10
"""Seconds since the epoch: the year 2286."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_HOLD = re.compile(rf"domains/({_ID.pattern})/holds/({_ID.pattern})")
_SLICE = re.compile(rf"slices/({_ID.pattern})")
_NANOS: Final = 10**9

_A = TypeVar("_A")
_N = TypeVar("_N", bound=int)
_B = TypeVar("_B")


def refuse(field: str, given: object, achievable: str) -> NoReturn:
    raise InvalidRequest(
        f"{field} has to be {achievable}", field=field, requested=given, achievable=achievable
    )


def quantity(value: int, field: str) -> int:
    """A number of something: 0 to `QUANTITY_MAX`."""
    if 0 <= value <= QUANTITY_MAX:
        return value
    refuse(field, value, f"between 0 and {QUANTITY_MAX}")


def counter(value: int, field: str) -> int:
    """An incarnation or a version: not negative; how large is its owner's business."""
    if value >= 0:
        return value
    refuse(field, value, "at least 0")


def text(
    value: str, field: str, characters_min: int = 1, characters_max: int = TEXT_CHARACTERS_MAX
) -> str:
    """Printable and short: no NUL, no line break, no direction override."""
    if characters_min <= len(value) <= characters_max and value.isprintable():
        return value
    refuse(
        field,
        f"{len(value)} characters",
        f"printable, of {characters_min} to {characters_max} characters",
    )


def identifier(value: str, field: str) -> str:
    """The last part of a resource name: letters, digits, dot, underscore, hyphen."""
    if _ID.fullmatch(value):
        return value
    refuse(field, value[:64], "an id of 1 to 128 letters, digits, '.', '_' or '-'")


def availability(value: int, field: str) -> int:
    """Parts per billion: 0 to 1."""
    if 0 <= value <= PPB:
        return value
    refuse(field, value, f"between 0 and {PPB}")


def member(table: Mapping[_N, _A], number: _N, field: str) -> _A:
    """The enum's member; unspecified and unknown numbers are refused."""
    found = table.get(number)
    if found is None:
        refuse(field, number, "one of " + ", ".join(map(str, table.values())))
    return found


def every(
    convert: Callable[[_A], _B], items: Sequence[_A], field: str, maximum: int = REPEATED_MAX
) -> tuple[_B, ...]:
    if not items:
        return ()
    if len(items) > maximum:
        refuse(field, len(items), f"at most {maximum} long")
    return tuple([convert(item) for item in items])


def texts(items: Iterable[str], field: str) -> tuple[str, ...]:
    return tuple([text(item, field) for item in items])


# -- time -------------------------------------------------------------------------------------


def _split(seconds: float, field: str) -> tuple[int, int]:
    if not (math.isfinite(seconds) and 0 <= seconds <= TIMESTAMP_S_MAX):
        refuse(field, seconds, "a finite time")
    whole = int(seconds)
    nanos = round((seconds - whole) * _NANOS)
    return (whole + 1, 0) if nanos == _NANOS else (whole, nanos)


def duration_to_proto(seconds: float, field: str) -> Duration:
    """Seconds, to the nanosecond."""
    whole, nanos = _split(seconds, field)
    return Duration(seconds=whole, nanos=nanos)


def duration_from_proto(message: Duration, field: str) -> float:
    """Seconds: positive, at most `DURATION_S_MAX`. Unset reads as zero, so it is refused."""
    nanos = message.seconds * _NANOS + message.nanos
    if 0 < nanos <= DURATION_S_MAX * _NANOS:
        return nanos / _NANOS
    refuse(field, f"{message.seconds} s", f"more than 0 s, at most {DURATION_S_MAX} s")


def timestamp_to_proto(seconds: float, field: str) -> Timestamp:
    whole, nanos = _split(seconds, field)
    return Timestamp(seconds=whole, nanos=nanos)


def timestamp_from_proto(message: Timestamp, field: str) -> float:
    """Seconds since the epoch; one that could not be sent on is refused."""
    nanos = message.seconds * _NANOS + message.nanos
    if 0 <= nanos <= TIMESTAMP_S_MAX * _NANOS:
        return nanos / _NANOS
    refuse(field, f"{message.seconds} s", f"between 0 and {TIMESTAMP_S_MAX} s")


# -- names ------------------------------------------------------------------------------------


def hold_name(domain: str, hold_id: str) -> str:
    return f"domains/{domain}/holds/{hold_id}"


def parse_hold_name(name: str, domain: str) -> str:
    """The hold id in `domains/{domain}/holds/{hold}`, which has to be of this domain."""
    found = _HOLD.fullmatch(name)
    if found is None or found[1] != domain:
        refuse("name", name[:64], f"domains/{domain}/holds/{{hold}}")
    return found[2]


def slice_name(slice_id: str) -> str:
    return f"slices/{slice_id}"


def parse_slice_name(name: str, field: str = "slice") -> str:
    """The slice id in `slices/{slice}`."""
    found = _SLICE.fullmatch(name)
    if found is None:
        refuse(field, name[:64], "slices/{slice}")
    return found[1]
