"""A trained policy ranks what a domain could offer, and says what it would rather keep.

It sees options that there is room for and nothing else, and all it can do is order them and leave
some out: promises, prices and room are the technology's and the ledger's. Whatever it does wrong
(raises, answers anything but finite numbers of the right shape, takes too long) is noted, and the
rule answers instead; after `FAULTS_MAX` of that it is not asked again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import log10
from pathlib import Path
from typing import Final

import numpy as np

from domains.errors import PolicyUnusable
from domains.model import PPB, Isolation, SliceProfile
from domains.policy import Policy, Schema, read
from domains.policy_network import Array
from domains.technologies import Free, Option

log = logging.getLogger(__name__)

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
"""Only so many are ranked, the cheapest: others are left to the rule."""
SHOWN_MAX: Final = 5
"""Offers in a menu that a policy ranked: fewer than a rule shows, which is what ranking is for."""
FAULTS_MAX: Final = 8
DECISION_S_MAX: Final = 0.05
"""Of CPU: a decision takes some 0.2 ms; one that takes hundreds of times as long is a fault."""
PACKAGED: Final = Path(__file__).with_name("policies")


@dataclass(slots=True)
class Ranking:
    """One domain's policy under guard. `said` is what is to be known of it: its name, or why the
    rule answers.

    clock: seconds of CPU of this thread: waiting for a busy machine is nobody's fault.
    """

    policy: Policy | None
    said: str
    clock: Callable[[], float]
    faults: int = field(default=0)

    @classmethod
    def load(cls, file: str, clock: Callable[[], float]) -> Ranking:
        """The policy in that file, or the packaged one of that name. It never fails: where there
        is none, or one for another schema, the rule answers, and the log says why."""
        packaged = PACKAGED / f"{file}.npz"
        try:
            policy = read(packaged if packaged.is_file() else Path(file)).require(SCHEMA)
        except PolicyUnusable as error:
            log.warning("offers are ranked by the rule: %s", error.message)
            return cls(None, f"rule: {error.message}", clock)
        made = policy.manifest
        log.info("offers are ranked by policy %r, %s", made.name, made.weights_sha256[:12])
        return cls(policy, f"policy {made.name} {made.weights_sha256[:12]}", clock)

    def __call__(
        self, profile: SliceProfile, options: Sequence[Option], free: Free
    ) -> Sequence[int] | None:
        """Places of the options to show, the best first; None where the rule is to answer."""
        if self.policy is None or len(options) < 2 or len(options) > OPTIONS_MAX:
            return None
        began_s = self.clock()
        try:
            answer = self.policy.network(observe(profile, options, free))
            scores = np.asarray(answer, dtype=np.float32)
        except Exception as error:  # whatever it raises, tenants get their menu
            self._fault(f"{type(error).__name__}: {error}")
            return None
        if scores.shape != (len(options) + 1,) or not np.isfinite(scores).all():
            self._fault(f"its answer was no {len(options) + 1} finite numbers")
            return None
        if (took_s := self.clock() - began_s) > DECISION_S_MAX:
            self._fault(f"it took {took_s:.3f} s")
            return None
        order = np.argsort(-scores[:-1], kind="stable")[:SHOWN_MAX].tolist()
        return [place for place in order if scores[place] >= scores[-1]] or order[:1]

    def _fault(self, what: str) -> None:
        self.faults += 1
        log.warning("the policy failed, the rule answers: %s", what)
        if self.faults >= FAULTS_MAX:
            self.policy, self.said = None, f"rule: the policy failed {self.faults} times: {what}"
            log.error("the policy is not asked again: it failed %d times", self.faults)


def observe(profile: SliceProfile, options: Sequence[Option], free: Free) -> Array:
    """What the policy sees, [len(shared) + len(each) * K], every number in [0, 1]."""
    latency_us, allowed_ppb = profile.latency_us_max, PPB - profile.availability_ppb_min
    cheapest = max(min(option.metrics.price_micros for option in options), 1)
    last = max(len(options) - 1, 1)
    rows = []
    for place, option in enumerate(options):
        metrics = option.metrics
        latency = metrics.latency_us / max(latency_us, 1)
        unavailability = (PPB - metrics.availability_ppb) / max(allowed_ppb, 1)
        rows.append(
            (
                float(latency <= 1 and unavailability <= 1),
                min(latency, 1.0),
                min(unavailability, 1.0),
                cheapest / max(metrics.price_micros, 1),
                max(
                    (units / max(free(what), 1) for what, units in option.demand.items()), default=0
                ),
                place / last,
            )
        )
    each = np.minimum(np.array(rows, dtype=np.float32), 1.0)
    shared = (
        _decades(latency_us, 7),
        _decades(allowed_ppb, 9),
        _decades(max(profile.downlink_kbps, profile.uplink_kbps), 8),
        _decades(profile.devices, 7),
        float(profile.isolation is Isolation.ISOLATED),
        len(options) / OPTIONS_MAX,
        float(each[:, 0].mean()),
    )
    return np.concatenate([np.array(shared, dtype=np.float32), each.T.reshape(-1)])


def _decades(value: int, span: int) -> float:
    return min(log10(1 + max(value, 0)) / span, 1.0)
