"""G1 and G2 with everyone at once: 64 tenants, one bottleneck link, nobody oversubscribes it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from deploy.federation import CONFIGS
from protos.slicing.v1 import slices_pb2
from tests.asking import REJECT, create, reason_of, service, slices_of, terminate
from tests.federation import COORDINATOR, federation

TENANTS = 64
LINK_MBPS = 1_000
EACH_KBPS = 90_000


def bottleneck(folder: Path) -> Path:
    """The networks of Germany, with links that only a few of the slices below fit on."""
    configs = folder / "bottleneck"
    shutil.copytree(CONFIGS / "germany", configs)
    path = configs / "transport.toml"
    text = path.read_text()
    narrow = text.replace("link_capacity_mbps = 20_000", f"link_capacity_mbps = {LINK_MBPS}")
    assert narrow != text
    path.write_text(narrow)
    return configs


async def test_64_tenants_at_once_on_a_bottleneck_get_all_or_nothing(tmp_path: Path) -> None:
    names = [f"tenant-{index}" for index in range(TENANTS)]
    async with federation(tmp_path, bottleneck(tmp_path), names) as entente:
        stubs = {name: entente.tenant(name) for name in names}
        wanted = service(downlink_kbps=EACH_KBPS, uplink_kbps=EACH_KBPS)

        operations = await asyncio.gather(
            *(create(stub, services=[wanted], policy=REJECT) for stub in stubs.values())
        )

        served = [op for op in operations if not op.HasField("error")]
        refused = [op for op in operations if op.HasField("error")]
        assert all(op.done for op in operations)
        # Routes differ in length, so how many fit depends on which are taken; but the ducts out
        # of Berlin bound them from above, and one duct's worth must be served from below.
        assert LINK_MBPS * 1_000 // EACH_KBPS <= len(served) < TENANTS
        for operation in refused:
            reason, metadata = reason_of(operation.error)
            assert reason in ("CAPACITY_INSUFFICIENT", "RELAXATION_NEEDED", "OVERTAKEN"), reason
            assert metadata["domain"] in entente.domains
            assert int(metadata["achievable"]) < int(metadata["requested"])

        # What is in use is exactly what the active slices have: nobody half-built anything.
        held = {
            name: len(await server.domain.as_seen_by(COORDINATOR).holds())
            for name, server in entente.domains.items()
        }
        assert set(held.values()) == {len(served)}

        for name, operation in zip(names, operations, strict=True):
            if not operation.HasField("error"):
                (ended,) = slices_of(await terminate(stubs[name], slices_of(operation)[0].name))
                assert ended.state == slices_pb2.SLICE_STATE_TERMINATED
        assert not any(entente.used().values())
