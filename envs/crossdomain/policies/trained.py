"""Trained policies, one file per domain: the ones that ship, or a folder of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from domains.policy import Policy, read
from envs.arrays import Ints
from envs.crossdomain.observation import Observer
from envs.crossdomain.policies.learned import Learned
from envs.crossdomain.scenarios import Task
from envs.vector_multi import Masks, Observations

SHIPPED: Final = Path(__file__).with_name("shipped")
NAME: Final = "mappo"


def is_trained(name: str) -> bool:
    """Whether that names trained policies: the shipped ones, or a folder."""
    return name == NAME or Path(name).is_dir()


def trained(name: str, task: Task) -> Learned:
    """Acts with one policy per domain, DOMAIN.npz in the folder or in its `policies`.

    Raises:
        PolicyUnusable: a domain has none there, or one that was made for something else.
    """
    folder = SHIPPED if name == NAME else Path(name)
    folder = folder / "policies" if (folder / "policies").is_dir() else folder
    observer = Observer(task)
    policies = {
        agent.name: read(folder / f"{agent.name}.npz").require(
            observer.schema(agent), agent.options
        )
        for agent in observer.agents
    }
    first = next(iter(policies.values())).manifest
    return acting(name, policies, observer, int(first.config["settings"].get("bids", 1)))


def acting(name: str, policies: Mapping[str, Policy], observer: Observer, bids: int = 1) -> Learned:
    """One policy per domain as a policy of the whole."""

    def choose(observations: Observations, masks: Masks) -> dict[str, Ints]:
        return {
            agent: policy.choose_each(observations[agent], masks[agent]).astype(np.int64)
            for agent, policy in policies.items()
        }

    return Learned(name, choose, observer, bids)
