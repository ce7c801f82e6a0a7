"""Coverage areas in a sentence, under the names people use for them, English and German."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from coordinator.intent.guard import Text, fold

_ALSO_CALLED = (
    ("munich", "muenchen", "munchen"),
    ("cologne", "koeln", "koln"),
    ("nuremberg", "nuernberg", "nurnberg"),
    ("hanover", "hannover"),
    ("frankfurt", "frankfurt am main", "frankfurt/main", "frankfurt (main)"),
    ("brunswick", "braunschweig"),
    ("constance", "konstanz"),
    ("vienna", "wien"),
    ("zurich", "zuerich"),
    ("geneva", "genf", "geneve"),
    ("prague", "prag", "praha"),
    ("warsaw", "warschau", "warszawa"),
    ("milan", "mailand", "milano"),
    ("brussels", "bruessel", "brussel", "bruxelles"),
    ("copenhagen", "kopenhagen", "kobenhavn"),
)
_LARGER_TEXT = """
    germany deutschland europe bavaria austria switzerland france poland italy spain africa asia
    america world england scotland netherlands belgium saxony hesse rhineland
"""
_LARGER = frozenset(_LARGER_TEXT.split())
_NO_PLACE_TEXT = """
    january february march april june july august september october november december monday
    tuesday wednesday thursday friday saturday sunday english german french spanish industry
    internet python java linux windows kubernetes docker docs grafana release table annex phase
    section version quality service slice network edge core cloud real full high ultra low each
    every order addition particular general case parallel advance contrast total time the this
    that these those your their our christmas easter winter summer spring autumn hospital clinic
    airport stadium factory building campus warehouse port harbour harbor station mode level
    least most first second third region area zone district site north south east west central
    olympic champions bundesliga oktoberfest open user users mobile public private smart video
    augmented virtual autonomous
"""
_NO_PLACE = frozenset(_NO_PLACE_TEXT.split())
_CUE = re.compile(r"\b(?P<cue>in|near|around|at|between|from)\s+(?=[^\W\d_])")
_NEXT = re.compile(r"\s+(?:and|to)\s+(?=[^\W\d_])")
_WORD = re.compile(r"[^\W\d_][\w'-]*")
_EDGE = re.compile(
    r"\b(?:at|on|to|in) (?:the )?(?P<name>edge(?:[-_ ]?\d+)?|(?:site|zone|region)[-_ ]?\d+)\b"
)
_UMLAUTS: dict[str, str | int | None] = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"}
_SHOUTED_SHARE = 0.6
_NAME_LETTERS_MIN = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A place named in a sentence; offsets in the folded text.

    Attributes:
        area: the coverage area's name, or the word itself where the network has no such area.
        spot: too large or too small to be an area ("Germany", "edge1"): a location, no origin.
    """

    area: str
    start: int
    end: int
    spot: bool = False


def places(text: Text, areas: Sequence[str]) -> list[Place]:
    """Places in the order in which they are named; a district wins over its city."""
    found = list(_known(text.folded, tuple(areas)))
    districts = tuple(place.area for place in found if "/" in place.area)
    found = [p for p in found if not any(d.startswith(f"{p.area}/") for d in districts)]
    for place in _unknown(text):
        if all(place.end <= other.start or place.start >= other.end for other in found):
            found.append(place)
    found.extend(
        Place(match["name"], match.start("name"), match.end("name"), spot=True)
        for match in _EDGE.finditer(text.folded)
    )
    return sorted(found, key=lambda place: place.start)


def _known(folded: str, areas: tuple[str, ...]) -> Iterator[Place]:
    names, pattern = _names(areas)
    if pattern is None:
        return
    for match in pattern.finditer(folded):
        candidates = names[_squeezed(match[0])]
        if len(candidates) > 1:  # a district's name that several cities have
            told = [area for area in candidates if _parent_named(area, folded, names)]
            candidates = told or candidates
        yield Place(candidates[0], match.start(), match.end())


def _parent_named(area: str, folded: str, names: dict[str, list[str]]) -> bool:
    parent = area.rpartition("/")[0]
    return any(parent in owners and name in folded for name, owners in names.items())


@lru_cache(maxsize=16)
def _names(areas: tuple[str, ...]) -> tuple[dict[str, list[str]], re.Pattern[str] | None]:
    """Every name of every area, and one pattern that finds the longest first."""
    names: dict[str, list[str]] = {}
    for area in areas:
        for name in _spellings(area):
            owners = names.setdefault(_squeezed(name), [])
            if area not in owners:
                owners.append(area)
    if not names:
        return names, None
    ways = sorted(names, key=len, reverse=True)
    body = "|".join(re.escape(way).replace(r"\ ", r"[\s/,-]{1,2}") for way in ways)
    return names, re.compile(rf"(?<![\w/])(?:{body})(?!\w)")


def _spellings(area: str) -> Iterator[str]:
    """ "berlin/mitte" is also called Berlin-Mitte and Mitte; "munich" also Muenchen."""
    *parents, last = area.lower().split("/")
    ours = list(_synonyms(last))
    yield from ours
    if parents:
        for parent in _synonyms(parents[-1]):
            yield from (f"{parent} {name}" for name in ours)


def _synonyms(name: str) -> Iterator[str]:
    written = name.translate(str.maketrans(_UMLAUTS))
    plain = fold(name).folded.replace("_", " ").replace("-", " ")
    short = written.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    yield from dict.fromkeys((plain, written.replace("-", " "), short.replace("-", " ")))
    for group in _ALSO_CALLED:
        if plain in group or written in group:
            yield from group


def _squeezed(name: str) -> str:
    return re.sub(r"[\s/,-]+", " ", name)


def _unknown(text: Text) -> Iterator[Place]:
    """Capitalised words where a place belongs; only a guess, so vocabulary is left out."""
    words = text.original.split()
    shouted = sum(word[0].isupper() for word in words)
    if shouted > _SHOUTED_SHARE * len(words):
        return  # a headline: capitals mean nothing
    for cue in _CUE.finditer(text.folded):
        end = yield from _name_at(text, cue.end())
        if end and cue["cue"] in ("between", "from") and (more := _NEXT.match(text.folded, end)):
            yield from _name_at(text, more.end())
        elif cue["cue"] in ("between", "from") and not end:
            yield from _after_known(text, cue.end())


def _after_known(text: Text, start: int) -> Iterator[Place]:
    more = _NEXT.search(text.folded, start, start + 40)
    if more:
        yield from _name_at(text, more.end())


def _name_at(text: Text, start: int) -> Generator[Place, None, int]:
    """The capitalised words from `start` on, if they can be a name; returns where they end."""
    end, first = start, ""
    while word := _WORD.match(text.folded, end + (end > start)):
        left, right = text.span(*word.span())
        written = text.original[left:right]
        if not (written[:1].isupper() and written[1:].islower()):
            break
        first = first or word[0]
        end = word.end()
    if len(first) < _NAME_LETTERS_MIN or first in _NO_PLACE:
        return 0
    name = text.folded[start:end]
    yield Place(name, start, end, spot=first in _LARGER)
    return end
