"""An EnvRunner of RLlib that steps batched environments: arrays from end to end.

RLlib's own runners build an episode object per environment and agent and pass every step of it
through connectors, which costs ten times what the environments and the network do. Here one policy
is asked once per step for all its rows and agents. What that leaves out: callbacks per episode (the
environment's own figures of ended episodes are logged instead), recurrent modules, and connectors
between environment and module.
"""

import secrets
from collections.abc import Collection
from typing import Any, Final

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete
from ray.rllib.callbacks.utils import make_callback
from ray.rllib.core import COMPONENT_RL_MODULE
from ray.rllib.env.env_runner import EnvRunner
from ray.rllib.utils.checkpoints import Checkpointable
from ray.rllib.utils.metrics import (
    EPISODE_AGENT_RETURN_MEAN,
    EPISODE_LEN_MEAN,
    EPISODE_RETURN_MEAN,
    NUM_AGENT_STEPS_SAMPLED,
    NUM_ENV_STEPS_SAMPLED,
    NUM_ENV_STEPS_SAMPLED_LIFETIME,
    NUM_EPISODES,
    NUM_EPISODES_LIFETIME,
    NUM_MODULE_STEPS_SAMPLED,
    SAMPLE_TIMER,
    WEIGHTS_SEQ_NO,
)

from envs.arrays import Array32, Floats, Ints
from envs.learning.batched import Agent, BatchedEnv, Step, View
from envs.learning.fragment import Experience, Fragment
from envs.learning.module import logits_of

TASK: Final = "task"  # key in RLlib's env_config: what to make rows of
ENDED: Final = "ended"  # the environment's own figures, in the results
_RESTARTS: Final = "restarts"
_RUNNER: Final = 0x5EED  # keeps these draws apart from others of the same seed


class BatchedRunner(EnvRunner, Checkpointable):  # type: ignore[misc]
    """`config.env_runners(env_runner_cls=BatchedRunner)`; `env_config["task"]` is a `Task`."""

    def __init__(self, config: Any, **kwargs: Any) -> None:
        super().__init__(config=config, **kwargs)
        self.spaces = kwargs.get("spaces", {})
        self.task = self.config.env_config[TASK]
        self.num_envs: int = self.config.num_envs_per_env_runner
        self._callbacks = [one() for one in _listed(self.config.callbacks_class)]
        self._policies = {
            agent: self.config.policy_mapping_fn(agent, None) for agent in self.task.agents
        }
        self._agents: dict[str, list[Agent]] = {}
        for agent, policy in self._policies.items():
            self._agents.setdefault(policy, []).append(agent)
        self._weights_seq_no = 0
        self._restarts = 0
        self.env: BatchedEnv | None = None
        self.module: Any = None
        if self.config.num_env_runners == 0 or self.worker_index or self.config.in_evaluation:
            self.make_env()
        self.make_module()

    def make_env(self) -> None:
        """A fresh environment; the next sample begins with new episodes."""
        seed = secrets.randbits(32) if self._seed is None else int(self._seed)
        self._draws = np.random.default_rng((seed, self._restarts, _RUNNER))
        self.env = self.task.make(self.num_envs)
        self._view: View | None = None
        self._returns = {agent: np.zeros(self.num_envs) for agent in self.task.agents}
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)
        make_callback(
            "on_environment_created",
            callbacks_objects=self._callbacks,
            callbacks_functions=self.config.callbacks_on_environment_created,
            kwargs={
                "env_runner": self,
                "metrics_logger": self.metrics,
                "env": self.env,
                "env_context": self.config.env_config,
            },
        )

    def make_module(self) -> None:
        spec = self.config.get_multi_rl_module_spec(spaces=self.get_spaces(), inference_only=True)
        self.module = spec.build()

    def get_spaces(self) -> dict[str, tuple[Box, "Discrete[np.int64]"]]:
        """Of every policy: all its agents see and do alike."""
        return {policy: self.task.spaces(agents[0]) for policy, agents in self._agents.items()}

    def sample(
        self,
        *,
        num_timesteps: int | None = None,
        num_episodes: int | None = None,
        explore: bool | None = None,
        random_actions: bool = False,
        force_reset: bool = False,
        **_: Any,
    ) -> list[Fragment]:
        """One fragment: at least so many steps of environments, or a list of them until so many
        episodes have ended; as configured if neither is said."""
        assert num_timesteps is None or num_episodes is None
        assert self.env is not None
        explore = self.config.explore if explore is None else explore
        if force_reset or num_episodes is not None:
            self._view = None
        fragment_length = self.config.get_rollout_fragment_length(self.worker_index)
        with self.metrics.log_time(SAMPLE_TIMER):
            if num_episodes is None:
                wanted = num_timesteps or fragment_length * self.num_envs
                steps = -(-wanted // self.num_envs)
                fragments = [self._fragment(self.env, steps, explore, random_actions)[0]]
            else:
                fragments, ended = [], 0
                while ended < num_episodes:
                    fragment, count = self._fragment(self.env, 32, explore, random_actions)
                    fragments.append(fragment)
                    ended += count
        self.metrics.log_value(WEIGHTS_SEQ_NO, self._weights_seq_no, window=1)
        make_callback(
            "on_sample_end",
            callbacks_objects=self._callbacks,
            callbacks_functions=self.config.callbacks_on_sample_end,
            kwargs={"env_runner": self, "metrics_logger": self.metrics, "samples": fragments},
        )
        return fragments

    def _fragment(
        self, env: BatchedEnv, steps: int, explore: bool, uniform: bool
    ) -> tuple[Fragment, int]:
        """Plays `steps` steps of every row; also the number of episodes that ended."""
        view = self._view if self._view is not None else env.reset(self._start_seed())
        rooms = {
            policy: Experience.room(
                steps,
                self.num_envs * len(agents),
                view.observations[agents[0]].shape[1],
                view.masks[agents[0]].shape[1],
                0 if view.state is None else view.state.shape[1],
            )
            for policy, agents in self._agents.items()
        }
        ended: list[dict[str, Floats]] = []
        for now in range(steps):
            actions: dict[Agent, Ints] = {}
            for policy, agents in self._agents.items():
                room = rooms[policy]
                _fill(room, now, view, agents)
                chosen = self._choose(policy, room, now, explore, uniform)
                room.actions[now] = chosen
                actions |= dict(zip(agents, np.split(chosen, len(agents)), strict=True))
            step = env.step(actions)
            for policy, agents in self._agents.items():
                _record(rooms[policy], now, step, agents)
            if figures := self._account(step):
                ended.append(figures)
            view = step.view
        self._view = view
        for policy, agents in self._agents.items():
            room = rooms[policy]
            room.last = _stacked(view.observations, agents)
            if view.state is not None:
                room.last_state = np.tile(view.state, (len(agents), 1))
        fragment = Fragment(rooms, steps * self.num_envs)
        return fragment, self._log(fragment, ended)

    def _choose(
        self, policy: str, room: Experience, now: int, explore: bool, uniform: bool
    ) -> Ints:
        """Writes the logits and returns an action per column."""
        masks = room.masks[now]
        if uniform:
            logits = np.where(masks, np.float32(0.0), np.float32(-1e9))
        else:
            seen = torch.from_numpy(room.observations[now]), torch.from_numpy(masks)
            logits = logits_of(self.module[policy], *seen).numpy()
        room.logits[now] = logits
        if not explore:
            best: Ints = logits.argmax(axis=1)
            return best
        # What is forbidden has odds of exactly 0, so the sum steps over it.
        odds = np.exp(logits - logits.max(axis=1, keepdims=True)).cumsum(axis=1)
        point = self._draws.random(len(odds)) * odds[:, -1]
        drawn: Ints = (odds > point[:, None]).argmax(axis=1)
        return drawn

    def _start_seed(self) -> int:
        return int(self._draws.integers(2**31))

    def _account(self, step: Step) -> dict[str, Floats]:
        """Adds a step to the running episodes; the figures of those that ended in it."""
        self._returns = {
            agent: total + step.rewards[agent] for agent, total in self._returns.items()
        }
        self._lengths += 1 if step.idle is None else ~step.idle
        over = step.terminated | step.truncated
        if not over.any():
            return {}
        team = np.sum([total[over] for total in self._returns.values()], axis=0)
        figures = {EPISODE_RETURN_MEAN: team, EPISODE_LEN_MEAN: self._lengths[over].astype(float)}
        for agent, total in self._returns.items():
            figures[agent] = total[over]
            total[over] = 0.0
        self._lengths[over] = 0
        return figures | {f"{ENDED}/{key}": values for key, values in step.ended.items()}

    def _log(self, fragment: Fragment, ended: list[dict[str, Floats]]) -> int:
        """Once per fragment: RLlib's logger costs more than a step does."""
        log = self.metrics.log_value
        log(NUM_ENV_STEPS_SAMPLED, fragment.steps, reduce="sum")
        log(
            NUM_ENV_STEPS_SAMPLED_LIFETIME,
            fragment.steps,
            reduce="lifetime_sum",
            with_throughput=True,
        )
        for agent in self.task.agents:
            log((NUM_AGENT_STEPS_SAMPLED, agent), fragment.steps, reduce="sum")
        for policy, one in fragment.of.items():
            log((NUM_MODULE_STEPS_SAMPLED, policy), one.actions.size, reduce="sum")
        self.num_env_steps_sampled_lifetime += fragment.steps
        if not ended:
            return 0
        joined = {key: np.concatenate([one[key] for one in ended]) for key in ended[0]}
        episodes = len(joined[EPISODE_RETURN_MEAN])
        log(NUM_EPISODES, episodes, reduce="sum")
        log(NUM_EPISODES_LIFETIME, episodes, reduce="lifetime_sum")
        for key, values in joined.items():
            path: Any = (EPISODE_AGENT_RETURN_MEAN, key) if key in self._policies else key
            if isinstance(path, str) and path.startswith(f"{ENDED}/"):
                path = (ENDED, path.removeprefix(f"{ENDED}/"))
            log(path, float(values.mean()), window=1)
        return episodes

    def get_metrics(self) -> Any:
        return self.metrics.reduce()

    def assert_healthy(self) -> None:
        assert self.env is not None
        assert self.module is not None

    def stop(self) -> None:
        self.env = None

    def get_state(
        self,
        components: str | Collection[str] | None = None,
        *,
        not_components: str | Collection[str] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        state: dict[str, Any] = {
            NUM_ENV_STEPS_SAMPLED_LIFETIME: self.num_env_steps_sampled_lifetime
        }
        if components is None:  # of a checkpoint, not of what runners tell each other
            state[_RESTARTS] = self._restarts
        if self._check_component(COMPONENT_RL_MODULE, components, not_components):
            state[COMPONENT_RL_MODULE] = self.module.get_state(**kwargs)
            state[WEIGHTS_SEQ_NO] = self._weights_seq_no
        return state

    def set_state(self, state: dict[str, Any]) -> None:
        if COMPONENT_RL_MODULE in state:
            number = state.get(WEIGHTS_SEQ_NO, 0)
            if number == 0 or self._weights_seq_no < number:
                weights = state[COMPONENT_RL_MODULE]
                if not isinstance(weights, dict):  # a reference into Ray's object store
                    import ray

                    weights = ray.get(weights)
                self.module.set_state(weights)
            self._weights_seq_no = max(self._weights_seq_no, number)
        sampled = state.get(NUM_ENV_STEPS_SAMPLED_LIFETIME)
        if sampled is not None:
            self.num_env_steps_sampled_lifetime = sampled
        if _RESTARTS in state:
            # A training that is resumed plays other episodes than the ones it has seen.
            self._restarts = state[_RESTARTS] + 1
            if self.env is not None:
                self.make_env()

    def get_ctor_args_and_kwargs(self) -> tuple[tuple[()], dict[str, Any]]:
        return (), {"config": self.config}

    def get_checkpointable_components(self) -> list[tuple[str, Any]]:
        return [(COMPONENT_RL_MODULE, self.module)]


def _fill(room: Experience, now: int, view: View, agents: list[Agent]) -> None:
    rows = len(view.observations[agents[0]])
    for number, agent in enumerate(agents):
        columns = slice(number * rows, (number + 1) * rows)
        room.observations[now, columns] = view.observations[agent]
        room.masks[now, columns] = view.masks[agent]
        if view.state is not None:
            room.states[now, columns] = view.state


def _record(room: Experience, now: int, step: Step, agents: list[Agent]) -> None:
    rows = len(step.terminated)
    for number, agent in enumerate(agents):
        columns = slice(number * rows, (number + 1) * rows)
        room.rewards[now, columns] = step.rewards[agent]
        room.terminated[now, columns] = step.terminated
        room.truncated[now, columns] = step.truncated
        if step.idle is not None:
            room.idle[now, columns] = step.idle
    if step.final is None:  # nothing was cut, or the next view is the last one
        return
    cut = np.flatnonzero(step.truncated)
    columns_cut = np.concatenate([cut + number * rows for number in range(len(agents))])
    where = np.stack((np.full_like(columns_cut, now), columns_cut), axis=1)
    room.cut = np.concatenate((room.cut, where))
    room.cut_observations = np.concatenate(
        (room.cut_observations, _stacked(step.final.observations, agents))
    )
    if step.final.state is not None:
        last = np.tile(step.final.state, (len(agents), 1))
        room.cut_states = np.concatenate((room.cut_states, last))


def _stacked(values: Any, agents: list[Agent]) -> Array32:
    """[B, D] per agent to [agents * B, D]."""
    joined: Array32 = np.concatenate([values[agent] for agent in agents]).astype(
        np.float32, copy=False
    )
    return joined


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
