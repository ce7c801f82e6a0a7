"""A policy that sees what agents see: one action of every agent, from its own observation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from envs.arrays import Bools, Ints
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.observation import Observer
from envs.vector_multi import Masks, Observations

Choose = Callable[[Observations, Masks], dict[str, Ints]]


class Learned:
    """`choose`: observations and masks by agent in, [B, ..] each; actions by agent out, [B]."""

    def __init__(self, name: str, choose: Choose, observer: Observer, bids: int = 1) -> None:
        self.name = name
        self._choose, self._observer, self._bids = choose, observer, bids
        self.illegal = 0

    def begin(self, core: CrossDomain) -> None:
        pass

    def act(self, core: CrossDomain) -> Bools:
        observer = self._observer
        legal = observer.legal(core)
        common = observer.common(core, legal)
        seen = {agent.name: observer.observe(core, agent, common) for agent in observer.agents}
        masks = {agent.name: observer.mask(core, agent, legal) for agent in observer.agents}
        actions, every = self._choose(seen, masks), np.arange(core.rows)
        for agent in observer.agents:
            allowed = masks[agent.name][every, actions[agent.name]]
            self.illegal += int((~allowed & ~core.done).sum())
        return observer.offers(core, legal, actions, self._bids)
