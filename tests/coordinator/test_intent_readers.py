"""Reading in threads: bounded, each caller its own answer; encoding together, each its vectors."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from coordinator.intent.encoder import Vectors
from coordinator.intent.readers import READERS, WAITING_MAX, Readers
from coordinator.intent.rules import RulesInterpreter
from coordinator.intent.together import BATCH_MAX, Together
from coordinator.model import Interpretation
from domains.errors import InvalidRequest, Overloaded


class Slow:
    """The rules engine, once it may."""

    def __init__(self, go: threading.Event) -> None:
        self._rules = RulesInterpreter()
        self._go = go

    def interpret(self, text: str, areas: Sequence[str]) -> Interpretation:
        assert self._go.wait(20)
        return self._rules.interpret(text, areas)


@pytest.fixture
def go() -> threading.Event:
    return threading.Event()


async def test_each_caller_gets_its_own_answer_and_a_bad_text_fails_alone(
    go: threading.Event,
) -> None:
    go.set()
    slow = Slow(go)
    readers = Readers(lambda tenant: slow)
    texts = [f"video for {number} users" if number % 3 else " " for number in range(1, 40)]
    found = await asyncio.gather(
        *(readers.read("clinic", text, ()) for text in texts), return_exceptions=True
    )
    for number, item in enumerate(found, start=1):
        if number % 3:
            assert isinstance(item, Interpretation)
            assert item.services[0].value("num_ues") == number
        else:
            assert isinstance(item, InvalidRequest)
    readers.close()


async def test_a_tenant_is_read_by_its_own_interpreter() -> None:
    asked: list[str] = []
    rules = RulesInterpreter()

    def of(tenant: str) -> RulesInterpreter:
        asked.append(tenant)
        return rules

    readers = Readers(of)
    for tenant in ("clinic", "other"):
        await readers.read(tenant, "video for 5 users", ())
    assert asked == ["clinic", "other"]
    readers.close()


async def test_what_takes_too_long_is_left_behind_and_rules_answer(go: threading.Event) -> None:
    slow = Slow(go)
    readers = Readers(lambda tenant: slow, read_s_max=0.05)
    said = await readers.read("clinic", "video for 5 users", ())
    assert said.services[0].value("num_ues") == 5
    assert "rules answered" in said.explanation
    go.set()
    readers.close()


async def test_too_many_are_refused_even_where_their_callers_have_left(
    go: threading.Event,
) -> None:
    slow = Slow(go)
    readers = Readers(lambda tenant: slow)
    reading = [
        asyncio.ensure_future(readers.read("clinic", "video for 5 users", ()))
        for _ in range(WAITING_MAX)
    ]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await readers.read("clinic", "video for 5 users", ())
    reading[0].cancel()
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await readers.read("clinic", "video for 5 users", ())
    go.set()
    found = await asyncio.gather(*reading, return_exceptions=True)
    assert sum(isinstance(item, Interpretation) for item in found) == WAITING_MAX - 1
    assert isinstance(await readers.read("clinic", "video for 5 users", ()), Interpretation)
    readers.close()


class Counting:
    """An encoder whose vector of a text is its length; it holds each batch until it may."""

    name, dimension = "lengths", 2

    def __init__(self, may: Callable[[int], object]) -> None:
        self._may = may
        self.sizes: list[int] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.sizes.append(len(texts))
        self._may(len(self.sizes))
        if "broken" in texts:
            raise ValueError("cannot encode this")
        return np.array([[len(text), 1] for text in texts], dtype=np.float32)


def test_what_arrives_while_the_model_is_busy_becomes_one_batch(go: threading.Event) -> None:
    entered = threading.Event()

    def may(batch: int) -> None:
        entered.set()
        assert go.wait(20)

    counting = Counting(may)
    together = Together(counting, at_once=1)
    with ThreadPoolExecutor(READERS) as threads:
        first = threads.submit(together.encode, ["a"])
        assert entered.wait(20)
        later = [threads.submit(together.encode, ["b" * n, "c"]) for n in range(1, READERS)]
        while len(together._waiting) < READERS - 1:
            assert not first.done()
        go.set()
        assert first.result(20).tolist() == [[1, 1]]
        for number, own in enumerate(later, start=1):
            assert own.result(20).tolist() == [[number, 1], [1, 1]]
    assert counting.sizes == [1, 2 * (READERS - 1)]
    assert 2 * (READERS - 1) <= BATCH_MAX


def test_a_batch_that_fails_fails_for_those_in_it_and_the_next_one_works() -> None:
    together = Together(Counting(lambda batch: None))
    with pytest.raises(ValueError, match="cannot encode"):
        together.encode(["broken"])
    assert together.encode(["ok"]).tolist() == [[2, 1]]


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_many_threads_lose_nothing(at_once: int) -> None:
    together = Together(Counting(lambda batch: None), at_once)
    with ThreadPoolExecutor(READERS) as threads:
        texts = ["x" * (number % 50) for number in range(2_000)]
        found = list(threads.map(lambda text: together.encode([text]), texts))
    assert [int(vector[0, 0]) for vector in found] == [len(text) for text in texts]
