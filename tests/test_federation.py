"""Many domains of each kind: two access operators, three transports, two cores, two clouds."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.federation import CONFIGS
from protos.slicing.v1 import slices_pb2
from tests.asking import REJECT, create, service, slices_of, terminate
from tests.federation import Federation, federation

FEDERATION = CONFIGS / "federation"


async def chosen(entente: Federation, **fields: object) -> slices_pb2.Slice:
    operation = await create(entente.tenant(), services=[service(**fields)], policy=REJECT)
    return slices_of(operation)[0]


def of_kind(slice_: slices_pb2.Slice, prefix: str) -> str:
    (segment,) = [s for s in slice_.segments if s.domain.startswith(prefix)]
    return segment.domain


async def test_providers_are_chosen_by_price_among_those_that_can(tmp_path: Path) -> None:
    async with federation(tmp_path, FEDERATION) as entente:
        assert len(entente.domains) >= 8
        cheap = await chosen(entente)
        fast = await chosen(entente, latency_us_max=cheap.metrics.latency_us - 1_000)
        assert fast.metrics.latency_us < cheap.metrics.latency_us
        assert fast.metrics.price_micros >= cheap.metrics.price_micros
        kinds = [s.domain.split("-")[0] for s in cheap.segments]
        assert kinds[0] == "access"
        assert kinds[-1] == "cloud"
        for slice_ in (cheap, fast):
            await terminate(entente.tenant(), slice_.name)
        assert not any(entente.used().values())


async def test_a_provider_that_doubles_its_price_loses_the_slice_to_a_cheaper_one(
    tmp_path: Path,
) -> None:
    configs = tmp_path / "dearer"
    shutil.copytree(FEDERATION, configs)
    async with federation(tmp_path / "before", FEDERATION) as entente:
        before = await chosen(entente)
    carrier = of_kind(before, "transport")
    path = next(p for p in configs.glob("transport*.toml") if f'"{carrier}"' in p.read_text())
    text = path.read_text()
    dear = "price_micros_per_pipe = 90_000_000 #"
    path.write_text(text.replace("price_micros_per_pipe =", dear, 1))
    async with federation(tmp_path / "after", configs) as entente:
        after = await chosen(entente)
    assert of_kind(after, "transport") != carrier


async def test_a_provider_that_goes_silent_is_passed_over_and_marked(tmp_path: Path) -> None:
    async with federation(tmp_path, FEDERATION) as entente:
        before = await chosen(entente)
        carrier = of_kind(before, "transport")
        await entente.domains[carrier].stop(0)
        operation = await create(entente.tenant(), services=[service()], policy=REJECT)
        if operation.HasField("error"):  # asked before its silence was noticed: ask again
            operation = await create(entente.tenant(), services=[service()], policy=REJECT)
        after = slices_of(operation)[0]
        assert of_kind(after, "transport") != carrier
        listed = await entente.tenant().ListDomains(slices_pb2.ListDomainsRequest())
        reachable = {view.topology.domain: view.reachable for view in listed.domains}
        assert reachable.pop(carrier) is False
        assert all(reachable.values())
