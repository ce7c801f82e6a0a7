"""PPO on an environment that costs nothing: RLlib as it comes, ours, and a bare torch loop.

Four agents with one policy, 32 numbers in, 16 actions, episodes of 100 steps; 8,192 transitions of
agents per iteration, 4 epochs of batches of 1,024, two layers of 64. The three take turns in one
process, so that their ratios hold on a busy machine too.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import gymnasium
import numpy as np
import torch
from numpy.typing import NDArray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.env.multi_agent_env import MultiAgentEnv
from torch import nn

from domains.policy import Architecture, Policy, Schema
from domains.policy_network import Activation
from envs.arrays import Array32, Ints
from envs.learning.algorithm import config_of
from envs.learning.batched import Agent, BatchedEnv, Step, View
from envs.learning.demonstrations import Demonstrations
from envs.learning.fragment import advantages
from envs.learning.networks import LayersNetwork
from envs.learning.plan import Agents, Network, Plan, Ppo
from envs.learning.spaces import Scores, SpacesOfSchema

AGENTS: Final = ("access", "transport", "core", "cloud")
SEES, ACTIONS, LENGTH = 32, 16, 100
HIDDEN: Final = (64, 64)
ROLLOUT: Final = 2048  # steps of environments
TRANSITIONS: Final = ROLLOUT * len(AGENTS)
BATCH, EPOCHS, LR, GAMMA, LAMBDA, CLIP = 1024, 4, 3e-4, 0.99, 0.95, 0.2
OURS_ENVS, STOCK_ENVS = 64, 16


class Guess:
    """Rewards the action whose number is the largest of the first 16; a batch of B rows."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._draws = np.random.default_rng(0)
        self._age = np.zeros(rows, dtype=np.int64)
        self._masks = np.ones((rows, ACTIONS), dtype=np.bool_)
        self._none = np.zeros(rows, dtype=np.bool_)
        self._seen = self._draw()

    def reset(self, seed: int) -> View:
        self._draws = np.random.default_rng(seed)
        self._age[:] = self._draws.integers(LENGTH, size=self.rows)  # not all end at once
        self._seen = self._draw()
        return View(self._seen, dict.fromkeys(AGENTS, self._masks))

    def step(self, actions: Mapping[Agent, Ints]) -> Step:
        rewards = {
            agent: (actions[agent] == seen[:, :ACTIONS].argmax(axis=1)).astype(float)
            for agent, seen in self._seen.items()
        }
        self._age += 1
        over = self._age >= LENGTH
        self._age[over] = 0
        self._seen = self._draw()
        view = View(self._seen, dict.fromkeys(AGENTS, self._masks))
        return Step(view, rewards, over, self._none)

    def _draw(self) -> dict[Agent, Array32]:
        drawn = self._draws.random((len(AGENTS), self.rows, SEES), dtype=np.float32)
        return dict(zip(AGENTS, drawn, strict=True))


class GuessAlone(MultiAgentEnv):  # type: ignore[misc]
    """One row of it, as RLlib wants environments."""

    def __init__(self, config: Any = None) -> None:
        super().__init__()
        self.possible_agents = self.agents = list(AGENTS)
        box = gymnasium.spaces.Box(0.0, 1.0, (SEES,), np.float32)
        self.observation_spaces = dict.fromkeys(AGENTS, box)
        self.action_spaces: Any = dict.fromkeys(AGENTS, gymnasium.spaces.Discrete(ACTIONS))
        self._batch = Guess(1)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        view = self._batch.reset(0 if seed is None else seed)
        self._batch._age[:] = 0
        return {agent: seen[0] for agent, seen in view.observations.items()}, {}

    def step(self, actions: Any) -> Any:
        step = self._batch.step({agent: np.array([action]) for agent, action in actions.items()})
        over = bool(step.terminated[0])
        seen = {agent: values[0] for agent, values in step.view.observations.items()}
        rewards = {agent: float(values[0]) for agent, values in step.rewards.items()}
        return seen, rewards, {"__all__": over}, {"__all__": False}, {}


@dataclass(frozen=True, slots=True)
class GuessTask(SpacesOfSchema):
    environment: str = "guess"
    agents: tuple[Agent, ...] = AGENTS
    state_size: int = 0

    def schema(self, agent: Agent) -> Schema:
        names = tuple(f"seen{number}" for number in range(SEES))
        return Schema("guess", names, (), tuple(f"action{number}" for number in range(ACTIONS)))

    def candidates(self, agent: Agent) -> int:
        return 0

    def make(self, rows: int) -> BatchedEnv:
        return Guess(rows)

    def evaluate(self, policies: Mapping[Agent, Policy], episodes: int, seed: int) -> Scores:
        return {}

    def demonstrate(self, teacher: str, episodes: int, seed: int) -> Mapping[Agent, Demonstrations]:
        return {}


def ours() -> Callable[[], object]:
    plan = Plan(
        name="bench",
        env="guess",
        steps=1,
        envs=OURS_ENVS,
        network=Network(
            architecture=Architecture.LAYERS, activation=Activation.TANH, hidden=HIDDEN
        ),
        ppo=Ppo(
            lr=LR,
            gamma=GAMMA,
            lambda_=LAMBDA,
            clip=CLIP,
            batch=BATCH,
            rollout=ROLLOUT,
            epochs=EPOCHS,
        ),
        agents=Agents(policies="shared"),
    )
    algorithm = config_of(plan, GuessTask(), 0).build_algo()
    train: Callable[[], object] = algorithm.train
    return train


def stock() -> Callable[[], object]:
    """RLlib's own runner and connectors, and its default network in the same size."""
    config = (
        PPOConfig()
        .environment(GuessAlone, disable_env_checking=True)
        .env_runners(num_env_runners=0, num_envs_per_env_runner=STOCK_ENVS)
        .learners(num_learners=0)
        .multi_agent(policies={"shared"}, policy_mapping_fn=_shared)
        .rl_module(model_config={"fcnet_hiddens": list(HIDDEN), "fcnet_activation": "tanh"})
        .training(
            train_batch_size_per_learner=ROLLOUT,
            minibatch_size=BATCH,
            num_epochs=EPOCHS,
            lr=LR,
            gamma=GAMMA,
            lambda_=LAMBDA,
            clip_param=CLIP,
            use_kl_loss=False,
        )
        .debugging(seed=0, log_level="ERROR")
    )
    train: Callable[[], object] = config.build_algo().train
    return train


def _shared(agent: Agent, episode: Any = None, **_: Any) -> str:
    return "shared"


def bare() -> Callable[[], object]:
    """The same algorithm in plain torch and numpy, nothing around it."""
    torch.manual_seed(0)
    pi = LayersNetwork(SEES, HIDDEN, ACTIONS, Activation.TANH)
    vf = LayersNetwork(SEES, HIDDEN, 1, Activation.TANH, last_gain=1.0)
    optimizer = torch.optim.Adam([*pi.parameters(), *vf.parameters()], lr=LR, fused=True)
    env = Guess(OURS_ENVS)
    state = {"view": env.reset(0)}
    return partial(_bare_iteration, pi, vf, optimizer, env, state)


def _bare_iteration(pi: nn.Module, vf: nn.Module, optimizer: Any, env: Guess, state: Any) -> None:
    steps, columns = ROLLOUT // env.rows, env.rows * len(AGENTS)
    seen = torch.zeros(steps + 1, columns, SEES)
    actions = torch.zeros(steps, columns, dtype=torch.int64)
    chances = torch.zeros(steps, columns)
    rewards = np.zeros((steps, columns), dtype=np.float32)
    ended = np.zeros((steps, columns), dtype=np.bool_)
    for now in range(steps):
        seen[now] = _together(state["view"])
        with torch.no_grad():
            odds: Any = torch.distributions.Categorical(logits=pi(seen[now]), validate_args=False)
            actions[now] = chosen = odds.sample()
            chances[now] = odds.log_prob(chosen)
        parts = np.split(chosen.numpy(), len(AGENTS))
        step = env.step(dict(zip(AGENTS, parts, strict=True)))
        rewards[now] = np.concatenate([step.rewards[agent] for agent in AGENTS])
        ended[now] = np.tile(step.terminated, len(AGENTS))
        state["view"] = step.view
    seen[steps] = _together(state["view"])
    with torch.no_grad():
        values: NDArray[np.float32] = vf(seen.view(-1, SEES)).view(steps + 1, columns).numpy()
    gains = advantages(rewards, values[:-1], values[1:] * ~ended, ended, GAMMA, LAMBDA)
    flat = torch.from_numpy(gains.astype(np.float32).ravel())
    targets = flat + torch.from_numpy(values[:-1].ravel())
    flat = (flat - flat.mean()) / flat.std()
    data = seen[:steps].view(-1, SEES), actions.view(-1), chances.view(-1), flat, targets
    for _ in range(EPOCHS):
        for picked in torch.randperm(TRANSITIONS).view(-1, BATCH):
            _bare_step(pi, vf, optimizer, *(column[picked] for column in data))


def _bare_step(
    pi: nn.Module,
    vf: nn.Module,
    optimizer: Any,
    seen: Any,
    done: Any,
    old: Any,
    gain: Any,
    aim: Any,
) -> None:
    odds: Any = torch.distributions.Categorical(logits=pi(seen), validate_args=False)
    ratio = torch.exp(odds.log_prob(done) - old)
    clipped = torch.clamp(ratio, 1 - CLIP, 1 + CLIP)
    surrogate = torch.min(ratio * gain, clipped * gain).mean()
    loss: Any = 0.5 * (vf(seen).squeeze(-1) - aim).square().mean() - surrogate
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_([*pi.parameters(), *vf.parameters()], 0.5)
    optimizer.step()


def _together(view: View) -> torch.Tensor:
    return torch.from_numpy(np.concatenate([view.observations[agent] for agent in AGENTS]))


@dataclass(frozen=True, slots=True)
class Trainer:
    """CPU-seconds of one iteration, median over the rounds, and steps of environments in it."""

    name: str
    envs: int
    cpu_s: float

    @property
    def steps_per_cpu_s(self) -> float:
        return ROLLOUT / self.cpu_s

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"steps_per_cpu_s": self.steps_per_cpu_s}


def trainers(rounds: int = 7) -> list[Trainer]:
    """All three, in turns, after one iteration each that does not count."""
    torch.set_num_threads(1)
    made = {
        "RLlib": (STOCK_ENVS, stock()),
        "ours": (OURS_ENVS, ours()),
        "torch": (OURS_ENVS, bare()),
    }
    spent: dict[str, list[float]] = {name: [] for name in made}
    for number in range(rounds + 1):
        for name, (_, iterate) in made.items():
            started = time.process_time()
            iterate()
            if number:
                spent[name].append(time.process_time() - started)
    return [Trainer(name, made[name][0], float(np.median(spent[name]))) for name in made]
