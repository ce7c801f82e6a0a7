"""Standardised 5QI values, as facts: TS 23.501 table 5.7.4-1.

GSMA NG.116 knows no latency and no reliability of a slice: a NEST carries them as a 5QI, whose
packet delay budget (PDB) and packet error rate (PER) stand for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ResourceType(StrEnum):
    """As the GST labels them."""

    GBR = "GBR"
    NON_GBR = "Non-GBR"
    DELAY_CRITICAL = "Delay critical GBR"


GBR, NON_GBR, DELAY_CRITICAL = ResourceType


@dataclass(frozen=True, slots=True)
class FiveQi:
    """One row: `delay_ms` is the packet delay budget, `error_rate` the packet error rate."""

    value: int
    resource_type: ResourceType
    priority: int
    delay_ms: int
    error_rate: float


TABLE = (
    FiveQi(1, GBR, 20, 100, 1e-2),
    FiveQi(2, GBR, 40, 150, 1e-3),
    FiveQi(3, GBR, 30, 50, 1e-3),
    FiveQi(4, GBR, 50, 300, 1e-6),
    FiveQi(5, NON_GBR, 10, 100, 1e-6),
    FiveQi(6, NON_GBR, 60, 300, 1e-6),
    FiveQi(7, NON_GBR, 70, 100, 1e-3),
    FiveQi(8, NON_GBR, 80, 300, 1e-6),
    FiveQi(9, NON_GBR, 90, 300, 1e-6),
    FiveQi(10, NON_GBR, 90, 1100, 1e-6),
    FiveQi(65, GBR, 7, 75, 1e-2),
    FiveQi(66, GBR, 20, 100, 1e-2),
    FiveQi(67, GBR, 15, 100, 1e-3),
    FiveQi(69, NON_GBR, 5, 60, 1e-6),
    FiveQi(70, NON_GBR, 55, 200, 1e-6),
    FiveQi(71, GBR, 56, 150, 1e-6),
    FiveQi(72, GBR, 56, 300, 1e-4),
    FiveQi(73, GBR, 56, 300, 1e-8),
    FiveQi(74, GBR, 56, 500, 1e-8),
    FiveQi(76, GBR, 56, 500, 1e-4),
    FiveQi(79, NON_GBR, 65, 50, 1e-2),
    FiveQi(80, NON_GBR, 68, 10, 1e-6),
    FiveQi(82, DELAY_CRITICAL, 19, 10, 1e-4),
    FiveQi(83, DELAY_CRITICAL, 22, 10, 1e-4),
    FiveQi(84, DELAY_CRITICAL, 24, 30, 1e-5),
    FiveQi(85, DELAY_CRITICAL, 21, 5, 1e-5),
    FiveQi(86, DELAY_CRITICAL, 18, 5, 1e-4),
    FiveQi(87, DELAY_CRITICAL, 25, 5, 1e-3),
    FiveQi(88, DELAY_CRITICAL, 25, 10, 1e-3),
    FiveQi(89, DELAY_CRITICAL, 25, 15, 1e-4),
    FiveQi(90, DELAY_CRITICAL, 25, 20, 1e-4),
)


def choose(latency_us_max: int, availability_ppb_min: int, *, guaranteed: bool) -> FiveQi | None:
    """The loosest 5QI whose delay budget keeps a latency, or None where none is so fast.

    Among those fast enough, one whose error rate keeps the availability goes first, then one with
    the resource type wanted, then the longest delay budget, then the best error rate.
    """
    error_rate_max = 1 - availability_ppb_min / 1_000_000_000
    fast = [row for row in TABLE if row.delay_ms * 1000 <= latency_us_max]
    wanted = (GBR, DELAY_CRITICAL) if guaranteed else (NON_GBR,)
    return max(
        fast,
        key=lambda row: (
            row.error_rate <= error_rate_max * (1 + 1e-9),
            row.resource_type in wanted,
            row.delay_ms,
            -row.error_rate,
            -row.value,
        ),
        default=None,
    )
