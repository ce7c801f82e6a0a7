"""What is sent to a cluster is ours alone, and what comes from one is believed only if checked."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest

import domains
from deploy.parcel import PACKAGES, packed, unpacked
from domains.errors import EntenteError

POLICIES = Path(domains.__file__).with_name("policies")


def line(name: str, body: bytes) -> dict[str, str]:
    return {"file": name, "base64": base64.b64encode(body).decode()}


def sent(folder: str = "policies") -> list[dict[str, str]]:
    return [
        line(f"{folder}/offers{suffix}", (POLICIES / f"offers{suffix}").read_bytes())
        for suffix in (".json", ".npz")
    ]


def test_only_our_packages_are_sent_whatever_is_installed_beside_them(tmp_path: Path) -> None:
    site, out = tmp_path / "site-packages", tmp_path / "out"
    for package in (*PACKAGES, "torch"):
        (site / package / "inner").mkdir(parents=True)
        (site / package / "__init__.py").write_text(package)
        (site / package / "inner" / "data.toml").write_text("a = 1")
    (site / "domains" / "__pycache__").mkdir()
    (site / "domains" / "__pycache__" / "x.pyc").write_bytes(b"")
    (site / "token").write_text("secret")
    out.mkdir()
    with ZipFile(packed(out, site)) as zipped:
        names = set(zipped.namelist())
    expected = {f"{package}/{file}" for package in PACKAGES for file in ("__init__.py", INNER)}
    assert names == expected


INNER = "inner/data.toml"


def test_the_same_files_are_the_same_bytes_and_the_code_runs_from_them(tmp_path: Path) -> None:
    archives = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        archives.append(packed(tmp_path / name))
    assert archives[0].read_bytes() == archives[1].read_bytes()
    shutil.unpack_archive(archives[0], tmp_path / "there")
    for needed in ("envs/train.py", "deploy/configs/germany/core.toml", "domains/policies"):
        assert (tmp_path / "there" / needed).exists()
    assert archives[0].stat().st_size < 20 * 2**20


def test_policies_come_home_and_other_lines_are_left_alone(tmp_path: Path) -> None:
    lines = [{"say": "policies in /there"}, *sent(), *sent("lr=1e-3/seed-1/policies")]
    found = unpacked(json.loads(json.dumps(lines)), tmp_path)
    assert [file.relative_to(tmp_path).as_posix() for file in found] == [
        "policies/offers.npz",
        "lr=1e-3/seed-1/policies/offers.npz",
    ]
    assert found[0].read_bytes() == (POLICIES / "offers.npz").read_bytes()


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (line("../policies/x.npz", b""), "no training makes"),
        (line("/etc/policies/x.npz", b""), "no training makes"),
        (line("policies/../../x.npz", b""), "no training makes"),
        (line("policies/x.sh", b""), "no training makes"),
        (line("policies/.npz", b""), "no training makes"),
        (line("policies/x.npz", bytes(2 << 20)), "too large"),
        ({"file": "policies/x.npz", "base64": "%%%"}, "damaged"),
        ({"file": "policies/x.npz"}, "cannot read"),
        (line("policies/offers.npz", b"not what its manifest says"), "is not what"),
    ],
)
def test_what_no_training_makes_is_refused_and_nothing_is_written(
    tmp_path: Path, bad: dict[str, str], says: str
) -> None:
    home = tmp_path / "home"
    with pytest.raises(EntenteError, match=says):
        unpacked([*sent(), bad], home)
    assert not home.exists()
