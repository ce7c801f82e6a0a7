"""Gathers the pieces of a sentence that speak of the same service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from coordinator.intent.announcements import ANOTHER, is_promise, promised
from coordinator.intent.heads import Heads
from coordinator.intent.opening import Group, Judge, opens
from coordinator.intent.pieces import Joint, Piece, leaning

_REST = re.compile(
    r"\b(?:everything else|(?:every ?thing|all(?: \w+)?|anything) (?:except|but|other than)"
    r"|all (?:other|else|remaining|the"
    r" rest)|the rest|(?:other|remaining) (?:traffic|devices|users|services|machines|data)"
    r"|others|anything else)\b"
)
_BEST_EFFORT = re.compile(r"\b(?:best[- ]effort|cheap\w*|low(?:est)? priority|no guarantees?)\b")
_WHO = re.compile(r"^\W*(?:we|i) (?:run|operate|own|manage|are|am|have been|look after)\b")
_WANTS = re.compile(r"\b(?:needs?|wants?|requires?|would like|am looking|are looking)\b")
"""Who asks, and that something is asked for: "we run a ferry terminal and need ..."."""
_EAGERNESS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0)
"""Log odds by which the head is moved, step by step, where the number of services is known."""


def gather(
    folded: str, found: Sequence[Piece], heads: Heads | None = None
) -> tuple[list[Group], list[Piece]]:
    """Services of a text, and the pieces that speak of all of them.

    A piece starts a service of its own when it names one of another slice type than the piece
    before it, or says "another"; the heads, where there are any, may know better. What stands
    before a colon is a heading: with services behind the colon it only says what they are for.
    A text that says how many services it asks for is cut where it most likely means that many.
    """
    wanted = promised(folded)
    first = _gathered(found, Judge(heads), wanted)
    if wanted is None or heads is None or len(first[0]) == wanted:
        return first
    more = len(first[0]) < wanted
    for eagerness in _EAGERNESS:
        judge = Judge(heads, eagerness if more else -eagerness, promised=True)
        other = _gathered(found, judge, wanted)
        if len(other[0]) == wanted:
            return other
    return first


def _gathered(
    found: Sequence[Piece], judge: Judge, wanted: int | None
) -> tuple[list[Group], list[Piece]]:
    groups: list[Group] = []
    shared: list[Piece] = []
    headings = _headings(found, wanted)
    for index, piece in enumerate(_announced(found)):
        if index in headings:
            shared.append(piece)
        elif _is_rest(found, index):
            groups.append(Group([piece], rest=True))
        elif not groups or opens(piece, groups, _keys_from(found, index), judge):
            groups.append(Group([piece]))
        elif (
            (piece.kind is None or piece.brief)
            and (piece.shared or _own_sentence(found, index, groups[-1].pieces[0].start))
            and len(groups) > 1
        ):
            shared.append(piece)
        else:
            _home(piece, groups).pieces.append(piece)
    return groups, shared


def _announced(found: Sequence[Piece]) -> list[Piece]:
    """ "... and one with 20 ms": what announces another service belongs to the piece behind it."""
    announced = list(found)
    for index, (piece, later) in enumerate(pairwise(found)):
        bare = piece.own_words < 2 or ANOTHER.fullmatch(piece.text.strip(" .,;"))
        if piece.another and bare and later.joint in (Joint.WITH, Joint.COLON):
            announced[index + 1] = replace(later, another=True)
    return announced


def _is_rest(found: Sequence[Piece], index: int) -> bool:
    """Whether a piece speaks of "everything else", and that it needs little."""
    around = found[index : index + 2]
    words = _REST.search(" ".join(piece.text for piece in around))
    return words is not None and words.start() < len(around[0].text) and _best_effort(found, index)


def _best_effort(found: Sequence[Piece], index: int) -> bool:
    """Whether "everything else" is said to need little, in its own piece or the next."""
    return any(_BEST_EFFORT.search(piece.text) for piece in found[index : index + 3])


def _home(piece: Piece, groups: Sequence[Group]) -> Group:
    """The group a piece belongs to: an earlier one of the same type, or the one before."""
    if piece.kind is not None and groups[-1].kind not in (None, piece.kind):
        for group in reversed(groups):
            if group.kind is piece.kind and not group.rest:
                return group
    return next((group for group in reversed(groups) if not group.rest), groups[-1])


def _keys_from(found: Sequence[Piece], index: int) -> frozenset[str]:
    """What is stated in a piece and in those behind it that only qualify it."""
    keys = found[index].keys
    for later in found[index + 1 :]:
        if later.kind is not None or later.joint is Joint.SENTENCE:
            break
        keys |= later.keys
    return keys


def _headings(found: Sequence[Piece], wanted: int | None) -> set[int]:
    """Indices of the pieces that only introduce the services behind them.

    Args:
        wanted: how many services the text says that it asks for.
    """
    headings = {
        index
        for index, (piece, later) in enumerate(pairwise(found))
        if _WHO.search(piece.text) and later.kind is not None and _WANTS.search(later.text)
    }
    if wanted is not None and len(found) > wanted:
        headings |= _promises(found)
    for index, piece in enumerate(found):
        if piece.joint is not Joint.COLON:
            continue
        first = index - 1
        while first > 0 and found[first].joint is not Joint.SENTENCE:
            first -= 1
        before = [hit for p in found[first:index] for hit in p.speech.entries if not hit.negated]
        behind = {later.kind for later in found[index:] if later.kind is not None}
        concrete = [hit for hit in before if not hit.meaning.sector]
        if len(behind) > 1 or (behind and (not concrete or leaning(concrete) in behind)):
            headings.update(range(first, index))
    return headings


def _promises(found: Sequence[Piece]) -> set[int]:
    """Indices of the pieces up to the one that says how many services follow."""
    for index, piece in enumerate(found):
        if is_promise(piece.text):
            return set(range(index + 1)) if not piece.keys else set()
    return set()


def _own_sentence(found: Sequence[Piece], index: int, since: int) -> bool:
    """Whether a piece's whole sentence names no service; the last one begins at `since`."""
    first = index
    while first > 0 and found[first].joint is not Joint.SENTENCE:
        first -= 1
    last = index + 1
    while last < len(found) and found[last].joint is not Joint.SENTENCE:
        last += 1
    if found[first].start <= since < found[index].start:
        return False
    return all(piece.kind is None or piece.brief for piece in found[first:last])
