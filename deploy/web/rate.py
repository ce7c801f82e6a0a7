"""How often a tenant may ask: a token bucket each, refilled steadily. Time is an argument."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

TENANTS_MAX = 10_000
"""Buckets kept; the one that was idle for longest goes, and is full when it comes back."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at_s: float


class Buckets:
    """One bucket of `burst` tokens per tenant, refilled with `rate_per_s`."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        assert rate_per_s > 0, rate_per_s
        assert burst >= 1, burst
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, tenant: str, now_s: float) -> float:
        """Take one token; 0 if there was one, else the seconds until there will be."""
        bucket = self._buckets.get(tenant)
        if bucket is None:
            bucket = self._buckets[tenant] = _Bucket(self._burst, now_s)
            if len(self._buckets) > TENANTS_MAX:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(tenant)
        passed_s = max(now_s - bucket.at_s, 0.0)
        bucket.tokens = min(bucket.tokens + passed_s * self._rate_per_s, self._burst)
        bucket.at_s = now_s
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / self._rate_per_s
