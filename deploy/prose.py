"""A decision record as an account that reads: what was asked, who could, what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from deploy.plain import Plain

CHAPTER = {
    "interpret": "What was asked",
    "profile": "What was asked",
    "route": "Who could serve",
    "split": "Who could serve",
    "offers": "What the domains said",
    "negotiate": "What came of it",
    "reserve": "What was set aside",
    "deploy": "What runs",
    "assure": "And since then",
}
"""Step -> the paragraph that it is told in."""

SECONDS = slice(11, 19)


def account(events: Sequence[Plain]) -> Iterator[tuple[str, str]]:
    """(heading, paragraph) in order; what happened in another round begins a new one."""
    for heading, told in groupby(events, key=lambda event: CHAPTER.get(event["step"], "Then")):
        several = list(told)
        at = str(several[0]["time"] or "")[SECONDS]
        yield (f"{heading}, {at}" if at else heading), " ".join(map(sentence, several))


def sentence(event: Plain) -> str:
    """One event, as a sentence that stands by itself."""
    text = str(event["text"]).strip()
    if event["event"] == "countered":
        text = f"The domains were asked for better terms; {text}"
    elif event["event"] == "refused":
        text = f"It was refused: {text}"
    elif event["event"] == "failed":
        text = f"It failed: {text}"
    named = event["domain"] and text.startswith(event["domain"])  # a name keeps its spelling
    first = text[:1] if named else text[:1].upper()
    return first + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
