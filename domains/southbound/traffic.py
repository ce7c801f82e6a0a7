"""Traffic and failures as functions of a seed and a time: the same question, the same answer.

Nothing is stored and nothing is drawn in order, so a model may be asked about any instant, twice,
backwards, or after a restart. Chance is a hash of the seed, a name and a slot of time.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache

DAY_S = 86_400.0
SLOT_S = 300.0
"""Bursts begin at, and noise changes with, such a slot."""
CHANCES_REMEMBERED_MAX = 1 << 15


@dataclass(frozen=True, slots=True)
class TrafficModel:
    """What the users of a segment offer and how the network fails.

    Attributes:
        mean_permille: daily mean of the offered load, of what the segment is entitled to.
        swing_permille: amplitude of the daily shape, of that mean.
        peak_hour: of the domain's own day; each slice has its own within `peak_spread_h`.
        noise_permille: standard deviation of a slot around the shape.
        burst_permille: chance that a slot begins a burst; bursts last `burst_slots` slots and
            multiply the load by `burst_factor_permille`.
        outages_per_day, outage_s: of one link between two points of the domain.
    """

    seed: int = 1
    mean_permille: int = 550
    swing_permille: int = 500
    peak_hour: float = 19.0
    peak_spread_h: float = 3.0
    noise_permille: int = 50
    burst_permille: int = 4
    burst_slots: int = 3
    burst_factor_permille: int = 1_500
    outages_per_day: float = 0.0
    outage_s: float = 120.0

    def load_permille(self, slice_id: str, at_s: float) -> float:
        """What the users of a slice offer at an instant, of what it is entitled to."""
        peak_s = (self.peak_hour + self.peak_spread_h * (2 * self._chance(slice_id) - 1)) * 3_600
        angle = 2 * math.pi * (at_s - peak_s) / DAY_S
        shape = 1 + self.swing_permille / 1_000 * math.cos(angle)
        slot = math.floor(at_s / SLOT_S)
        noisy = 1 + self.noise_permille / 1_000 * self._normal(slice_id, slot)
        return max(0.0, self.mean_permille * shape * noisy * self._burst(slice_id, slot))

    def link_up(self, link: str, at_s: float) -> bool:
        """Whether a link carries traffic at an instant: one outage an hour at most."""
        hour, into_s = divmod(at_s, 3_600)
        if self._chance("outage", link, int(hour)) >= self.outages_per_day / 24:
            return True
        begins_s = self._chance("begin", link, int(hour)) * max(0.0, 3_600 - self.outage_s)
        return not begins_s <= into_s < begins_s + self.outage_s

    def _burst(self, slice_id: str, slot: int) -> float:
        begun = (
            self._chance("burst", slice_id, slot - back) < self.burst_permille / 1_000
            for back in range(self.burst_slots)
        )
        return self.burst_factor_permille / 1_000 if any(begun) else 1.0

    def _normal(self, *name: str | int) -> float:
        """Standard normal (Box and Muller)."""
        radius = math.sqrt(-2 * math.log(1 - self._chance("radius", *name)))
        return radius * math.cos(2 * math.pi * self._chance("angle", *name))

    def _chance(self, *name: str | int) -> float:
        return chance(self.seed, *name)


@lru_cache(CHANCES_REMEMBERED_MAX)
def chance(*name: str | int) -> float:
    """Uniform in [0, 1), by its name. Neighbouring questions share most of them."""
    words = "/".join(map(str, name)).encode()
    return int.from_bytes(hashlib.blake2b(words, digest_size=7).digest(), "big") / (1 << 56)


def queueing(load_permille: float) -> float:
    """How much longer a packet takes at a load, 1 for none: M/M/1 waiting, its queue bounded.

    Below saturation `1 / (1 - rho)` scaled so that half a load costs 10 %; beyond, the queue is
    full and a packet takes four times as long.
    """
    rho = min(load_permille / 1_000, 1.0)
    return min(1 + 0.1 * rho / max(1e-9, 1 - rho), 4.0)
