"""Domains that bid on a workload file: the instances that other solvers are run on, many agents.

A file of schema vne-workload/1 (`envs.embedding.files`) is a substrate whose nodes have domains,
and requests whose functions are pinned to them. Here each domain is an agent. Per step one network
function waits; every domain that it may go to offers one of its nodes, or none, and the
coordinator takes the offer with the cheapest routes (bandwidth times hops), of equals the node
with most CPU left, then the first. Placement, routing, masks and rewards are those of
`entente/Embedding-v0`: the same core, so acceptance, revenue and cost compare with every solver's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from domains.errors import InvalidRequest
from envs.arrays import Array32, Bools, Floats, Ints
from envs.embedding.core import Embedding, Mask, Reward
from envs.embedding.env import EmbeddingVectorEnv
from envs.embedding.model import Substrate, Workload
from envs.embedding.observation import GLOBALS, PER_NODE
from envs.embedding.survey import route_costs
from envs.vector_multi import Masks, Observations, Transition

ELSEWHERE: Final = "elsewhere"
"""The agent of nodes without a domain."""
PEER_NAMES: Final = ("cpu_free", "cpu_free_most", "bandwidth_around", "may_offer")


class Agents:
    """Who owns which nodes of a substrate."""

    def __init__(self, substrate: Substrate) -> None:
        labels = [domain or ELSEWHERE for domain in substrate.domains]
        self.names = tuple(sorted(set(labels)))
        self.nodes: Mapping[str, Ints] = {
            name: np.array([at for at, label in enumerate(labels) if label == name])
            for name in self.names
        }

    def merge(self, core: Embedding, offered: Bools) -> Ints:
        """The coordinator's choice, [B]: a node of those offered, [B, n], or to refuse."""
        offered = offered & core.legal[:, : core.nodes]
        cost: Floats = np.where(offered, route_costs(core), np.inf)
        cheapest = offered & (cost == cost.min(axis=1, keepdims=True))
        node = np.where(cheapest, core.free[:, : core.nodes], -np.inf).argmax(axis=1)
        return np.where(np.any(offered, axis=1), node, core.refuse)


class CrossDomainWorkloadVector:
    """A `MultiAgentVectorEnv`. Action a of an agent offers its a-th node, the last offers none.

    An agent sees what an agent of `entente/Embedding-v0` sees of the request and of its own nodes,
    and `PEER_NAMES` of each other domain. Rewards are the team's. `infos` are those of
    `EmbeddingVectorEnv`, without its mask; "illegal" is by agent.
    """

    def __init__(
        self,
        num_envs: int,
        workload: Workload | str | Path,
        reward: str | Reward = Reward.ACCEPTANCE,
        fresh: bool = False,
        requests: int | None = None,
    ) -> None:
        """Settings as for `entente/Embedding-v0`; ValueError and OSError likewise."""
        self._env = EmbeddingVectorEnv(
            num_envs, workload=workload, reward=reward, fresh=fresh, requests=requests
        )
        self.core, self.num_envs = self._env.core, num_envs
        self._agents = Agents(self._env.task.substrate)
        self.agents = self._agents.names
        peers = len(PEER_NAMES) * (len(self.agents) - 1)
        self.observation_size = {
            name: GLOBALS + peers + PER_NODE * len(nodes)
            for name, nodes in self._agents.nodes.items()
        }
        self.action_count = {name: len(nodes) + 1 for name, nodes in self._agents.nodes.items()}
        self._masks: Masks = {}

    def reset(self, seed: int | None = None) -> tuple[Observations, Masks]:
        seen, _ = self._env.reset(seed=seed)
        return self._look(seen)

    def step(self, actions: Mapping[str, Ints]) -> Transition:
        """Raises InvalidRequest where actions of an agent are missing or not one per row."""
        every = np.arange(self.num_envs)
        offered = np.zeros((self.num_envs, self.core.nodes), dtype=np.bool_)
        illegal, over = {}, self.core.done
        for name, nodes in self._agents.nodes.items():
            action = np.asarray(actions.get(name, ()))
            if action.shape != (self.num_envs,) or action.dtype.kind not in "iu":
                raise InvalidRequest(f"actions of {name} must be {self.num_envs} integers")
            known = (action >= 0) & (action < self.action_count[name])
            place = np.where(known, action, len(nodes))
            legal = known & self._masks[name][every, place]
            illegal[name] = ~legal & ~over
            bids = legal & (place < len(nodes))
            offered[every[bids], nodes[place[bids]]] = True
        chosen = self._agents.merge(self.core, offered)
        seen, rewards, terminated, truncated, info = self._env.step(chosen)
        observations, masks = self._look(seen)
        paid = {name: rewards.astype(np.float32) for name in self.agents}
        told = {key: value for key, value in info.items() if not key.endswith("action_mask")}
        infos: dict[str, Any] = told | {"illegal": illegal}
        return Transition(observations, masks, paid, terminated, truncated, observations, infos)

    def _look(self, seen: Array32) -> tuple[Observations, Masks]:
        legal = self.core.legal & ~self.core.done[:, None]
        node = seen[:, GLOBALS:].reshape(self.num_envs, PER_NODE, -1)
        peers = {name: self._peer(node[:, :, nodes]) for name, nodes in self._agents.nodes.items()}
        always = np.ones((self.num_envs, 1), dtype=np.bool_)
        observations: Observations = {}
        for name, nodes in self._agents.nodes.items():
            others = [peers[other] for other in self.agents if other != name]
            own = node[:, :, nodes].reshape(self.num_envs, -1)
            observations[name] = np.concatenate([seen[:, :GLOBALS], *others, own], axis=1)
            self._masks[name] = np.concatenate([legal[:, nodes], always], axis=1)
        return observations, dict(self._masks)

    @staticmethod
    def _peer(node: Array32) -> Array32:
        """[B, 4] of [B, 8, nodes]: what a domain shows of itself."""
        # Contiguous, so that a sum is added up in the same order however many rows there are.
        free, around, candidate = (np.ascontiguousarray(node[:, at]) for at in (0, 2, 4))
        found: Array32 = np.stack(
            [free.mean(axis=1), free.max(axis=1), around.mean(axis=1), candidate.max(axis=1)],
            axis=1,
        )
        return found


class Rank(Protocol):
    """How much a domain wants to offer each node, [B, n]: the highest legal one is offered."""

    def __call__(self, core: Embedding) -> Floats: ...


class DomainsBid:
    """Domains that each offer their best legal node, as a policy that acts on a workload."""

    mask = Mask.LINKS

    def __init__(self, name: str, rank: Rank) -> None:
        self.name = name
        self._rank = rank
        self._agents: Agents | None = None

    def act(self, core: Embedding) -> Ints:
        if self._agents is None:
            self._agents = Agents(core.substrate)
        legal = core.legal[:, : core.nodes]
        worth = np.where(legal, self._rank(core), -np.inf)
        offered = np.zeros_like(legal)
        every = np.arange(core.rows)
        for nodes in self._agents.nodes.values():
            best = nodes[worth[:, nodes].argmax(axis=1)]
            offered[every, best] = True
        return self._agents.merge(core, offered)


def roomiest(core: Embedding) -> Floats:
    """Most CPU left, and of equals the most bandwidth around: what a domain knows of itself."""
    around = core.around[:, : core.nodes]
    scale = max(float(around.max()), 1.0) * core.nodes
    found: Floats = core.free[:, : core.nodes] + around / scale
    return found


def tightest(core: Embedding) -> Floats:
    """Least CPU left: what is used already is filled up."""
    found: Floats = -core.free[:, : core.nodes]
    return found


def nearest(core: Embedding) -> Floats:
    """Cheapest routes to what is placed; at first the most bandwidth around, then the most CPU."""
    around = core.around[:, : core.nodes]
    found: Floats = roomiest(core) * 1e-6 + around * 1e-3 - route_costs(core)
    return found


class AtRandom:
    """A legal node at random."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng((seed, 0xCD))

    def __call__(self, core: Embedding) -> Floats:
        return self._generator.random((core.rows, core.nodes))


WORKLOAD_NAMES: Final = ("random", "roomiest", "tightest", "nearest")


def bidders(name: str, seed: int = 0) -> DomainsBid:
    """Domains that bid by that rule. Raises InvalidRequest, naming those that there are."""
    ranks: dict[str, Rank] = {
        "random": AtRandom(seed),
        "roomiest": roomiest,
        "tightest": tightest,
        "nearest": nearest,
    }
    if name not in ranks:
        said = f"no rule {name!r} for domains on a workload: one of {', '.join(WORKLOAD_NAMES)}"
        raise InvalidRequest(said)
    return DomainsBid(f"domains, {name}", ranks[name])
