"""Many sentences from a file, one JSON object a line, into another file of the same kind."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, StrictStr, ValidationError

from coordinator.conversation.talks import Network, checked_text
from coordinator.intent import Interpreter
from coordinator.model import Action, Interpretation
from coordinator.translation import Translation, translation
from domains.errors import InvalidRequest

NOBODY = "nobody"
"""Whoever translates on the command line: a tenant without a past."""
LINE_BYTES_MAX = 2**20
"""One row with whatever else it carries; a longer line is no list of sentences."""


class Sentence(BaseModel):
    """One row; further keys are somebody else's."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: StrictStr
    text: StrictStr


@dataclass(frozen=True, slots=True)
class Translator:
    """An interpreter and the network whose places words may name."""

    interpreter: Interpreter
    network: Network
    engine: str = "rules"

    def __call__(self, text: str) -> Translation:
        """The published answer to one sentence.

        Raises:
            InvalidRequest: empty, too long, or not Unicode text.
        """
        found = self.interpreter.interpret(checked_text(text), self.network.areas)
        return translation(found, self.network.default_area)

    def refused(self, text: str) -> Translation:
        """As `__call__`; what cannot be read at all is an answer as well, among many."""
        try:
            return self(text)
        except InvalidRequest as error:
            found = Interpretation(Action.REJECT, (), (), error.message)
            return translation(found, self.network.default_area)


def rows(path: Path) -> Iterator[Any]:
    """The JSON objects of a file, one a line; empty lines do not count.

    Raises:
        InvalidRequest: the file cannot be read, or a line is no JSON object; which one.
    """
    try:
        with path.open("rb") as file:
            for number, line in _lines(file, path):
                if not line.strip():
                    continue
                try:
                    yield json.loads(line.decode())
                except (ValueError, RecursionError):
                    raise InvalidRequest(f"{path}, line {number}: no JSON in UTF-8") from None
    except OSError as error:
        raise InvalidRequest(f"{path}: {error.strerror}") from None


def _lines(file: IO[bytes], path: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(LINE_BYTES_MAX + 1):
        number += 1
        if len(line) > LINE_BYTES_MAX:
            raise InvalidRequest(f"{path}, line {number} has more than {LINE_BYTES_MAX:,} bytes")
        yield number, line


def sentences(path: Path) -> Iterator[Sentence]:
    """The sentences of a file.

    Raises:
        InvalidRequest: see `rows`; or a row without `id` or `text`.
    """
    for number, row in enumerate(rows(path), start=1):
        try:
            yield Sentence.model_validate(row)
        except ValidationError:
            raise InvalidRequest(
                f'{path}, row {number}: a row is {{"id": "...", "text": "..."}}'
            ) from None


def translate_file(
    source: Path, target: Path, translator: Translator, done: Callable[[], None]
) -> int:
    """Translate every row; `target` appears only when all of it is written.

    Args:
        done: called after each row.

    Returns:
        How many there were.

    Raises:
        InvalidRequest: see `sentences`; or the target cannot be written.
    """
    new = target.with_name(target.name + ".new")
    count = 0
    try:
        with new.open("w", encoding="utf-8") as file:
            for sentence in sentences(source):
                answer = translator.refused(sentence.text)
                body = {"id": sentence.id, **answer.model_dump(mode="json")}
                file.write(json.dumps(body, ensure_ascii=False) + "\n")
                count += 1
                done()
        new.replace(target)
    except OSError as error:
        raise InvalidRequest(f"{target}: {error.strerror}") from None
    finally:
        new.unlink(missing_ok=True)
    return count
