"""What a policy that ranks sees of the options of a domain, and how it is put together quickly.

Most of it is the same whenever the same options are looked at: `Sight` keeps that, for as many
loads as a technology remembers. What is left is budgets and room.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log10
from typing import Final

import numpy as np
from numpy.typing import NDArray

from domains.model import PPB, Isolation, SliceProfile
from domains.policy import Schema
from domains.policy_network import Array
from domains.technologies import LOADS_MAX, Free, Option

SCHEMA: Final = Schema(
    environment="entente/Offers-v0",
    shared=(
        "latency_budget",  # decades of microseconds, over 7
        "unavailability_budget",  # decades of ppb, over 9
        "throughput",  # decades of kbit/s of the larger direction, over 8
        "devices",  # decades, over 7
        "isolated",
        "options",  # how many there are, over OPTIONS_MAX
        "exact",  # the share of them that keeps both budgets
    ),
    each=(
        "exact",  # keeps both budgets
        "latency",  # share of the budget, at most 1
        "unavailability",  # the same
        "price",  # the cheapest one's over this one's
        "drain",  # the largest share that it takes of what is left of a resource
        "place",  # its place in the order of prices, first to last
    ),
    extras=("withhold",),  # what scores less than this is not shown
)
OPTIONS_MAX: Final = 64
"""Only so many are ranked: where there are more, the rule answers."""

_SHARED, _EACH = len(SCHEMA.shared), len(SCHEMA.each)
_DRAIN = SCHEMA.each.index("drain")


@dataclass(frozen=True, slots=True)
class _Known:
    """Of K options, whatever is asked and whatever is free.

    Attributes:
        options: kept, so that none of them can be another one.
        taken: latency in microseconds, unavailability in ppb, units of R resources: [2 + R, K].
        still: shares of price and places, [2, K].
    """

    options: tuple[Option, ...]
    taken: NDArray[np.float64]
    still: Array
    resources: tuple[str, ...]

    @classmethod
    def of(cls, options: Sequence[Option]) -> _Known:
        metrics = [option.metrics for option in options]
        prices = np.array([m.price_micros for m in metrics], dtype=np.float64)
        prices = np.maximum(prices, 1.0)
        places = np.arange(len(options)) / max(len(options) - 1, 1)
        at = {name: row for row, name in enumerate({n: 0 for o in options for n in o.demand}, 2)}
        taken = np.zeros((2 + len(at), len(options)))
        taken[0] = [m.latency_us for m in metrics]
        taken[1] = [PPB - m.availability_ppb for m in metrics]
        for place, option in enumerate(options):
            for name, units in option.demand.items():
                taken[at[name], place] = units
        still = np.array([prices.min() / prices, places], dtype=np.float32)
        return cls(tuple(options), taken, still, tuple(at))


class Sight:
    """Looks at options for one domain; remembers the last `LOADS_MAX` sets of them."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, ...], _Known] = {}

    def __call__(self, profile: SliceProfile, options: Sequence[Option], free: Free) -> Array:
        """What the policy sees, [len(shared) + len(each) * K], every number in [0, 1]."""
        key = tuple(map(id, options))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= LOADS_MAX:
                del self._known[next(iter(self._known))]
            known = self._known[key] = _Known.of(options)
        return _seen(profile, known, free)


def _seen(profile: SliceProfile, known: _Known, free: Free) -> Array:
    latency_us, allowed_ppb = profile.latency_us_max, PPB - profile.availability_ppb_min
    count = len(known.options)
    seen = np.empty(_SHARED + _EACH * count, dtype=np.float32)
    each = seen[_SHARED:].reshape(_EACH, count)
    there = [max(latency_us, 1), max(allowed_ppb, 1)]
    there += [max(free(name), 1) for name in known.resources]
    share = known.taken / np.array(there)[:, None]
    exact = np.maximum.reduce(share[:2]) <= 1.0
    each[0] = exact
    each[1:3] = share[:2]
    each[3::2] = known.still
    each[4] = np.maximum.reduce(share[2:], initial=0.0)
    np.minimum(each, 1.0, out=each)
    seen[:_SHARED] = (
        _decades(latency_us, 7),
        _decades(allowed_ppb, 9),
        _decades(max(profile.downlink_kbps, profile.uplink_kbps), 8),
        _decades(profile.devices, 7),
        profile.isolation is Isolation.ISOLATED,
        count / OPTIONS_MAX,
        np.count_nonzero(exact) / count,
    )
    return seen


def drains(seen: Array, count: int) -> Array:
    """Of what is seen of so many options, the share that each takes of what is left, [K]."""
    return seen[_SHARED + _DRAIN * count :][:count]


@lru_cache(maxsize=1_024)
def _decades(value: int, span: int) -> float:
    return min(log10(1 + max(value, 0)) / span, 1.0)
