"""Trainings from a plan to a policy file; what goes wrong says so, or does not stop them."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

if find_spec("torch") is None or find_spec("gymnasium") is None:
    # Not by importing RLlib: Ray reads its token at import, and other tests have one of their own.
    pytest.skip("the learn extra is not installed", allow_module_level=True)

from domains.errors import PolicyUnusable
from envs.embedding.evaluation import evaluate_workload
from envs.embedding.evolve import start as untrained
from envs.embedding.generate import cross_domain
from envs.learning import checkpoints
from envs.learning.checkpoints import Note
from envs.learning.errors import CheckpointUnusable, PlanInvalid
from envs.learning.fragment import advantages
from envs.learning.plan import Plan, plan_of, shipped
from tests.asking import at_last
from tests.envs.learning_runs import TINY

ROOT = Path(__file__).resolve().parents[2]
STARTS_S = 120.0
RUNS_S = 330.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def runs(folder: Path) -> Any:
    """Everything in `learning_runs`, after a training that was killed with SIGKILL."""
    plan = folder / "tiny.toml"
    plan.write_text(
        'env = "sliceorch"\nsteps = 1_000_000\nenvs = 16\n'
        "network = {width = 8, hidden = [8]}\nsettings = {profile = 'C2', requests = [4]}\n"
        "ppo = {lr = 1e-3, rollout = 256, batch = 128, epochs = 2}\n"
    )
    arguments = ["--config", str(plan), "--out", str(folder / "killed")]
    killed = subprocess.Popen(
        [sys.executable, "-m", "envs.train", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    checkpoints, third = folder / "killed" / "checkpoints", "iteration-000003"

    def written() -> Path | None:
        assert killed.poll() is None, "it ended by itself"
        # Or a later one: only the newest two are kept.
        return next((one for one in checkpoints.glob("iteration-*") if one.name >= third), None)

    try:
        at_last(written, STARTS_S, "the third checkpoint")
    finally:
        killed.kill()
        killed.wait()
    told = (folder / "killed" / "progress.jsonl").read_text().splitlines()
    ended = subprocess.run(
        [sys.executable, "-m", "tests.envs.learning_runs", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=RUNS_S,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1]) | {"told before": len(told)}


pytestmark = pytest.mark.timeout(500)


@pytest.mark.ray
def test_the_same_seed_trains_the_same_policy_and_another_does_not(runs: Any) -> None:
    assert runs["first"]["rewards"] == runs["again"]["rewards"]
    assert runs["first"]["weights"] == runs["again"]["weights"]
    assert runs["first"]["weights"] != runs["other"]["weights"]
    assert runs["first"]["steps"] == TINY["steps"]
    assert runs["first"]["ended"] == ["availability", "illegal"]


@pytest.mark.ray
def test_a_killed_training_goes_on_and_has_lost_one_iteration_at_most(runs: Any) -> None:
    resumed = runs["resumed"]["iterations"]
    assert runs["told before"] in (resumed[0] - 2, resumed[0] - 1, resumed[0])
    assert resumed == list(range(resumed[0], 9))
    assert runs["resumed"]["steps"] == 2048


@pytest.mark.ray
def test_a_reward_that_is_no_number_ends_the_training_before_it_is_learned_from(runs: Any) -> None:
    found = runs["not a number"]
    assert found["reason"] == "NOT_FINITE"
    assert "reward" in found["message"]
    assert found["iterations"] == 0


@pytest.mark.ray
def test_a_checkpoint_of_another_version_is_not_gone_on_from(runs: Any) -> None:
    found = runs["another version"]
    assert found["reason"] == "CHECKPOINT_UNUSABLE"
    assert "is of entente/SliceOrch-v1, not of entente/SliceOrch-v2" in found["message"]


@pytest.mark.ray
def test_a_killed_worker_is_replaced_and_the_training_goes_on(runs: Any) -> None:
    assert runs["worker killed"]["first"] == 256
    assert runs["worker killed"]["steps"] >= 1024


@pytest.mark.ray
def test_several_agents_have_policies_of_their_own_and_a_critic_that_sees_more(runs: Any) -> None:
    found = runs["several agents"]
    assert set(found["weights"]) == {"left", "right"}
    assert len(set(found["weights"].values())) == 2
    assert all(one > zero for zero, one in found["logits"].values())
    assert np.mean(found["rewards"][-4:]) > np.mean(found["rewards"][:4]) + 1


@pytest.mark.ray
def test_imitation_is_a_start(runs: Any) -> None:
    assert runs["imitating"]["weights"] != runs["first"]["weights"]
    assert runs["imitating"]["steps"] == 256


@pytest.mark.ray
def test_placement_is_trained_as_everything_else_is(runs: Any, folder: Path) -> None:
    found = runs["placement"]
    assert found["steps"] == 512
    assert found["ended"] == ["acceptance", "r2c", "revenue"]
    assert 0.0 < found["scores"]["acceptance"] <= 1.0
    result = evaluate_workload(cross_domain(3, 5), str(folder / "placement/policies/agent.npz"))
    assert (result.policy, result.requests) == ("agent", 5)
    with pytest.raises(PolicyUnusable, match="made for"):
        evaluate_workload(cross_domain(3, 5), str(folder / "first/policies/agent.npz"))


@pytest.mark.ray
def test_domains_that_are_actors_train_exactly_what_they_train_in_one_process(runs: Any) -> None:
    together = runs["federated"]
    assert together["actors"] == together["here"]
    assert together["here"] != untrained().tolist()


def test_a_teacher_of_placement_acts_in_the_environment() -> None:
    from envs.learning.embedding import EmbeddingTask

    task = EmbeddingTask(networks=2, requests=3)
    shown = task.demonstrate("learned", 3, seed=0)["agent"]
    assert shown.masks[np.arange(len(shown)), shown.actions].all()
    assert shown.returns.max() > 1.0
    for nobody in ("grc", "optimum", "nobody"):
        with pytest.raises(PlanInvalid, match=nobody):
            task.demonstrate(nobody, 3, seed=0)


def test_networks_side_by_side_play_what_each_plays_alone() -> None:
    from envs.learning.embedding import Beside, EmbeddingTask
    from envs.learning.one_agent import ONLY

    task = EmbeddingTask(networks=2, requests=3)
    pair, alone = task.make(4), task.make(4)
    assert isinstance(pair, Beside)
    assert isinstance(alone, Beside)
    view = pair.reset(7)
    seeds = np.random.default_rng(7).integers(2**31, size=2).tolist()
    views = [env.reset(one) for env, one in zip(alone.envs, seeds, strict=True)]
    ended = 0
    for _ in range(40):
        seen = np.concatenate([one.observations[ONLY] for one in views])
        assert np.array_equal(view.observations[ONLY], seen)
        actions = view.masks[ONLY].argmax(axis=1)
        step = pair.step({ONLY: actions})
        steps = [
            env.step({ONLY: actions[rows]})
            for env, rows in zip(alone.envs, (slice(0, 2), slice(2, 4)), strict=True)
        ]
        assert step.rewards[ONLY].tolist() == [
            paid for one in steps for paid in one.rewards[ONLY].tolist()
        ]
        told = [value for one in steps if one.ended for value in one.ended["revenue"].tolist()]
        assert step.ended.get("revenue", np.zeros(0)).tolist() == told
        ended += len(told)
        view, views = step.view, [one.view for one in steps]
    assert ended > 4


@pytest.mark.ray
def test_advice_is_followed_by_each_agent_for_itself(runs: Any) -> None:
    left, right = (runs["advised"]["logits"][agent] for agent in ("left", "right"))
    assert left[0] > left[1] + 1
    assert right[1] > right[0] + 1
    assert runs["advised"]["steps"] == 256


@pytest.mark.ray
def test_advice_that_costs_more_than_it_brings_is_taken_back(runs: Any) -> None:
    right = runs["misled"]["logits"]["right"]
    assert right[1] < right[0] + 0.5
    followed = runs["advised"]["logits"]["right"]
    assert followed[1] > right[1] + 0.5


@pytest.mark.ray
def test_who_has_no_adviser_says_so(runs: Any) -> None:
    assert runs["no adviser"]["message"] == "entente/SliceOrch-v1 has no adviser 'nobody'"


@pytest.mark.parametrize("seed", range(5))
def test_advantages_are_what_their_definition_says(seed: int) -> None:
    generator = np.random.default_rng(seed)
    rewards, values, after = generator.normal(size=(3, 7, 4)).astype(np.float32)
    ended = generator.random((7, 4)) < 0.3
    gamma, lambda_ = 0.9, 0.7
    found = advantages(rewards, values, after, ended, gamma, lambda_)
    for column in range(4):
        for start in range(7):
            total, weight = 0.0, 1.0
            for step in range(start, 7):
                at = step, column
                total += weight * (rewards[at] + gamma * after[at] - values[at])
                weight *= gamma * lambda_
                if ended[at]:
                    break
            assert found[start, column] == pytest.approx(total, abs=1e-5)


def test_shipped_plans_are_plans() -> None:
    assert {"paper", "tuned", "sliceorch-c2-imitated"} <= set(shipped())
    for name in shipped():
        if name.startswith("sliceorch-"):
            assert plan_of(name).env == "sliceorch"
    assert plan_of("tuned", "sliceorch").network.width == 32
    assert plan_of("paper", "sliceorch").ppo.lr == 1e-4


def test_a_plan_can_be_changed_on_the_command_line() -> None:
    changes = {"ppo.lr": "0.5", "settings.requests": "[7]", "settings.profile": "C3"}
    plan = plan_of("sliceorch-c2", changes=changes)
    assert plan.ppo.lr == 0.5
    assert plan.settings["requests"] == [7]
    assert plan.settings["profile"] == "C3"


def test_a_plan_goes_to_another_machine_in_full() -> None:
    for name in ("sliceorch-c2-imitated", "crossdomain"):
        plan = plan_of(name)
        assert plan_of(plan.model_dump_json(exclude_none=True)) == plan
    with pytest.raises(PlanInvalid, match="a plan in JSON"):
        plan_of('{"name": ')


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ppo.gamma": "2"}, "ppo.gamma"),
        ({"ppo.rollout": "1000"}, "multiple of 128"),
        ({"ppo.batch": "10_000"}, "more than a rollout has"),
        ({"magic": "1"}, "magic"),
        ({"steps.now": "1"}, "steps is a value"),
    ],
)
def test_what_is_no_plan_says_where(changes: dict[str, str], said: str) -> None:
    with pytest.raises(PlanInvalid, match=said):
        plan_of("sliceorch-c2", changes=changes)


def test_a_plan_that_is_not_there_names_the_ones_that_are(tmp_path: Path) -> None:
    with pytest.raises(PlanInvalid, match="tuned"):
        plan_of("nothing")
    with pytest.raises(PlanInvalid, match="is for sliceorch"):
        plan_of("sliceorch-c2", env="embedding")
    loop = tmp_path / "loop.toml"
    loop.write_text(f'base = "{loop}"')
    with pytest.raises(PlanInvalid, match="based on itself"):
        plan_of(loop)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    from envs.learning.tasks import SliceOrchTask

    def write(folder: Path) -> None:
        (folder / "deep").mkdir()
        (folder / "deep" / "weights").write_bytes(b"x" * 1000)

    plan, task = Plan.model_validate(TINY), SliceOrchTask("C2", (4,))
    for iteration in range(1, 5):
        checkpoints.save(tmp_path, plan, task, 0, (iteration, 256 * iteration), write)
    return tmp_path


def test_the_newest_checkpoints_are_kept_and_found(saved: Path) -> None:
    assert sorted(path.name for path in saved.iterdir()) == ["iteration-000003", "iteration-000004"]
    note: Note = checkpoints.inspect(checkpoints.newest(saved))
    assert (note.iteration, note.steps) == (4, 1024)


@pytest.mark.parametrize(
    ("file", "body", "said"),
    [
        ("deep/weights", b"x" * 999, "was cut or changed"),
        ("deep/weights", None, "lacks deep/weights"),
        ("checkpoint.json", b'{"format": 1', "is damaged"),
        ("checkpoint.json", None, "has no checkpoint.json"),
    ],
)
def test_a_checkpoint_that_was_cut_is_not_loaded(
    file: str, body: bytes | None, said: str, saved: Path
) -> None:
    place = checkpoints.newest(saved)
    if body is None:
        (place / file).unlink()
    else:
        (place / file).write_bytes(body)
    with pytest.raises(CheckpointUnusable, match=said):
        checkpoints.inspect(place)


def test_where_there_is_no_checkpoint_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointUnusable, match="no checkpoint in"):
        checkpoints.newest(tmp_path)


def test_cross_domain_agents_learn_from_their_own_part_of_a_reference() -> None:
    from envs.learning.crossdomain import CrossDomainTask

    task = CrossDomainTask("small")
    shown = task.demonstrate("scarcity", 3, seed=0)
    assert set(shown) == set(task.agents)
    for agent, one in shown.items():
        size, candidates = task.schema(agent).size(task.candidates(agent)), task.candidates(agent)
        assert one.observations.shape == (24, size)
        assert one.masks.shape == (24, candidates + 1)
        assert one.masks[np.arange(24), one.actions].all()
        assert one.states.shape == (24, task.state_size)


def test_cross_domain_rows_that_only_begin_anew_are_marked() -> None:
    from envs.learning.crossdomain import CrossDomainTask

    task = CrossDomainTask("small", requests=3)
    env = task.make(2)
    view = env.reset(0)
    marks, over = [], []
    for _ in range(8):
        actions = {agent: mask.argmax(axis=1) for agent, mask in view.masks.items()}
        step = env.step(actions)
        assert step.idle is not None
        marks.append(step.idle.tolist())
        over.append(step.terminated.tolist())
        assert not any(np.any(paid[step.idle]) for paid in step.rewards.values())
        view = step.view
    once, never = [True, True], [False, False]
    assert over == [never, never, once, never, never, never, once, never]
    assert marks == [never, never, never, once, never, never, never, once]


def test_what_tests_load_here_leaves_ray_alone() -> None:
    """Ray reads its token as it is imported: another test of this process brings its own."""
    program = (
        "import sys, envs.learning.crossdomain, envs.learning.tasks, envs.learning.checkpoints, "
        "envs.learning.plan, envs.learning.fragment, envs.study, envs.figures, envs.evaluate; "
        "sys.exit('ray' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60).returncode == 0
