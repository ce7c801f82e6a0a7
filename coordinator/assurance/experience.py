"""What slices really give beside what was promised, as lessons for the orders to come. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from coordinator.assurance.decide import HOUR_S
from coordinator.assurance.sampling import LOSS_PPB_MAX
from coordinator.records import SliceRecord
from domains.measurement import Measurement
from domains.model import PPB, Metrics


@dataclass(frozen=True, slots=True)
class _Learned:
    kept: bool
    at_s: float


class Experience:
    """Passes a slice's measurements on when a promise is broken or kept again, and hourly.

    Args:
        learn: what takes the lesson; it must not wait.
    """

    def __init__(self, learn: Callable[[SliceRecord, Metrics], None]) -> None:
        self._learn = learn
        self._learned: dict[str, _Learned] = {}

    def hear(self, record: SliceRecord, measured: Sequence[Measurement], now_s: float) -> None:
        """One round of an active slice; what is measured in part only teaches nothing."""
        promised = record.metrics
        if promised is None or not measured or len(measured) < len(record.segments):
            return
        given = seen(promised, measured)
        kept = keeps(promised, given)
        last = self._learned.get(record.slice_id)
        if last is not None and last.kept == kept and 0 <= now_s - last.at_s < HOUR_S:
            return
        self._learned[record.slice_id] = _Learned(kept, now_s)
        self._learn(record, given)

    def forget(self, slice_id: str) -> None:
        """A slice that is no more."""
        self._learned.pop(slice_id, None)


def seen(promised: Metrics, measured: Sequence[Measurement]) -> Metrics:
    """End to end, what one interval says of every promise; where it says nothing, the promise.

    An interval without an outage is no evidence of so many nines, and what users did not send was
    not refused: only what was lost of a load within the promise is missing.
    """
    passed = 1.0
    for one in measured:
        passed *= one.availability_ppb / PPB
    lossy = [one for one in measured if one.loss_ppb > LOSS_PPB_MAX and one.availability_ppb]
    down, up = promised.downlink_kbps, promised.uplink_kbps
    within = [one for one in lossy if one.offered_kbps <= promised.downlink_kbps + up]
    through = 1 - max((one.loss_ppb for one in within), default=0) / PPB
    return replace(
        promised,
        latency_us=sum(one.latency_us for one in measured) or promised.latency_us,
        availability_ppb=round(passed * PPB) if passed < 1 else promised.availability_ppb,
        downlink_kbps=round(down * through),
        uplink_kbps=round(up * through),
    )


def keeps(promised: Metrics, given: Metrics) -> bool:
    """Whether nothing falls short."""
    return (
        given.latency_us <= promised.latency_us
        and given.availability_ppb >= promised.availability_ppb
        and given.downlink_kbps >= promised.downlink_kbps
        and given.uplink_kbps >= promised.uplink_kbps
    )
