"""A policy ranks offers and can do no harm: whatever it answers, promises and room stay true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from domains.config import RankingSection, load
from domains.model import Menu
from domains.observation import OPTIONS_MAX, SCHEMA, Sight
from domains.offers import finest
from domains.policy import Architecture, Manifest, Network, Policy, Schema, write
from domains.policy_network import Activation, Array
from domains.ranking import (
    DECISION_S_MAX,
    DRAIN_MIN,
    FAULTS_MAX,
    PICKED_MAX,
    Ranking,
)
from tests.domains.networks import CONFIGS, KINDS, Bench, bench_of

EACH, SHARED = len(SCHEMA.each), len(SCHEMA.shared)
PLACE = SCHEMA.each.index("place")


def manifest(schema: Schema = SCHEMA) -> Manifest:
    return Manifest(
        name="test",
        environment=schema.environment,
        shared=schema.shared,
        each=schema.each,
        extras=schema.extras,
        schema_digest=schema.digest,
        candidates=0,
        architecture=Architecture.POINTER,
        activation=Activation.TANH,
        weights_sha256="",
        seed=0,
    )


def weights(number: int, towards: float, withhold: float) -> dict[str, Array]:
    """A policy that scores one number of every option."""
    node = np.zeros((1, EACH), dtype=np.float32)
    node[0, number] = towards
    return {
        "node": node,
        "start": np.zeros((SHARED, 2), dtype=np.float32),
        "start_bias": np.zeros(2, dtype=np.float32),
        "mean": np.zeros((1, 1), dtype=np.float32),
        "out": np.zeros((1, 2), dtype=np.float32),
        "out_bias": np.array([1.0, withhold], dtype=np.float32),
    }


class Clock:
    """Every look at it takes `tick_s`."""

    def __init__(self, tick_s: float = 0.0) -> None:
        self.now_s, self.tick_s = 0.0, tick_s

    def __call__(self) -> float:
        self.now_s += self.tick_s
        return self.now_s


def ranking(network: Callable[[Array], Any], clock: Clock | None = None) -> Ranking:
    return Ranking(Policy(manifest(), cast(Network, network)), "test", clock or Clock())


def _options(observation: Array) -> int:
    return (len(observation) - SHARED) // EACH


def raising(observation: Array) -> Array:
    raise ZeroDivisionError("no reason")


def endless(observation: Array) -> Array:
    raise RecursionError


def numbers(value: float, more: int = 1) -> Callable[[Array], Array]:
    return lambda observation: np.full(_options(observation) + more, value, dtype=np.float32)


def poisoned(observation: Array) -> Array:
    scores = np.arange(_options(observation) + 1, dtype=np.float32)
    scores[0] = np.nan
    return scores


def dearest_only(observation: Array) -> Array:
    """The worst that is legal: shows only the dearest, and that alone."""
    scores = observation[SHARED:].reshape(EACH, -1)[PLACE]
    return np.append(scores, np.float32(0.999))


ILLEGAL: dict[str, Callable[[Array], Any]] = {
    "raises": raising,
    "recursion": endless,
    "nan": poisoned,
    "infinite": numbers(np.inf),
    "too few": numbers(0.0, 0),
    "too many": numbers(0.0, 7),
    "a table": lambda observation: np.zeros((3, 3), dtype=np.float32),
    "words": lambda observation: np.array(["cheapest"] * (_options(observation) + 1)),
    "nothing": lambda observation: None,
}
LEGAL: dict[str, Callable[[Array], Any]] = {
    "dearest only": dearest_only,
    "withholds all": lambda observation: np.append(numbers(-1.0, 0)(observation), np.float32(9)),
    "all alike": numbers(0.0),
}


@pytest.fixture(params=KINDS)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    made = await bench_of(request.param, tmp_path)
    yield made
    await made.domain.close()


async def menus(bench: Bench) -> Iterator[Menu]:
    tight = replace(bench.profile, latency_us_max=12_000, availability_ppb_min=999_500_000)
    huge = replace(bench.profile, downlink_kbps=10**8, uplink_kbps=10**8)
    return iter([await bench.menu(profile) for profile in (bench.profile, tight, huge)])


@pytest.mark.parametrize("fault", ILLEGAL)
async def test_an_answer_that_is_none_leaves_the_rules_menu(bench: Bench, fault: str) -> None:
    expected = list(await menus(bench))
    bench.domain._agent._rank = ranking(ILLEGAL[fault])
    assert list(await menus(bench)) == expected


async def test_a_policy_that_takes_too_long_is_not_heard(bench: Bench) -> None:
    expected = list(await menus(bench))
    bench.domain._agent._rank = ranking(dearest_only, Clock(2 * DECISION_S_MAX))
    assert list(await menus(bench)) == expected


@pytest.mark.parametrize("choice", LEGAL)
async def test_the_worst_choices_promise_nothing_that_is_not_so(bench: Bench, choice: str) -> None:
    rule = list(await menus(bench))
    bench.domain._agent._rank = ranking(LEGAL[choice])
    for told, ruled in zip(await menus(bench), rule, strict=True):
        free = bench.domain._store.ledger.free_for("nobody", None)
        assert bool(told.offers) == bool(ruled.offers)
        assert told.refusal == ruled.refusal
        assert min(len(ruled.offers), 1) <= len(told.offers) <= len(ruled.offers)
        assert len({offer.offer_id for offer in told.offers}) == len(told.offers)
        assert any(o.exact for o in told.offers) == any(o.exact for o in ruled.offers)
        for offer in told.offers:
            # Awarded as it is: the promise is one of the technology's own, at its price or more.
            option = bench.domain._agent.award(
                told.profile, offer, "clinic", free, bench.clock(), False
            )
            cost = option.metrics
            assert replace(offer.metrics, price_micros=cost.price_micros) == cost
            assert offer.metrics.price_micros >= cost.price_micros


@pytest.mark.parametrize("choice", [*LEGAL, "raises", "nan"])
async def test_what_it_shows_can_be_held_and_never_more_than_there_is(
    bench: Bench, choice: str
) -> None:
    bench.domain._agent._rank = ranking((LEGAL | ILLEGAL)[choice])
    assert await bench.fill(1) > 0
    capacities = bench.domain._technology.capacities()
    for resource, units in bench.domain.usage().items():
        assert units <= capacities[resource]
    assert bench.domain.verify_audit() is None


async def test_after_so_many_faults_it_is_not_asked_again(bench: Bench) -> None:
    asked = 0

    def counting(observation: Array) -> Array:
        nonlocal asked
        asked += 1
        raise ValueError("weights of another world")

    made = bench.domain._agent._rank = ranking(counting)
    many = len((await bench.menu(bench.profile)).offers) > 1
    for _ in range(2 * FAULTS_MAX):
        await bench.menu(bench.profile)
    assert asked == (FAULTS_MAX if many else 0)
    if many:
        assert "weights of another world" in made.said
        assert made.policy is None


async def test_a_configured_policy_picks_among_what_takes_room(tmp_path: Path) -> None:
    """Scoring the place in the order of prices: the dearest, beside what is always shown."""
    write(tmp_path / "up.npz", weights(PLACE, 1.0, -9.0), manifest())
    config = load(CONFIGS / "access.toml").model_copy(update={"ranking": None})
    asked = config.model_copy(update={"ranking": RankingSection(file=str(tmp_path / "up.npz"))})
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    plain = await bench_of("access", tmp_path / "a", config=config)
    made = await bench_of("access", tmp_path / "b", config=asked)
    large = replace(plain.profile, downlink_kbps=400_000, uplink_kbps=200_000)
    free = plain.domain._agent.room(plain.domain._store.ledger.free)
    options = plain.domain._technology.options(large, free)
    places = range(len(options))
    drains = [max(u / free(what) for what, u in option.demand.items()) for option in options]
    always = {place for place in places if drains[place] < DRAIN_MIN} | {*finest(options)}
    expected = sorted(always | {*places[-PICKED_MAX:]})
    assert 0 < len(always) < len(expected) < len(options)
    told = await made.menu(large)
    assert [offer.metrics.latency_us for offer in told.offers if offer.exact] == [
        options[place].metrics.latency_us for place in expected
    ]
    assert made.domain.ranked_by().startswith("policy test ")
    assert plain.domain.ranked_by() == "rule"
    for one in (plain, made):
        await one.domain.close()


async def test_where_nothing_is_scarce_a_policy_leaves_nothing_out(tmp_path: Path) -> None:
    """A core with room for all: it may not sell anybody something dearer."""
    bench = await bench_of("core", tmp_path)
    expected = await bench.menu(bench.profile)
    bench.domain._agent._rank = ranking(dearest_only)
    assert len(expected.offers) > 1
    assert await bench.menu(bench.profile) == expected
    await bench.domain.close()


async def test_a_domain_that_answers_no_counter_leaves_nothing_out(tmp_path: Path) -> None:
    """What is left out could never be asked for."""
    config = load(CONFIGS / "access.toml")
    last = config.policy.model_copy(update={"rounds_max": 0})
    asked = {"policy": last, "ranking": RankingSection(file="offers")}
    bench = await bench_of("access", tmp_path, config=config.model_copy(update=asked))
    assert bench.domain._agent._rank is None
    assert (await bench.menu(bench.profile)).negotiable == ()
    assert bench.domain.ranked_by().startswith("rule: ")
    await bench.domain.close()


@pytest.mark.parametrize(
    ("damage", "says"),
    [("other schema", "another schema"), ("none", "cannot read"), ("torn", "is not what")],
)
def test_a_policy_that_does_not_fit_is_said_and_the_rule_answers(
    tmp_path: Path, damage: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "one.npz"
    if damage != "none":
        schema = SCHEMA
        if damage == "other schema":
            schema = replace(SCHEMA, shared=(*SCHEMA.shared[:-1], "mood"))
        write(file, weights(PLACE, 1.0, -9.0), manifest(schema))
    if damage == "torn":
        file.write_bytes(file.read_bytes()[:-9])
    made = Ranking.load(str(file), Clock())
    assert made.policy is None
    assert made.said.startswith("rule: ")
    assert says in made.said
    assert says in caplog.text


def test_the_packaged_policy_fits_and_says_how_it_was_made() -> None:
    made = Ranking.load("offers", Clock())
    assert made.policy is not None
    assert made.said.startswith("policy offers ")
    assert made.policy.manifest.made_by.startswith("python -m envs.offers.evolve --seed 0")
    scores = made.policy.manifest.scores
    assert scores["availability"] > scores["availability_of_the_rule"]


async def test_what_a_policy_sees_is_in_the_unit_interval(bench: Bench) -> None:
    technology = bench.domain._technology
    free = bench.domain._store.ledger.free_for("nobody", None)
    options = technology.options(bench.profile, free)
    sight = Sight()
    seen = sight(bench.profile, options, free)
    assert seen.shape == (SCHEMA.size(len(options)),)
    assert seen.dtype == np.float32
    assert ((seen >= 0) & (seen <= 1)).all()
    assert len(options) <= OPTIONS_MAX
    again = sight(bench.profile, options, lambda resource: 2 * free(resource))
    drain = SHARED + SCHEMA.each.index("drain") * len(options)
    untouched = np.ones(len(seen), dtype=np.bool_)
    untouched[drain : drain + len(options)] = False
    assert (again[untouched] == seen[untouched]).all()
    assert (again[~untouched] <= seen[~untouched]).all()
