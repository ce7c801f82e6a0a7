"""What of a text may be read: without what is forbidden, with slips of the pen put right."""

from __future__ import annotations

from coordinator.intent import hostile, spelling
from coordinator.intent.guard import Text, admit
from coordinator.intent.heads import Heads


def readable(text: str, heads: Heads | None) -> tuple[Text, int]:
    """The text that rules read, and how many parts asked for what no tenant may ask for.

    What is left out becomes spaces; without the encoder's vocabulary no spelling is judged.

    Raises:
        InvalidRequest: empty or too long.
    """
    admitted = admit(text)
    kept, cut = hostile.cut(admitted.folded)
    benign = Text(admitted.original, kept, admitted.offsets)
    if heads is None:
        return benign, cut
    mended = spelling.mended(benign, heads.english)
    return spelling.without_gibberish(mended, heads.english), cut
