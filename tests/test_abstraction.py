"""What leaves a domain: no reply to a coordinator or a tenant has an inner name in it."""

from __future__ import annotations

from pathlib import Path

from protos.slicing.v1 import slices_pb2
from tests.asking import ACCEPT, REJECT, create, service, slices_of
from tests.federation import COORDINATOR, Federation, federation
from tests.test_story import SENTENCE


def inner_names(entente: Federation) -> set[str]:
    """The names under which the domains' own ledgers know cells, links, sites and hosts."""
    public = {"berlin", "munich"}
    for server in entente.domains.values():
        topology = server.domain.topology()
        public |= {*topology.areas, *topology.border_points, *topology.zones}
    keys = {key for server in entente.domains.values() for key in server.domain.usage()}
    return keys | {part for key in keys for part in key.split(":")[1:]} - public


async def test_no_reply_of_a_whole_life_has_an_inner_name_in_it(tmp_path: Path) -> None:
    async with federation(tmp_path) as entente:
        clinic = entente.tenant()
        heard: list[object] = []
        made = slices_of(await create(clinic, SENTENCE, policy=ACCEPT))
        heard += made
        heard.append(await create(clinic, services=[service(latency_us_max=100)], policy=REJECT))
        heard.append(await create(clinic, services=[service(devices=10**7)], policy=REJECT))
        heard.append(await create(clinic, services=[service(downlink_kbps=10**9)], policy=REJECT))
        for slice_ in made:
            request = slices_pb2.GetDecisionRecordRequest(name=slice_.name)
            heard.append(await clinic.GetDecisionRecord(request))
        heard.append(await clinic.ListDomains(slices_pb2.ListDomainsRequest()))
        for server in entente.domains.values():
            heard += await server.domain.as_seen_by(COORDINATOR).holds()

        names = inner_names(entente)
        assert len(names) > 100
        for reply in heard:
            text = str(reply)
            assert not [name for name in names if f'"{name}"' in text or f"'{name}'" in text]
            assert not [name for name in names if len(name) > 4 and name in text]
