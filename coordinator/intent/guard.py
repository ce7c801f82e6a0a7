"""What comes in from outside, made safe to match: size, invisible and look-alike characters.

Matching works on a folded text; offsets lead back, so that evidence quotes the original.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from coordinator.limits import INTENT_BYTES_MAX
from domains.errors import InvalidRequest

_LOOK_ALIKES = str.maketrans(
    {
        **dict(zip("аеорсхуіѕԁјкмтвнӏ", "aeopcxyisdjkmtbhl", strict=True)),
        **dict(zip("οαερντικυχ", "oaepvtikux", strict=True)),
        **dict.fromkeys("‐‑‒–—―−", "-"),  # noqa: RUF001
        **dict.fromkeys("‘’‛′`´", "'"),  # noqa: RUF001
        **dict.fromkeys("“”„‟«»", '"'),
        "μ": "u",
        "µ": "u",
        "ß": "ss",
        "æ": "ae",
        "ø": "o",
        "ł": "l",
        "⁄": "/",  # noqa: RUF001
        "×": "x",  # noqa: RUF001
    }
)
_SHOWN_MAX = 40


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence in two forms.

    Attributes:
        original: as the tenant wrote it.
        folded: lower case, plain letters, nothing invisible; what patterns are matched against.
        offsets: for each character of `folded` and its end, where it is in `original`.
    """

    original: str
    folded: str
    offsets: tuple[int, ...] | range

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A span of `folded` (not empty) as a span of `original`."""
        assert 0 <= start < end <= len(self.folded), (start, end)
        return self.offsets[start], self.offsets[end - 1] + 1


def admit(text: str) -> Text:
    """Check the size of a text and fold it.

    Raises:
        InvalidRequest: empty, over `INTENT_BYTES_MAX`, or nothing but control characters.
    """
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    if size > INTENT_BYTES_MAX:
        raise InvalidRequest(
            "the request is too long to be one",
            field="intent",
            requested=size,
            achievable=INTENT_BYTES_MAX,
            unit="bytes",
        )
    folded = fold(text)
    if not folded.folded.strip():
        raise InvalidRequest(
            "the request is empty", field="intent", requested=repr(text[:_SHOWN_MAX])
        )
    return folded


def fold(text: str) -> Text:
    """Lower case, compatibility forms and look-alikes resolved, invisible characters dropped."""
    if text.isascii() and text.isprintable():
        return Text(text, text.lower(), range(len(text) + 1))
    letters: list[str] = []
    offsets: list[int] = []
    for position, character in enumerate(text):
        plain = _plain(character)
        if _begins_power(text, position):
            plain = f"^{plain}"
        letters.append(plain)
        offsets.extend([position] * len(plain))
    offsets.append(len(text))
    return Text(text, "".join(letters), tuple(offsets))


def _begins_power(text: str, position: int) -> bool:
    """Whether a raised digit or sign follows a plain digit: 10⁶ is a million and not 106."""
    before = text[position - 1 : position]
    return before.isdecimal() and _raised(text[position])


def _raised(character: str) -> bool:
    return not character.isascii() and unicodedata.decomposition(character).startswith("<super>")


def _plain(character: str) -> str:
    """What one character is matched as; nothing for a mark or an invisible one."""
    if character.isascii():
        return character.lower() if character.isprintable() or character == "\n" else " "
    known = character.lower().translate(_LOOK_ALIKES)
    if known.isascii():
        return known
    return "".join(
        " " if part.isspace() else part
        for part in unicodedata.normalize("NFKD", known).translate(_LOOK_ALIKES).lower()
        if unicodedata.category(part) not in ("Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn")
    )
