"""When a measurement is a lesson, and what it says of a promise."""

from __future__ import annotations

from coordinator.assurance.experience import keeps, seen
from domains.measurement import Measurement
from domains.model import PPB, Metrics

PROMISED = Metrics(20_000, 999_900_000, 10_000, 5_000, 10, 1_000_000)


def measured(
    down: int = 100, latency_us: int = 5_000, loss_ppb: int = 0, availability_ppb: int = PPB
) -> Measurement:
    return Measurement(
        "segment", 0.0, 10.0, down, 100, latency_us, loss_ppb, availability_ppb, 10, 64
    )


def test_latencies_add_up_and_idle_users_are_no_shortfall() -> None:
    given = seen(PROMISED, [measured(), measured(latency_us=6_000)])
    assert given == Metrics(11_000, 999_900_000, 10_000, 5_000, 10, 1_000_000)
    assert keeps(PROMISED, given)


def test_an_outage_counts_in_every_segment() -> None:
    half = measured(availability_ppb=PPB // 2)
    given = seen(PROMISED, [half, half])
    assert given.availability_ppb == PPB // 4
    assert not keeps(PROMISED, given)


def test_only_losses_of_a_load_within_the_promise_are_the_domains() -> None:
    within = seen(PROMISED, [measured(down=4_000, loss_ppb=PPB // 2)])
    assert (within.downlink_kbps, within.uplink_kbps) == (5_000, 2_500)
    beyond = seen(PROMISED, [measured(down=14_000, loss_ppb=PPB // 2)])
    assert keeps(PROMISED, beyond)
