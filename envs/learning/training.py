"""Runs a plan: iterations of PPO with checkpoints, a log, curves, and policy files at the end."""

import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from domains.policy import Policy
from envs.learning import checkpoints
from envs.learning.advice import take_advice
from envs.learning.algorithm import config_of, policy_names
from envs.learning.demonstrations import Demonstrations
from envs.learning.errors import NoSamples, NotFinite
from envs.learning.export import export
from envs.learning.imitation import imitate
from envs.learning.plan import Advice, Imitation, Plan
from envs.learning.runner import ENDED
from envs.learning.spaces import Scores
from envs.learning.tasks import task_of

SILENCE_MAX_S: Final = 120.0  # a process that samples takes some seconds to be replaced
EVALUATION_SEED: Final = 1  # 0 is what `entente evaluate` plays if nobody says otherwise
PROGRESS: Final = "progress.jsonl"


@dataclass(frozen=True, slots=True)
class Iteration:
    """One update. reward: mean return of the episodes that ended in it, of all agents together;
    NaN if none did. ended: the environment's own figures of them. eta_s: for the whole plan."""

    iteration: int
    iterations: int
    steps: int
    reward: float
    ended: dict[str, float]
    entropy: float
    explained: float
    seconds: float
    cpu_s: float
    eta_s: float


@dataclass(slots=True)
class Training:
    """One plan with one seed, in a folder of its own.

    tell: called after every iteration; say: called with a few words as other parts begin.
    """

    plan: Plan
    seed: int
    out: Path
    tell: Callable[[Iteration], None] = lambda _: None
    say: Callable[[str], None] = lambda _: None
    _steps: int = field(default=0, init=False)
    _heard_s: float = field(default=0.0, init=False)

    def run(self, resume: bool = False) -> dict[str, Policy]:
        """Trains to the end and returns the policy of each agent, which `out/policies` has too.

        With `resume`, goes on from the newest checkpoint in `out`. Raises:
            CheckpointUnusable: `resume`, and it is damaged or of another version.
            NotFinite: an environment or the network produced what is no number.
            NoSamples: no process that samples is left.
        """
        plan, torch_threads = self.plan, torch.get_num_threads()
        task = task_of(plan.env, plan.settings)
        place = checkpoints.newest(self.out) if resume else None
        if place is not None:
            note = checkpoints.inspect(place)
            checkpoints.require(note, place, task, plan)
        torch.set_num_threads(1)  # more only wait for each other on networks of this size
        algorithm = config_of(plan, task, self.seed).build_algo()
        try:
            if place is not None:
                algorithm.restore_from_path(str(place.resolve()))
                self._steps = note.steps
                self.say(f"resumed from {place}")
            else:
                if plan.imitation is not None:
                    self._imitate(algorithm, task, plan.imitation)
                if plan.advice is not None:
                    self._take_advice(algorithm, task, plan.advice)
            self._iterate(algorithm, task)
            return self._finish(algorithm, task)
        finally:
            algorithm.stop()
            shutil.rmtree(algorithm.logdir, ignore_errors=True)  # RLlib's own, empty
            torch.set_num_threads(torch_threads)

    def _imitate(self, algorithm: Any, task: Any, how: Imitation) -> None:
        self.say(f"learning from {how.teacher}, {how.episodes} episodes")
        shown = task.demonstrate(how.teacher, how.episodes, self.seed)
        by_policy: dict[str, list[Demonstrations]] = {}
        for agent, name in policy_names(self.plan, task).items():
            by_policy.setdefault(name, []).append(shown[agent])
        for name, parts in by_policy.items():
            joined = Demonstrations.joined(parts)

            def said(epoch: int, entropy: float, agreed: float, name: str = name) -> None:
                self.say(f"{name}: epoch {epoch}, {entropy:.3f} nats, agrees on {agreed:.1%}")

            fit = partial(_fit, name=name, shown=joined, how=how, seed=self.seed, tell=said)
            algorithm.learner_group.foreach_learner(fit)
        _synchronise(algorithm)

    def _take_advice(self, algorithm: Any, task: Any, how: Advice) -> None:
        self.say(f"taking advice from {how.adviser}, {how.rounds} rounds")
        adviser = task.adviser(how.adviser, self.seed)
        names = policy_names(self.plan, task)
        tell = partial(self._advised, how)
        take = partial(_take, adviser=adviser, names=names, how=how, seed=self.seed, tell=tell)
        algorithm.learner_group.foreach_learner(take)
        _synchronise(algorithm)

    def _advised(self, how: Advice, number: int, score: float, fell: bool) -> None:
        if fell or number % 10 == 0 or number == how.rounds:
            back = ", so the last steps are taken back" if fell else ""
            self.say(f"advice, round {number}/{how.rounds}: score {score:.4f}{back}")

    def _iterate(self, algorithm: Any, task: Any) -> None:
        from tensorboardX import SummaryWriter

        self.out.mkdir(parents=True, exist_ok=True)
        clocks = time.monotonic(), time.process_time()
        first = self._steps
        self._heard_s = clocks[0]
        curves = SummaryWriter(str(self.out / "tensorboard"), purge_step=first or None)
        with (self.out / PROGRESS).open("a") as log:
            while self._steps < self.plan.steps:
                now = self._iteration(algorithm.train(), clocks, first)
                if now is None:
                    continue
                last = now.steps >= self.plan.steps
                if now.iteration % self.plan.checkpoint_every == 0 or last:
                    at = now.iteration, now.steps
                    folder = self.out / "checkpoints"
                    write = partial(_save, algorithm)
                    checkpoints.save(folder, self.plan, task, self.seed, at, write)
                log.write(json.dumps(asdict(now)) + "\n")
                log.flush()
                _draw(curves, now)
                self.tell(now)
        curves.close()

    def _iteration(self, result: Any, clocks: tuple[float, float], first: int) -> Iteration | None:
        """What an update brought; None where nobody delivered anything to learn from."""
        sampled, learned = result["env_runners"], result.get("learners", {})
        steps, now_s = int(sampled.get("num_env_steps_sampled_lifetime", 0)), time.monotonic()
        if steps <= self._steps:
            if now_s - self._heard_s > SILENCE_MAX_S:
                raise NoSamples(f"nobody has sampled anything for {SILENCE_MAX_S:.0f} s")
            return None
        self._heard_s, self._steps = now_s, steps
        names = [name for name in learned if not name.startswith("__")]
        for name in names:
            if not math.isfinite(learned[name]["total_loss"]):
                raise NotFinite(f"the loss of {name} is no number after {steps} steps")
        seconds, iteration = now_s - clocks[0], int(result["training_iteration"])
        left = max(0, self.plan.steps - steps)
        means = {
            key: float(np.mean([learned[name][key] for name in names]))
            for key in ("entropy", "vf_explained_var")
        }
        return Iteration(
            iteration=iteration,
            iterations=iteration + math.ceil(left / self.plan.ppo.rollout),
            steps=steps,
            reward=float(sampled.get("episode_return_mean", math.nan)),
            ended={key: float(value) for key, value in sampled.get(ENDED, {}).items()},
            entropy=means["entropy"],
            explained=means["vf_explained_var"],
            seconds=seconds,
            cpu_s=time.process_time() - clocks[1],
            eta_s=seconds * left / (steps - first),
        )

    def _finish(self, algorithm: Any, task: Any) -> dict[str, Policy]:
        names, folder = policy_names(self.plan, task), self.out / "policies"
        modules = algorithm.learner_group.foreach_learner(_modules).result_or_errors
        trained = next(iter(modules)).get()
        policies = {
            agent: export(trained[name], folder / f"{agent}.npz", self.plan, task, agent, self.seed)
            for agent, name in names.items()
        }
        self.say(f"evaluating on {self.plan.evaluation_episodes} episodes")
        scores: Scores = task.evaluate(policies, self.plan.evaluation_episodes, EVALUATION_SEED)
        for agent, name in names.items():
            file = folder / f"{agent}.npz"
            policies[agent] = export(trained[name], file, self.plan, task, agent, self.seed, scores)
        self.say(", ".join(f"{key} {value:.4f}" for key, value in scores.items()))
        return policies


def _modules(learner: Any) -> Any:
    return learner.module


def _fit(
    learner: Any, name: str, shown: Demonstrations, how: Imitation, seed: int, tell: Any
) -> None:
    imitate(learner.module[name], shown, how, seed, tell)


def _take(learner: Any, **how: Any) -> None:
    take_advice(learner.module, **how)


def _synchronise(algorithm: Any) -> None:
    algorithm.env_runner_group.sync_weights(
        from_worker_or_learner_group=algorithm.learner_group, inference_only=True
    )


def _save(algorithm: Any, place: Path) -> None:
    algorithm.save_to_path(str(place.resolve()))


def _draw(curves: Any, now: Iteration) -> None:
    figures = {"reward": now.reward, "entropy": now.entropy, "explained variance": now.explained}
    for key, value in (figures | now.ended).items():
        if math.isfinite(value):
            curves.add_scalar(key, value, now.steps)
