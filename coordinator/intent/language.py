"""Which language a text is in, by its script and small words: enough to choose who reads it.

The rules read English only. What is written in another language is answered with a question in
that language, where we speak it, and never with a slice: a wrong slice costs more than a question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from coordinator.intent.guard import fold
from coordinator.intent.tongues import ENGLISH, LOANWORDS, QUESTIONS, SCRIPTS, SMALL_WORDS

ENGLISH_CODE = "en"
UNKNOWN = "und"
"""ISO 639-2 for a language that could not be told."""
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def is_english(text: str) -> bool:
    """Whether English small words outnumber those of other languages and letters are Latin."""
    return language(text) == ENGLISH_CODE


def language(text: str) -> str:
    """The ISO 639-1 code of a text's language, "en" where nothing speaks against it."""
    found = [word for word in _WORD.findall(text) if len(word) > 1 or not word.isascii()]
    if not found:
        return ENGLISH_CODE
    strange = [word for word in found if not word.isascii() and not fold(word).folded.isascii()]
    if 2 * sum(map(len, strange)) > sum(map(len, found)) or 3 * len(strange) > 2 * len(found):
        return _script("".join(strange))
    lower = [word.lower() for word in found]
    ours = sum(word in ENGLISH for word in lower)
    theirs = {code: sum(word in words for word in lower) for code, words in SMALL_WORDS.items()}
    best = max(theirs, key=lambda code: theirs[code])
    accents = sum(_is_accented(word) for word in found)
    if theirs[best] + accents < max(_HITS_MIN, ours + 1):
        return ENGLISH_CODE
    return best if theirs[best] else UNKNOWN


def question(code: str) -> str:
    """What to ask somebody who wrote in this language; in English where we do not speak it."""
    return QUESTIONS.get(code, QUESTIONS[ENGLISH_CODE])


_HITS_MIN = 2
"""One foreign word in a terse text ("4K live en route") does not make it foreign."""


def _is_accented(word: str) -> bool:
    """Whether a word is written with accents and is no name ("Zürich") or loanword ("café")."""
    return word.islower() and not word.isascii() and len(word) > 2 and word not in LOANWORDS


def _script(letters: str) -> str:
    """The language that a script stands for; kana decides between Japanese and Chinese."""
    names: dict[str, int] = {}
    for letter in letters:
        script = unicodedata.name(letter, "").split(" ")[0]
        names[script] = names.get(script, 0) + 1
    if names.keys() & {"HIRAGANA", "KATAKANA"}:
        return "ja"
    return _most(names)


def _most(names: Mapping[str, int]) -> str:
    return SCRIPTS.get(max(names, key=lambda name: names[name]), UNKNOWN)
