"""Trainings that the tests look at, in a process of their own: Ray keeps state in its process.

python -m tests.envs.learning_runs FOLDER prints one JSON object. FOLDER/killed is of a training
that was killed.
"""

import itertools
import json
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domains.errors import EntenteError
from domains.policy import Policy, Schema
from envs.learning.cluster import cluster
from envs.learning.plan import Plan

TINY: dict[str, Any] = {
    "name": "tiny",
    "env": "sliceorch",
    "settings": {"profile": "C2", "requests": [4]},
    "steps": 1024,
    "envs": 16,
    "evaluation_episodes": 10,
    "network": {"width": 8, "hidden": [8]},
    "ppo": {"lr": 1e-3, "rollout": 256, "batch": 128, "epochs": 2},
}

ADVISED: dict[str, Any] = {
    "env": "central",
    "settings": {},
    "steps": 256,
    "network": {"architecture": "layers", "hidden": [8]},
    "ppo": TINY["ppo"] | {"lr": 1e-6},
    "agents": {"policies": "separate", "critic": "central"},
}
ADVICE: dict[str, Any] = {"rounds": 20, "episodes": 4096, "lr": 2e-2}


def main(folder: Path) -> dict[str, Any]:
    with cluster(workers=1):
        from envs.learning import tasks

        tasks.TASKS["not-a-number"] = NotANumber
        tasks.TASKS["central"] = Central
        return {
            "first": trained(folder / "first", 0),
            "again": trained(folder / "again", 0),
            "other": trained(folder / "other", 1),
            "imitating": trained(
                folder / "imitating", 0, steps=256, imitation={"teacher": "dp", "episodes": 20}
            ),
            "resumed": trained(folder / "killed", 0, resume=True, steps=2048),
            "not a number": trained(folder / "nan", 0, env="not-a-number", settings={}),
            "another version": trained(
                folder / "first", 0, resume=True, settings={"profile": "C2", "departures": True}
            ),
            "several agents": trained(
                folder / "central",
                0,
                env="central",
                settings={},
                steps=4096,
                network={"architecture": "layers", "hidden": [8]},
                ppo=TINY["ppo"] | {"lr": 1e-2},
                agents={"policies": "separate", "critic": "central"},
            ),
            "advised": trained(
                folder / "advised", 0, **ADVISED, advice=ADVICE | {"adviser": "contrary"}
            ),
            "misled": trained(
                folder / "misled", 0, **ADVISED, advice=ADVICE | {"adviser": "misleading"}
            ),
            "no adviser": trained(
                folder / "unadvised", 0, advice={"adviser": "nobody", "rounds": 1}
            ),
            "worker killed": worker_killed(folder / "worker"),
            "placement": trained(
                folder / "placement",
                0,
                env="embedding",
                settings={"networks": 2, "requests": 6, "reward": "acceptance+revenue"},
                steps=512,
                evaluation_episodes=4,
                imitation={"teacher": "learned", "episodes": 4},
            ),
            "federated": federated(),
        }


def trained(out: Path, seed: int, resume: bool = False, **changes: Any) -> dict[str, Any]:
    """What there is to know about a training that ended, or that could not."""
    from envs.learning.training import Training

    told: list[Any] = []
    try:
        training = Training(Plan.model_validate(TINY | changes), seed, out, told.append)
        policies = training.run(resume)
    except EntenteError as error:
        return {"reason": error.reason, "message": error.message, "iterations": len(told)}
    return {
        "iterations": [one.iteration for one in told],
        "steps": told[-1].steps if told else 0,
        "rewards": [one.reward for one in told],
        "ended": sorted(told[-1].ended) if told else [],
        "weights": {agent: one.manifest.weights_sha256 for agent, one in policies.items()},
        "scores": next(iter(policies.values())).manifest.scores,
        "logits": {agent: one.network(_zeros(one)).tolist() for agent, one in policies.items()},
    }


def _zeros(policy: Policy) -> Any:
    import numpy as np

    made = policy.manifest
    return np.zeros(made.schema_.size(made.candidates), dtype=np.float32)


def worker_killed(out: Path) -> dict[str, Any]:
    """Kills the one process that samples after the first iteration."""
    from envs.learning import tasks
    from envs.learning.training import Training

    noted = out / "pid"
    out.mkdir(parents=True)
    tasks.TASKS["noted"] = Noted
    told: list[Any] = []

    def tell(now: Any) -> None:
        told.append(now)
        if len(told) == 1:
            os.kill(int(noted.read_text()), signal.SIGKILL)

    plan = TINY | {"env": "noted", "settings": {"note": str(noted)}, "runners": 1, "steps": 1024}
    Training(Plan.model_validate(plan), 0, out, tell).run()
    return {"steps": told[-1].steps, "first": told[0].steps}


def federated() -> dict[str, list[float]]:
    """What two domains train together, as actors and in this process."""
    from envs.federated.__main__ import as_actors, in_this_process
    from envs.federated.client import own_of
    from envs.federated.rounds import Privacy
    from envs.federated.rounds import federated as trained_together

    owns = [own_of(0, number, requests=8) for number in range(2)]
    found = {"here": trained_together(in_this_process(owns, 3), Privacy(), 3, 2, 1).tolist()}
    with as_actors() as start_all:
        train = start_all(owns, 3)
        found["actors"] = trained_together(train, Privacy(), 3, 2, 1).tolist()
    return found


def _slice_orch() -> Any:
    from envs.learning.tasks import SliceOrchTask

    return SliceOrchTask("C2", (4,))


class Wrapped:
    """The case study with something about it changed."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(_slice_orch(), name)


class NotANumber(Wrapped):
    """Rewards the third step with what is no number."""

    def make(self, rows: int) -> Any:
        env, steps = _slice_orch().make(rows), itertools.count()
        step = env.step

        def broken(actions: Any) -> Any:
            found = step(actions)
            if next(steps) == 3:
                found.rewards["agent"][0] = float("nan")
            return found

        env.step = broken
        return env


@dataclass
class Noted(Wrapped):
    """Writes down which process steps it."""

    note: str = ""

    def make(self, rows: int) -> Any:
        Path(self.note).write_text(str(os.getpid()))
        return _slice_orch().make(rows)


class Central:
    """Two agents that are paid for guessing a bit that only the critic sees; cut after 5 steps."""

    environment, agents, state_size = "central", ("left", "right"), 1

    def schema(self, agent: str) -> Schema:
        return Schema("central", ("bias",), (), ("zero", "one"))

    def candidates(self, agent: str) -> int:
        return 0

    def spaces(self, agent: str) -> Any:
        from envs.learning.spaces import SpacesOfSchema

        return SpacesOfSchema.spaces(self, agent)

    def make(self, rows: int) -> Any:
        return Bits(rows)

    def evaluate(
        self, policies: Mapping[str, Policy], episodes: int, seed: int
    ) -> dict[str, float]:
        return {"agents": float(len(policies))}

    def adviser(self, name: str, seed: int) -> Any:
        return Contrary(misleading=name == "misleading")


@dataclass
class Contrary:
    """Says that `zero` is worth something to the left agent, and to the right one `one`; who is
    misleading scores the opposite of what was advised."""

    misleading: bool = False

    def advise(self, policies: Any, episodes: int, seed: Any) -> Any:
        import numpy as np

        from envs.learning.demonstrations import Advised

        seen, masks = np.ones((episodes, 1), np.float32), np.ones((episodes, 2), np.bool_)
        right = policies["right"](seen, masks)
        worth = {"left": [1.0, 0.0], "right": [0.0, 1.0]}
        ones = np.ones(episodes, np.float32)
        told = {
            agent: Advised(seen, masks, np.outer(ones, gains).astype(np.float32), ones, seen)
            for agent, gains in worth.items()
        }
        score = float(right.mean())
        return told, 1.0 - score if self.misleading else score


class Bits:
    """The bit is 1 three times of four, so `one` is the better guess of who cannot see it."""

    def __init__(self, rows: int) -> None:
        import numpy as np

        self.np, self.rows = np, rows
        self.age = np.zeros(rows, dtype=int)

    def reset(self, seed: int) -> Any:
        self.draws = self.np.random.default_rng(seed)
        return self._view()

    def _view(self) -> Any:
        from envs.learning.batched import View

        np = self.np
        self.bit = self.draws.random(self.rows) < 0.75
        seen = {agent: np.ones((self.rows, 1), dtype=np.float32) for agent in Central.agents}
        masks = {agent: np.ones((self.rows, 2), dtype=bool) for agent in Central.agents}
        return View(seen, masks, self.bit[:, None].astype(np.float32))

    def step(self, actions: Any) -> Any:
        from envs.learning.batched import Step

        np = self.np
        rewards = {agent: (taken == self.bit).astype(float) for agent, taken in actions.items()}
        self.age += 1
        cut = self.age >= 5
        self.age[cut] = 0
        last = self._view() if cut.any() else None
        view = self._view()
        if last is not None:
            last = type(last)(
                {agent: seen[cut] for agent, seen in last.observations.items()},
                {agent: mask[cut] for agent, mask in last.masks.items()},
                last.state[cut],
            )
        return Step(view, rewards, np.zeros(self.rows, dtype=bool), cut, last)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    print(json.dumps(main(place)))
    shutil.rmtree(place / "worker", ignore_errors=True)
