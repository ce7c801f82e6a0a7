"""Draws what the case study's trainings and policies come to: python -m envs.figures --out DIR"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from domains.errors import EntenteError


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 0, or 2 with a line on stderr for what cannot be drawn."""
    parser = argparse.ArgumentParser(prog="python -m envs.figures", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for tables and pictures")
    parser.add_argument("--runs", type=Path, help="folder of trainings, for the reward curves")
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    try:
        draw(asked.out, asked.runs, asked.episodes, asked.seed)
    except (ValueError, OSError, EntenteError) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        return 2
    return 0


def draw(out: Path, runs: Path | None, episodes: int = 1000, seed: int = 0) -> None:
    """Writes the figures with a line for each step, and says where they are."""
    from envs.sliceorch.figures import write

    for path in write(out, episodes, seed, runs, lambda text: print(text, flush=True)):
        print(path)


if __name__ == "__main__":
    sys.exit(main())
