"""Words cut into the pieces that the encoder's vocabulary knows (WordPiece, uncased).

The vocabulary comes with the weights. Only what an uncased BERT needs: no training, no offsets.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping

PIECE_CHARACTERS_MAX = 100
"""A longer word is unknown, as the model was trained."""
_INVISIBLE = frozenset(("Cc", "Cf", "Co", "Cs"))
_START, _END, _UNKNOWN = "[CLS]", "[SEP]", "[UNK]"
_IDEOGRAPHS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


class WordPiece:
    """A vocabulary: piece -> number; pieces inside a word start with "##"."""

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._numbers = vocabulary
        self._start, self._end = vocabulary[_START], vocabulary[_END]
        self._unknown = vocabulary[_UNKNOWN]

    def encode(self, text: str, limit: int) -> list[int]:
        """Numbers of the pieces of `text`, at most `limit`, with start and end marks."""
        found = [self._start]
        for word in _words(text):
            found.extend(self._pieces(word))
            if len(found) >= limit:
                break
        return [*found[: limit - 1], self._end]

    def _pieces(self, word: str) -> list[int]:
        """The longest piece that fits, again and again; unknown as a whole if one does not."""
        if len(word) > PIECE_CHARACTERS_MAX:
            return [self._unknown]
        found, start = [], 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                number = self._numbers.get(mark + word[start:end])
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return [self._unknown]
        return found


def _words(text: str) -> Iterator[str]:
    """Lower case, without accents; punctuation and ideographs are words of their own."""
    word: list[str] = []
    for character in unicodedata.normalize("NFD", _cleaned(text).lower()):
        if unicodedata.category(character) == "Mn":
            continue
        if character.isspace() or _stands_alone(character):
            if word:
                yield "".join(word)
                word = []
            if not character.isspace():
                yield character
        else:
            word.append(character)
    if word:
        yield "".join(word)


def _cleaned(text: str) -> str:
    """Without control and invisible characters; tabs and line ends are spaces."""
    return "".join(
        " " if character in "\t\n\r" else character
        for character in text
        if character in "\t\n\r"
        or not (character in "\0\ufffd" or unicodedata.category(character) in _INVISIBLE)
    )


def _stands_alone(character: str) -> bool:
    if character.isascii():
        return character.isprintable() and not character.isalnum() and character != " "
    code = ord(character)
    return unicodedata.category(character).startswith("P") or any(
        low <= code <= high for low, high in _IDEOGRAPHS
    )
