"""Sentences that arrive together are read together, and each caller gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from coordinator.intent import Interpreter
from coordinator.intent.rules import RulesInterpreter
from coordinator.model import Interpretation
from deploy.web.batches import BATCH_MAX, WAITING_MAX, Batches
from domains.errors import InvalidRequest, Overloaded


class Together:
    """The rules engine behind the interface for many, holding the first batch until told."""

    def __init__(self) -> None:
        self._rules = RulesInterpreter()
        self.go = threading.Event()
        self.sizes: list[int] = []

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        return self._rules.interpret(text, areas)

    def interpret_many(
        self, texts: Sequence[str], areas: Sequence[str]
    ) -> list[Interpretation | Exception]:
        self.sizes.append(len(texts))
        assert self.go.wait(10)
        found: list[Interpretation | Exception] = []
        for text in texts:
            try:
                found.append(self.interpret(text, areas))
            except InvalidRequest as error:
                found.append(error)
        return found


async def test_what_arrives_during_a_batch_forms_the_next_one() -> None:
    together = Together()
    batches = Batches(together, ())
    texts = [f"video for {number} users" for number in range(1, BATCH_MAX + 10)]
    reading = [asyncio.ensure_future(batches.read(text)) for text in texts]
    await asyncio.sleep(0)
    together.go.set()
    found = await asyncio.gather(*reading)
    assert together.sizes == [1, BATCH_MAX, 8]
    assert [item.services[0].value("num_ues") for item in found] == list(range(1, len(texts) + 1))
    batches.close()


@pytest.mark.parametrize("interpreter", [Together, RulesInterpreter])
async def test_a_text_that_cannot_be_read_fails_alone(interpreter: type[Interpreter]) -> None:
    made = interpreter()
    if isinstance(made, Together):
        made.go.set()
    batches = Batches(made, ())
    texts = ["video for 5 users", " ", "video for 6 users"]
    found = await asyncio.gather(*map(batches.read, texts), return_exceptions=True)
    assert [type(item) for item in found] == [Interpretation, InvalidRequest, Interpretation]
    batches.close()


async def test_too_many_that_wait_are_refused_and_the_others_are_read() -> None:
    together = Together()
    batches = Batches(together, ())
    reading = [
        asyncio.ensure_future(batches.read("video for 5 users")) for _ in range(WAITING_MAX + 2)
    ]
    await asyncio.sleep(0)
    together.go.set()
    found = await asyncio.gather(*reading, return_exceptions=True)
    assert [type(item) for item in found[-1:]] == [Overloaded]
    assert sum(isinstance(item, Interpretation) for item in found) == WAITING_MAX + 1
    batches.close()


async def test_a_caller_that_leaves_does_not_disturb_the_others() -> None:
    together = Together()
    batches = Batches(together, ())
    reading = [asyncio.ensure_future(batches.read(f"video for {n} users")) for n in range(1, 5)]
    await asyncio.sleep(0)
    reading[0].cancel()
    reading[2].cancel()
    together.go.set()
    found = await asyncio.gather(*reading, return_exceptions=True)
    assert [isinstance(item, Interpretation) for item in found] == [False, True, False, True]
    batches.close()
