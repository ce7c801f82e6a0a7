"""Federated averaging: what it computes; nothing but weights and a count leaves a domain."""

import struct
from dataclasses import replace

import numpy as np
import pytest

from envs.embedding.evolve import start
from envs.embedding.generate import slices_on
from envs.embedding.learned import WEIGHTS
from envs.federated.client import Client, Own, own_of, trace_of
from envs.federated.message import BYTES, MAGIC, Update, UpdateInvalid
from envs.federated.rounds import Privacy, averaged, federated, isolated, pooled, reward

CANARY = 7_777.25


def small(number: int, requests: int = 12) -> Own:
    return own_of(0, number, requests)


def marked(own: Own) -> Own:
    """Every number of every request is one that nothing else has, and so is every name."""
    requests = tuple(
        replace(
            one,
            id=f"canary-{one.id}",
            kind="canary-kind",
            time=one.time + CANARY,
            life=one.life + CANARY,
            cpu=tuple(cpu + CANARY / 4096 for cpu in one.cpu),
            links=tuple((a, b, asked + CANARY / 4096) for a, b, asked in one.links),
        )
        for one in slices_on(own.network, 3, 20)
    )
    return replace(own, trained=(trace_of(own.network, requests),))


def test_an_update_is_weights_and_a_count_and_comes_back_as_it_was() -> None:
    update = Update(np.arange(WEIGHTS, dtype=np.float64), 300)
    message = update.encode()
    assert len(message) == BYTES == 8 + 8 * WEIGHTS
    assert message == MAGIC + struct.pack("<I", 300) + struct.pack(f"<{WEIGHTS}d", *range(WEIGHTS))
    back = Update.decode(message)
    assert back.samples == 300
    assert np.array_equal(back.weights, update.weights)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"FED1",
        Update(start(), 5).encode() + b" and my requests",
        b"FED2" + Update(start(), 5).encode()[4:],
        Update(np.full(WEIGHTS, np.nan), 5).encode(),
        Update(np.full(WEIGHTS, 1e9), 5).encode(),
        Update(start(), 0).encode(),
    ],
    ids=["empty", "short", "long", "other", "nan", "huge", "of nothing"],
)
def test_what_is_no_update_is_refused(message: bytes) -> None:
    with pytest.raises(UpdateInvalid):
        Update.decode(message)


def test_no_word_or_number_of_a_request_leaves_a_domain() -> None:
    own = marked(small(1))
    message = Client(own, 1).train(Update(start(), 1).encode(), 2)
    assert type(message) is bytes
    assert len(message) == BYTES
    assert b"canary" not in message
    (trace,) = own.trained
    shown = np.concatenate(
        [trace.arrival, trace.ends, trace.revenue, trace.cpu, trace.bandwidth, trace.shown.ravel()]
    )
    told = set(np.frombuffer(message, "<f8", offset=8).tolist())
    own_numbers = {value for value in shown.tolist() if abs(value) > 1e-6 and np.isfinite(value)}
    assert max(own_numbers) > CANARY
    assert not told & own_numbers
    assert Update.decode(message).samples == trace.requests


def test_how_much_a_domain_knows_does_not_show_in_how_much_it_says() -> None:
    asked = Update(start(), 1).encode()
    assert {len(Client(small(0, size), 1).train(asked, 1)) for size in (5, 25)} == {BYTES}


def test_the_average_goes_by_samples() -> None:
    weights = np.zeros(WEIGHTS)
    updates = [Update(np.full(WEIGHTS, 1.0), 100), Update(np.full(WEIGHTS, 5.0), 300)]
    moved = averaged(weights, updates, Privacy(), np.random.default_rng(0))
    assert moved.tolist() == [4.0] * WEIGHTS


def test_no_domain_moves_the_average_by_more_than_the_clip() -> None:
    weights = start()
    honest, loud = Update(weights.copy(), 1), Update(weights + 1e3, 1)
    moved = averaged(weights, [honest, loud], Privacy(clip=0.5), np.random.default_rng(0))
    assert np.linalg.norm(moved - weights) == pytest.approx(0.25)
    unclipped = averaged(weights, [honest, loud], Privacy(), np.random.default_rng(0))
    assert np.linalg.norm(unclipped - weights) > 1e3


def test_noise_is_as_large_as_asked_and_follows_the_seed() -> None:
    weights, updates = start(), [Update(start(), 1), Update(start(), 1)]
    privacy = Privacy(clip=1.0, noise=0.4)
    moved = [
        averaged(weights, updates, privacy, np.random.default_rng(seed)) - weights
        for seed in range(200)
    ]
    assert np.std(moved) == pytest.approx(0.2, rel=0.05)
    again = averaged(weights, updates, privacy, np.random.default_rng(7)) - weights
    assert np.array_equal(again, moved[7])
    for clip, noise in ((None, 0.1), (0.0, 0.0), (1.0, -1.0)):
        with pytest.raises(ValueError, match=r"clip|noise"):
            Privacy(clip, noise)


def test_rounds_give_the_same_weights_for_the_same_seed_and_rewards_are_of_held_out_requests() -> (
    None
):
    owns = [small(number) for number in range(2)]

    def weights(seed: int) -> list[float]:
        clients = [Client(own, seed + number) for number, own in enumerate(owns)]

        def train(message: bytes, count: int) -> list[bytes]:
            return [client.train(message, count) for client in clients]

        found: list[float] = federated(train, Privacy(), seed, rounds=2, generations=1).tolist()
        return found

    assert weights(3) == weights(3) != weights(40)
    for trained in (
        np.array(weights(3)),
        isolated(owns[0], 0, 1, 1),
        pooled(owns, 0, 1, 1),
    ):
        assert 0.0 < reward(owns, trained) <= 2.0
    assert owns[0].trained[0].arrival.tolist() != owns[0].held_out[0].arrival.tolist()
