"""What somebody who clones or installs the repository relies on."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("protos", "domains", "coordinator", "envs", "deploy")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

IMPORT_NAMES = {
    "grpcio-health-checking": {"grpc_health"},
    "grpcio": {"grpc"},
    "protobuf": {"google.protobuf"},
    "googleapis-common-protos": {"google.rpc", "google.longrunning"},
    "pyyaml": {"yaml"},
    "qdrant-edge-py": {"qdrant_edge"},
    "pydantic": {"pydantic", "pydantic_core"},
}
"""Where the name to import is not the distribution's."""

BESIDE = {"slicenet"}
"""What make installs without its dependencies, which pin versions of everything."""


def normal(requirement: str) -> str:
    name = re.split(r"[\[<>=~!; ]", requirement, maxsplit=1)[0]
    return name.lower().replace("_", "-")


def modules_of(requirements: list[str]) -> set[str]:
    found: set[str] = set()
    for name in map(normal, requirements):
        found |= IMPORT_NAMES.get(name, {name.replace("-", "_")})
    return found


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


@pytest.mark.ray
@pytest.mark.timeout(240)  # 15 s where nothing else runs
def test_the_first_code_block_of_the_readme_runs() -> None:
    block = re.search(r"```bash\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block, "the README has no shell block"
    commands = [line for line in block[1].splitlines() if line and not line.startswith("#")]
    assert commands[-1] == "make run"
    if not (ROOT / ".venv/.installed").exists():
        pytest.skip("`make run` would install .venv first; under `make test` it is there")
    ended = subprocess.run(
        ["bash", "-euc", "\n".join(commands)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert "back where it started" in ended.stdout


def test_every_import_name_is_ours_alone() -> None:
    owners = packages_distributions()
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert found.origin is not None
        assert Path(found.origin).is_relative_to(ROOT), f"{name} is {found.origin}"
        assert set(owners.get(name, ())) <= {"entente-slicing"}, f"{name} is also somebody else's"


def test_every_third_party_import_is_a_declared_dependency() -> None:
    declared = modules_of(PROJECT["project"]["dependencies"])
    extras = PROJECT["project"]["optional-dependencies"]
    optional = {
        "envs": modules_of(extras["learn"]) | {"tensorboardX"},  # which ray[rllib] brings
        "deploy": modules_of(extras["learn"] + extras["llm"] + extras["plan"]) | BESIDE,
    }
    undeclared = {
        f"{path.relative_to(ROOT)}: {name}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path != ROOT / "protos/__main__.py"  # runs in the generator's own environment
        for name in imports_of(path)
        if name.partition(".")[0] not in {*sys.stdlib_module_names, *PACKAGES}
        and not any(
            name == known or name.startswith(f"{known}.")
            for known in declared | optional.get(package, set())
        )
    }
    assert not undeclared


def test_the_lock_pins_every_dependency_of_run_and_test() -> None:
    lines = (ROOT / "deploy/requirements.lock").read_text().splitlines()
    pinned = {normal(line) for line in lines if line and not line.startswith("#")}
    assert all("==" in line for line in lines if line and not line.startswith("#"))
    wanted = PROJECT["project"]["dependencies"] + PROJECT["project"]["optional-dependencies"]["dev"]
    assert {normal(requirement) for requirement in wanted} <= pinned


def test_a_domain_is_importable_without_ray_and_torch() -> None:
    program = (
        "import sys, domains.domain, domains.server, domains.actor\n"
        "print([name for name in ('ray', 'torch', 'coordinator') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == "[]"


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "import deploy.cli\n"
        "heavy = ('ray', 'grpc', 'numpy', 'networkx', 'pydantic', 'cryptography')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == "[]"


def test_stubs_name_every_message_of_the_proto_files() -> None:
    for proto in (ROOT / "protos/slicing/v1").glob("*.proto"):
        stub = proto.with_name(f"{proto.stem}_pb2.pyi").read_text()
        declared = set(re.findall(r"^message (\w+)", proto.read_text(), re.MULTILINE))
        assert declared <= set(re.findall(r"^class (\w+)", stub, re.MULTILINE)), proto.name


def test_ci_runs_the_command_that_the_readme_gives() -> None:
    ci = (ROOT / ".ci/run").read_text()
    assert re.search(r"^step make test$", ci, re.MULTILINE)
    assert re.search(r"^step make check$", ci, re.MULTILINE)
    assert re.search(r"^make test$", (ROOT / "README.md").read_text(), re.MULTILINE)


def test_shipped_configurations_are_part_of_the_package() -> None:
    for name in ("germany", "federation"):
        assert (ROOT / "deploy/configs" / name / "coordinator.toml").is_file()
