"""python -m tests.intents [--misses NAME]: the figures as tests/intents/FIGURES.md shows them."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from coordinator.evaluation import graded
from coordinator.intent.rules import RulesInterpreter
from tests.intents.sentences import labelled, scored, translated

SETS = {
    "apart": "by someone who did not know the rules; scored twice, never read while it improved",
    "other_hand": "by someone who did not know the rules; scored once unseen, then read",
    "tune3": "a third batch, in many styles, half of it about counting; read while it improved",
    "unseen": "written last, in the style of every kind of sentence; scored once",
    "tune": "half of the first batch, read while the engine was improved",
    "tune2": "a second batch, read while the engine was improved",
    "held": "the other half of the first batch; long only scored, then read as well",
    "final": "another style; scored once unseen, then read while the engine was improved",
}
ENGINES = {"rules with heads": RulesInterpreter(), "rules alone": RulesInterpreter(lambda: None)}


def main() -> None:
    """Print the table, or the sentences of one set that lose a mark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", choices=SETS)
    chosen = parser.parse_args()
    if chosen.misses:
        return misses(chosen.misses)
    names = ["refuse", "accept", "count", "type", "dominant_top2", "recall", "precision", "quality"]
    print("| sentences | engine | " + " | ".join(names) + " |")
    print("|---" * (len(names) + 2) + "|")
    for name in SETS:
        rows = labelled(name)
        for engine, interpreter in ENGINES.items():
            values = asdict(scored(interpreter, rows))
            cells = " | ".join(f"{values[key]:.3f}" for key in names)
            print(f"| {name} ({len(rows)}) | {engine} | {cells} |")
    print("\n" + "\n".join(f"* `{name}`: {text}" for name, text in SETS.items()))


def misses(name: str) -> None:
    """Every sentence of a set that loses a mark, and which."""
    for row in labelled(name):
        answer = translated(ENGINES["rules with heads"], row.text)
        lost = [mark.figure for mark in graded(row.expected, answer) if mark.worth < 1]
        if lost:
            found = [(item.slice_type, item.constraints) for item in answer.services]
            print(f"{row.id} {row.group}: {row.text!r}\n    {lost} {answer.action} {found}")


if __name__ == "__main__":
    main()
