"""Do the tests have teeth? Seeds one bug at a time into a copy and runs the test that must fail.

python -m tests.mutants             all of them
python -m tests.mutants ledger      those whose file has "ledger" in its path
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SEEDED = Path(__file__).with_name("seeded.toml")
COPIED = ("protos", "domains", "coordinator", "envs", "deploy", "tests", "pyproject.toml")
TEST_S_MAX = 120

FAILED = 1
"""pytest's exit code for "some tests failed"; others mean that nothing was tested."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One seeded bug: `find` becomes `replace` in `file`."""

    file: str
    find: str
    replace: str
    breaks: str
    caught_by: str


def seeded() -> list[Mutant]:
    return [Mutant(**row) for row in tomllib.loads(SEEDED.read_text())["mutant"]]


def apply(mutant: Mutant, text: str) -> str:
    """The text with the bug in it.

    Raises:
        ValueError: the place to seed it is gone or not unique: the list is out of date.
    """
    if (count := text.count(mutant.find)) != 1:
        raise ValueError(f"{mutant.file}: {mutant.find.strip()!r} stands {count} times")
    return text.replace(mutant.find, mutant.replace)


def _passes(tree: Path, test: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    done = subprocess.run(  # our own tests, in a copy
        command, cwd=tree, capture_output=True, timeout=TEST_S_MAX, check=False
    )
    return done.returncode


def _survives(tree: Path, mutant: Mutant) -> bool:
    path = tree / mutant.file
    sound = path.read_text()
    path.write_text(apply(mutant, sound))
    try:
        return _passes(tree, mutant.caught_by) != FAILED
    finally:
        path.write_text(sound)


def main(words: list[str]) -> int:
    chosen = [m for m in seeded() if not words or any(word in m.file for word in words)]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        tree = Path(folder)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, tree / name)
        for test in sorted({mutant.caught_by for mutant in chosen}):
            if _passes(tree, test) != 0:
                print(f"{test} does not pass on sound code: it proves nothing")
                return 2
        for number, mutant in enumerate(chosen, 1):
            survived = _survives(tree, mutant)
            survivors += survived
            verdict = "SURVIVED" if survived else "caught"
            shown = mutant.replace.strip() or "nothing there"
            print(
                f"{number:3}/{len(chosen)} {mutant.breaks:3} {verdict:8} {mutant.file}: "
                f"{shown.splitlines()[0]}",
                flush=True,
            )
    print(f"{len(chosen) - survivors} passed, {survivors} failed")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
