"""What every action of every agent would come to while the others do what they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from envs.arrays import Bools, Ints
from envs.crossdomain.core import REFUSED, CrossDomain
from envs.crossdomain.observation import Agent, Observer
from envs.vector_multi import Masks


@dataclass(frozen=True, slots=True)
class Outcomes:
    """N legal actions of one agent, those of all rows together.

    row, action: [N]; agreed: [N]; free: [N, resources], what would be left.
    """

    row: Ints
    action: Ints
    agreed: Bools
    free: Ints


def outcomes(
    observer: Observer,
    core: CrossDomain,
    legal: Bools,
    masks: Masks,
    actions: Mapping[str, Ints],
    bids: int,
) -> Mapping[str, Outcomes]:
    """By agent. legal, masks, bids: as for `Observer`; actions: what all of them do, [B] each."""
    shown = observer.offers(core, legal, actions, bids)
    open_ = core.open_chains()

    def of(agent: Agent) -> Outcomes:
        row, action = np.nonzero(masks[agent.name])
        kind, tables = core.kind()[row], core.tables
        tried = np.zeros((len(row), tables.hops + 1, tables.options), dtype=np.bool_)
        tried[:, :-1] = shown[row]
        observer.offer(agent, kind, legal[row], action, bids, tried)
        chain, picks = core.agreements.choose(kind, tried[:, : tables.hops], open_[row])
        free = core.left_after(row, chain, picks)[:, : tables.plenty]
        return Outcomes(row, action, chain != REFUSED, free)

    return {agent.name: of(agent) for agent in observer.agents}
