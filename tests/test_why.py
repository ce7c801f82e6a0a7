"""Why, and why not otherwise: the account of a slice, and what another wish would have taken."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import grpc
import pytest

from coordinator.counterfactual import best
from coordinator.negotiate import settle
from coordinator.planner import Plan
from deploy import prose
from deploy.otherwise import changes
from deploy.plain import plain
from protos.slicing.v1 import slices_pb2, types_pb2
from tests.asking import ACCEPT, create, service, slices_of, terminate
from tests.coordinator.menus import SERVICE, case, chain_of, offer
from tests.federation import federation


def asks(name: str, **values: int) -> slices_pb2.ExplainAlternativeRequest:
    request = slices_pb2.ExplainAlternativeRequest(
        name=name,
        service=slices_pb2.ServiceProfile(**values),  # type: ignore[arg-type]
    )
    request.update_mask.paths.extend(values)
    return request


async def test_an_alternative_is_what_an_order_would_have_been_told(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        (kept,) = slices_of(await create(clinic, services=[service()], policy=ACCEPT))
        used = entente.used()

        tight = await clinic.ExplainAlternative(asks(kept.name, latency_us_max=3_000))
        assert not tight.feasible
        assert tight.binding.relaxation.attribute == types_pb2.ATTRIBUTE_LATENCY
        assert tight.binding.relaxation.requested == 3_000
        assert tight.binding.domain in tight.text
        assert tight.price_micros_now == kept.metrics.price_micros

        # The nearest can be had, at the price that was named; a microsecond less cannot.
        nearest_us = tight.binding.relaxation.achievable
        assert tight.metrics.latency_us == nearest_us
        loose = await clinic.ExplainAlternative(asks(kept.name, latency_us_max=nearest_us))
        assert loose.feasible
        assert loose.metrics.price_micros == tight.metrics.price_micros
        closer = await clinic.ExplainAlternative(asks(kept.name, latency_us_max=nearest_us - 1))
        assert not closer.feasible

        # And an order is told the same.
        asked = service()
        asked.latency_us_max = 3_000
        (quoted,) = slices_of(
            await create(clinic, services=[asked], validate_only=True, policy=ACCEPT)
        )
        assert quoted.metrics.latency_us == nearest_us
        assert entente.used() == used, "a question holds nothing"

        # Where more is needed, the domain that asks most for it is named.
        more = await clinic.ExplainAlternative(
            asks(kept.name, downlink_kbps=20 * service().downlink_kbps)
        )
        assert more.feasible
        assert more.binding.relaxation.attribute == types_pb2.ATTRIBUTE_PRICE
        rise = more.binding.at_domain.achievable - more.binding.at_domain.requested
        assert 0 < rise <= more.metrics.price_micros - more.price_micros_now

        # What has ended, or never was, can be asked about as well; what is another's cannot.
        slices_of(await terminate(clinic, kept.name))
        after = await clinic.ExplainAlternative(asks(kept.name, latency_us_max=3_000))
        assert after.binding.relaxation.achievable == nearest_us
        for name, values in ((kept.name, {}), ("slices/unknown", {"latency_us_max": 5})):
            with pytest.raises(grpc.aio.AioRpcError):
                await clinic.ExplainAlternative(asks(name, **values))
        with pytest.raises(grpc.aio.AioRpcError) as hidden:
            await entente.tenant("other").ExplainAlternative(asks(kept.name, latency_us_max=5))
        assert hidden.value.code() is grpc.StatusCode.NOT_FOUND


def test_of_two_chains_the_better_one_is_told() -> None:
    def plan(price: int, latency_us: int) -> Plan:
        menus = {"a": [offer("a0", latency_us, 10, price)], "b": [offer("b0", 10, 10, 5)]}
        service, chains, answers, budgets = case(SERVICE, [chain_of("a", "b")], menus)
        result = settle(service, chains, answers, budgets)
        return Plan(service, chains, budgets, answers, result)

    cheap, dear, too_slow = plan(10, 20), plan(30, 20), plan(1, 500)
    for several in permutations([cheap, dear, too_slow]):
        assert best(list(several)) is cheap


async def test_the_record_of_a_slice_reads_as_an_account(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        (kept,) = slices_of(await create(clinic, services=[service()]))
        request = slices_pb2.GetDecisionRecordRequest(name=kept.name)
        record = plain(await clinic.GetDecisionRecord(request))
        told = list(prose.account(record["events"]))
        headings = [heading.partition(",")[0] for heading, _ in told]
        assert headings == [
            "What was asked",
            "Who could serve",
            "What the domains said",
            "What came of it",
            "What was set aside",
            "What runs",
        ]
        whole = " ".join(paragraph for _, paragraph in told)
        for event in record["events"]:
            assert event["text"].rstrip(".")[1:] in whole, "nothing is left out"
        assert all(paragraph.endswith(".") for _, paragraph in told)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("latency 5 ms", {"latency_us_max": 5_000}),
        ("Latency 5", {"latency_us_max": 5_000}),
        ("latency 700us", {"latency_us_max": 700}),
        ("availability 99.9999 %", {"availability_ppb_min": 999_999_000}),
        ("downlink 1.5 Gbit/s", {"downlink_kbps": 1_500_000}),
        ("devices 500", {"devices": 500}),
        ("price 2 EUR/h", {"price_micros_max": 2_000_000}),
        ("5 ms", None),
        ("latency", None),
        ("latency 5 %", None),
        ("latency 0 ms", None),
        ("latency -5 ms", None),
        ("isolation 1", None),
        ("latency 1" + "0" * 400, None),
    ],
)
def test_what_people_type_is_one_field_or_nothing(text: str, wanted: object) -> None:
    assert changes(text) == wanted
