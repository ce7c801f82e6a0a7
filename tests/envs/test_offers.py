"""What is trained is what runs live: the same numbers in, the same menu out."""

from pathlib import Path

import numpy as np

from domains.model import Menu
from domains.observation import SCHEMA
from domains.offers import menu
from domains.policy import read
from domains.ranking import Ranking
from envs.crossdomain.core import CrossDomain
from envs.crossdomain.scenarios import Task, scenario_of
from envs.offers.evolve import EPISODES, POPULATION, evolve, export, play, start
from envs.offers.policy import WEIGHTS, Offers, Weights, observe

ROWS = 3


def started(task: Task, rows: int) -> CrossDomain:
    core = task.core(rows)
    core.start(np.arange(rows), task.draw([np.random.default_rng(row) for row in range(rows)]))
    return core


def live(task: Task, core: CrossDomain, row: int, hop: int, ranking: Ranking) -> Menu:
    """What the domain of that hop would answer, by the functions that answer tenants."""
    class_ = int(core.kind()[row])
    key, profile = list(task.tables.asked[class_].budgets.items())[hop]
    inner = task.network.technologies[key[0]]
    left = {
        name: int(core.free[row, at])
        for at, (domain, name) in enumerate(task.tables.resources)
        if domain == key[0]
    }
    full = inner.capacities()
    terms = task.network.terms(key[0])
    return menu(inner, profile, lambda name: left.get(name, full[name]), terms, ranking)


def test_a_domain_shows_what_the_trained_policy_showed_in_training(tmp_path: Path) -> None:
    task = scenario_of("headline").task()
    core, generator = started(task, ROWS), np.random.default_rng(1)
    weights = generator.normal(0.0, 1.0, (ROWS, WEIGHTS))
    policy = Offers(Weights.of(weights), np.arange(ROWS))
    policy.begin(core)
    rankings = []
    for row in range(ROWS):
        export(weights[row], tmp_path / f"{row}.npz", 0, "here", {})
        rankings.append(Ranking.load(str(tmp_path / f"{row}.npz"), lambda: 0.0))
    compared = 0
    while not core.done.all():
        shown = policy.act(core)
        for row in range(ROWS):
            hops = len(task.tables.asked[int(core.kind()[row])].budgets)
            for hop in range(hops):
                at = task.tables.row[core.kind()[row], hop]
                expected = {
                    (
                        int(task.tables.latency_us[at, option]),
                        int(task.tables.availability_ppb[at, option]),
                        int(task.tables.price_micros[at, option]),
                    )
                    for option in np.flatnonzero(shown[row, hop])
                }
                if not expected:
                    continue
                offers = live(task, core, row, hop, rankings[row]).offers
                told = {
                    (o.metrics.latency_us, o.metrics.availability_ppb, o.metrics.price_micros)
                    for o in offers
                }
                assert told == expected
                compared += len(offers) > 1
        core.step(shown)
    assert compared > 50
    assert not any(ranking.faults for ranking in rankings)


def test_observations_are_in_the_unit_interval_and_of_the_schemas_size() -> None:
    task = scenario_of("headline").task(requests=4)
    core = started(task, ROWS)
    policy = Offers(Weights.of(start()[None]), np.zeros(ROWS, dtype=np.int64))
    policy.begin(core)
    open_ = policy.front(core)
    shared, each = observe(core, open_)
    assert (shared.shape[-1], each.shape[-1]) == (len(SCHEMA.shared), len(SCHEMA.each))
    assert ((shared >= 0) & (shared <= 1)).all()
    assert ((each[open_] >= 0) & (each[open_] <= 1)).all()


def test_training_depends_on_its_seed_alone_and_its_file_says_how_it_was_made(
    tmp_path: Path,
) -> None:
    task = scenario_of("headline").task(requests=3)
    means = [next(evolve(seed, task))[0].mean for seed in (4, 4, 5)]
    assert np.array_equal(means[0], means[1])
    assert not np.array_equal(means[0], means[2])
    export(means[0], tmp_path / "four.npz", 4, "python -m there", {"availability": 0.5})
    kept = read(tmp_path / "four.npz").require(SCHEMA).manifest
    assert (kept.seed, kept.made_by, kept.scores) == (4, "python -m there", {"availability": 0.5})


def test_samples_in_a_batch_do_what_each_does_alone() -> None:
    task = scenario_of("headline").task(requests=6)
    weights = np.random.default_rng(2).normal(0.0, 1.0, (2, WEIGHTS))
    episodes = task.draw([np.random.default_rng(row) for row in range(EPISODES)])
    both = play(
        task,
        Offers(Weights.of(weights), np.repeat([0, 1], EPISODES)),
        episodes[np.tile(np.arange(EPISODES), 2)],
    )
    for number in range(2):
        one = np.zeros(EPISODES, dtype=np.int64)
        alone = play(task, Offers(Weights.of(weights[number : number + 1]), one), episodes)
        mine = slice(number * EPISODES, (number + 1) * EPISODES)
        assert np.array_equal(alone.availability, both.availability[mine])
    assert POPULATION % 2 == 0
