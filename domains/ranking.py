"""A trained policy ranks what a domain could offer, and says what it would rather keep.

It sees options that there is room for and nothing else, and all it can do is order them and leave
some out: promises, prices and room are the technology's and the ledger's. It cannot leave out what
decides whether a slice can be had, and with which relaxation (`offers.menu`), nor what hardly takes
any room: sparing that is what dearer offers are for. Whatever it does wrong (raises, answers
anything but finite numbers of the right shape, takes too long) is noted, and the rule answers
instead; after `FAULTS_MAX` of that it is not asked again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Final

import numpy as np

from domains.errors import PolicyUnusable
from domains.model import SliceProfile
from domains.observation import OPTIONS_MAX, SCHEMA, Sight, drains
from domains.policy import Policy, read
from domains.technologies import Free, Option

log = logging.getLogger(__name__)

PICKED_MAX: Final = 4
"""What takes room is shown only so often: fewer than a rule shows, which is what ranking is for."""
DRAIN_MIN: Final = 0.02
"""What takes less than this share of all that is left is always shown: nothing is scarce there."""
FAULTS_MAX: Final = 8
DECISION_S_MAX: Final = 0.05
"""Of CPU: a decision takes some 0.03 ms; one that takes a thousand times as long is a fault."""
PACKAGED: Final = Path(__file__).with_name("policies")


@dataclass(slots=True)
class Ranking:
    """One domain's policy under guard. `said` is what is to be known of it: its name, or why the
    rule answers.

    clock: seconds of CPU of this thread: waiting for a busy machine is nobody's fault.
    sight: how it looks at options.
    """

    policy: Policy | None
    said: str
    clock: Callable[[], float]
    faults: int = field(default=0)
    sight: Sight = field(default_factory=Sight)

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
        """Places of the options to show, its picks first; None where the rule is to answer."""
        if self.policy is None or len(options) < 2 or len(options) > OPTIONS_MAX:
            return None
        began_s = self.clock()
        try:
            seen = self.sight(profile, options, free)
            drained: list[float] = drains(seen, len(options)).tolist()
            answer = self.policy.network(seen)
            scores = np.asarray(answer, dtype=np.float32)
        except Exception as error:  # whatever it raises, tenants get their menu
            self._fault(f"{type(error).__name__}: {error}")
            return None
        values: list[float] = scores.ravel().tolist()
        if scores.shape != (len(options) + 1,) or not isfinite(sum(values)):
            self._fault(f"its answer was no {len(options) + 1} finite numbers")
            return None
        if (took_s := self.clock() - began_s) > DECISION_S_MAX:
            self._fault(f"it took {took_s:.3f} s")
            return None
        least = values.pop()
        good = [place for place, score in enumerate(values) if score >= least]
        good.sort(key=values.__getitem__, reverse=True)
        return good[:PICKED_MAX] + [p for p, share in enumerate(drained) if share < DRAIN_MIN]

    def _fault(self, what: str) -> None:
        self.faults += 1
        log.warning("the policy failed, the rule answers: %s", what)
        if self.faults >= FAULTS_MAX:
            self.policy, self.said = None, f"rule: the policy failed {self.faults} times: {what}"
            log.error("the policy is not asked again: it failed %d times", self.faults)
