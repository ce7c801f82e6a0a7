"""Whether a text is English, by its small words: rough, quick, enough to choose who reads it."""

from __future__ import annotations

import re

from coordinator.intent.guard import fold

_ENGLISH = (
    "a an and are as at be by can do does for from give have how i in is it me my need needs"
    " no not of on one or our please should so than that the their them there they this to two"
    " under up us want we what when which will with within without would you your"
)
_OTHERS = (
    "al auf aus avec bei brauche brauchen ce con da dans das de del dem den der des die du e"
    " ein eine einem einen einer el en entre est et fuer fur gli hasta il ich in intre ist je"
    " jusqu la las latenz le les los mais mas me mit nao nel nous o og para per pero pod por"
    " pour quiero se si sin sind su sur um una und une unter uns van vom von voor wir y zum"
    " zur zwischen"
)
_SMALL = frozenset(_ENGLISH.split())
_FOREIGN = frozenset(_OTHERS.split()) - _SMALL
_WORD = re.compile(r"[^\W\d_]+")


def is_english(text: str) -> bool:
    """Whether English small words outnumber those of other languages and letters are Latin."""
    found = _WORD.findall(text)
    if not found:
        return True
    if 2 * sum(not word.isascii() and not fold(word).folded.isascii() for word in found) > len(
        found
    ):
        return False
    lower = [word.lower() for word in found]
    ours = sum(word in _SMALL for word in lower)
    theirs = sum(word in _FOREIGN for word in lower)
    return ours >= theirs
