"""Step 1: a tenant's sentence becomes services, and every value says where it came from.

    text -> guard      size, invisible and look-alike characters; what no tenant may ask for
         -> clauses    pieces of the sentence, and which of them belong to one service
         -> lexicon    which services and qualities the words of a piece speak of
         -> heads      what of both the words mean that no phrase holds, if the encoder is there
         -> numbers    quantities with their unit, scope and direction; rules own every number
         -> places     coverage areas, under their English and German names
         -> rules      all of it together: an `Interpretation`

Whatever reads the sentence, rules or a language model, stands behind `Interpreter`.

Text has no authority. An interpretation is a request like any other: it can cause only what the
same tenant could have asked for in typed fields, and STATED values are exact spans of the text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from coordinator.model import Interpretation


class Interpreter(Protocol):
    """Reads what a tenant wrote."""

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        """What `text` asks for, in a network that covers `areas` ("berlin", "berlin/mitte").

        Raises:
            InvalidRequest: the text is empty, too long, or holds nothing that can be read.
        """
        ...
