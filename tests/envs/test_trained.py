"""Policies that ship: they fit today's environment, do what their manifests say, and are small."""

import csv
import json
from pathlib import Path

import pytest

from domains.errors import PolicyUnusable
from domains.policy import read
from envs.crossdomain.evaluation import evaluate_crossdomain
from envs.evaluate import main
from envs.sliceorch.evaluation import evaluate_iiot
from envs.sliceorch.figures import POLICIES, REQUESTS, read_curves, write
from envs.sliceorch.policies.learned import SHIPPED, schema
from envs.sliceorch.profiles import Mask

FILES = sorted(SHIPPED.glob("*.npz"))
EPISODES = 200
# Of a mean over EPISODES against the manifest's over 1,000: four standard errors.
TOLERANCE = 0.025


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_ships_fits_is_small_and_says_how_it_was_made(file: Path) -> None:
    policy = read(file).require(schema(departures=False))
    assert policy.manifest.made_by.startswith("python -m envs.train --config sliceorch-")
    assert policy.manifest.commit
    assert file.stat().st_size < 1 << 20


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_ships_does_what_its_manifest_says(file: Path) -> None:
    for figure, claimed in read(file).manifest.scores.items():
        _, profile, requests, *more = figure.split()
        mask = Mask(more[0].removeprefix("mask=")) if more else None
        length = int(requests.removeprefix("n="))
        found = evaluate_iiot(profile, length, str(file), EPISODES, seed=0, mask=mask)
        assert found.availability.mean == pytest.approx(claimed, abs=TOLERANCE)


def test_one_that_is_told_the_bounds_serves_far_more_than_one_that_is_not() -> None:
    told = evaluate_iiot("C1", 20, "qappo", EPISODES, 0)
    blind = evaluate_iiot("C1", 20, "ppo", EPISODES, 0)
    assert told.mask == blind.mask == "none"
    assert told.against(blind).interval_95 > (0.15, 0.15)  # type: ignore[operator]


def test_a_trained_policy_is_known_by_name_by_file_and_under_another_mask(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = ["iiot", "--profile", "C1", "--episodes", "20", "--json", "--policy"]
    assert main([*asked, "qappo"]) == 0
    named = json.loads(capsys.readouterr().out)
    assert main([*asked, str(SHIPPED / "c1-qappo.npz")]) == 0
    filed = json.loads(capsys.readouterr().out)
    assert named["availability"] == filed["availability"]
    assert main([*asked, "qappo", "--mask", "sla"]) == 0
    masked = json.loads(capsys.readouterr().out)
    assert (masked["mask"], masked["illegal"]) == ("sla", 0)
    assert main([*asked, "nothing.npz"]) == 2
    assert "cannot read nothing.json" in capsys.readouterr().err
    assert main(["iiot", "--profile", "C3", "--policy", "qappo"]) == 2
    assert "no qappo ships for C3" in capsys.readouterr().err


def test_a_policy_for_slices_that_stay_is_none_for_slices_that_go() -> None:
    with pytest.raises(PolicyUnusable, match="SliceOrch-v1, not entente/SliceOrch-v2"):
        evaluate_iiot("C2", 20, "qappo", 5, 0, departures=True)


def test_figures_are_tables_and_pictures(tmp_path: Path) -> None:
    pytest.importorskip("ortools", reason="the learn extra is not installed")
    for seed in (0, 1):
        folder = tmp_path / "runs" / f"sliceorch-c1-qappo-{seed}"
        folder.mkdir(parents=True)
        lines = [{"steps": 8 * n, "reward": float("nan") if n == 1 else n + seed} for n in (1, 2)]
        (folder / "progress.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    assert read_curves(tmp_path / "runs") == {"qappo": [[(16, 2)], [(16, 3)]]}
    made = write(tmp_path / "out", 4, 0, tmp_path / "runs", lambda _: None)
    assert [path.name for path in made] == [
        "figure5.csv",
        "figure5.png",
        "figure4.csv",
        "figure4.png",
    ]
    with (tmp_path / "out" / "figure5.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(POLICIES) * len(REQUESTS)
    best = {
        row["requests"]: float(row["availability"]) for row in rows if row["policy"] == "optimum"
    }
    assert all(float(row["availability"]) <= best[row["requests"]] for row in rows)
    for name in ("figure4.png", "figure5.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_domains_that_were_trained_serve_more_than_rules_that_keep_nothing_back() -> None:
    learned = evaluate_crossdomain("headline", "mappo", 40, seed=0)
    menus = evaluate_crossdomain("headline", "menus", 40, seed=0)
    interval = learned.against(menus).interval_95
    assert interval is not None
    assert interval[0] > 0
    assert learned.illegal == 0


def test_a_domain_without_a_policy_of_its_own_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyUnusable, match=r"access-north\.json"):
        evaluate_crossdomain("headline", str(tmp_path), 2, seed=0)
