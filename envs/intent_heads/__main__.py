"""python -m envs.intent_heads [--check]: train the heads, or train again and compare."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np

from coordinator.intent import encoder, heads
from envs.intent_heads.training import Arrays, tasks, train

SEED = 20
CLAUSES = 9_000
NEAR = 0.05
"""Weights trained on another processor differ by this at most; on the same one, by nothing."""


def main() -> int:
    """Write the heads and their manifest, or say whether they can be made again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, default=heads.WEIGHTS)
    chosen = parser.parse_args()
    found = train(
        encoder.load(), tasks(SEED, CLAUSES), SEED, heard=lambda line: print(line, flush=True)
    )
    if chosen.check:
        return _compare(found)
    np.savez(chosen.out, **found)  # type: ignore[arg-type]
    digest = heads.digest(chosen.out)
    manifest = {
        "sha256": digest,
        "encoder": encoder.SHA256,
        "seed": SEED,
        "clauses": CLAUSES,
        "made_by": "python -m envs.intent_heads",
    }
    chosen.out.with_suffix(".json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    print(f"{chosen.out}: {chosen.out.stat().st_size // 1000} kB, sha256 {digest[:12]}")
    return 0


def _compare(found: Arrays) -> int:
    with np.load(heads.WEIGHTS) as held:
        gaps = {name: float(np.abs(held[name] - weights).max()) for name, weights in found.items()}
    worst = max(gaps, key=lambda name: gaps[name])
    print(f"largest difference: {gaps[worst]:.4f} in {worst}")
    return 0 if gaps[worst] <= NEAR else 1


if __name__ == "__main__":
    sys.exit(main())
