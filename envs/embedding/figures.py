"""The trained policies beside every ranking rule on workloads that nobody trained on, as Markdown:
`python -m envs.embedding.figures [FILE.json ...]`; without files, three drawn ones.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from envs.embedding import heuristics
from envs.embedding.evaluation import WorkloadResult, evaluate_workload
from envs.embedding.files import read
from envs.embedding.generate import cross_domain
from envs.embedding.learned import SHIPPED
from envs.embedding.model import Workload

SEEDS = (0, 1, 2)
PEERS = tuple(name for name in heuristics.NAMES if name not in ("random", "pl-paths"))
OTHERS = ("pl-paths", "nearest", "ageless")


def lines(workloads: Sequence[Workload], trained: Sequence[str]) -> Iterator[str]:
    """Means over the workloads, and the trained policies' lead over the best peer of each."""
    yield "| policy | acceptance | revenue | cost | long-term revenue | CPU (s) |"
    yield "|---|---|---|---|---|---|"
    rows = {
        name: [evaluate_workload(one, name) for one in workloads]
        for name in (*PEERS, *OTHERS, *trained)
    }
    for name, results in rows.items():
        columns = ("acceptance", "revenue", "cost", "long_term_revenue", "cpu_s")
        means = [_mean(results, column) for column in columns]
        yield (
            f"| {name} | {means[0]:.4f} | {means[1]:,.0f} | {means[2]:,.0f} | {means[3]:,.0f} "
            f"| {means[4]:.2f} |"
        )
    mine = [one for name in trained for one in rows[name]]
    for column in ("acceptance", "revenue"):
        best = [
            max(getattr(rows[name][i], column) for name in PEERS) for i in range(len(workloads))
        ]
        ours, theirs = _mean(mine, column), sum(best) / len(best)
        yield ""
        yield (
            f"{column}, mean of {len(mine)}: {ours:,.4f}; best peer of each: {theirs:,.4f}; "
            f"difference {ours - theirs:+,.4f}, {100 * (ours / theirs - 1):+.1f} %"
        )


def _mean(results: Sequence[WorkloadResult], column: str) -> float:
    return sum(float(getattr(one, column)) for one in results) / len(results)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m envs.embedding.figures", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--policies", nargs="+", default=list(SHIPPED))
    asked = parser.parse_args(arguments)
    workloads = [read(file) for file in asked.files] or [cross_domain(seed) for seed in SEEDS]
    print("\n".join(lines(workloads, asked.policies)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
