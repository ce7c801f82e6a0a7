"""The slices of the story, as `entente export` writes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coordinator.descriptors import files
from deploy.export import described, write
from deploy.plain import plain
from domains.errors import InvalidRequest, NotFound, WrongState
from protos.slicing.v1 import slices_pb2
from tests.asking import ACCEPT, create, slices_of, terminate
from tests.descriptors.reading import tool, tosca_errors
from tests.federation import federation
from tests.test_story import SENTENCE


@pytest.mark.timeout(180)  # 5 s where nothing else runs
async def test_every_slice_of_the_story_passes_every_check(tmp_path: Path) -> None:
    async with federation(tmp_path / "running") as entente:
        clinic = entente.tenant()
        found = slices_of(await create(clinic, SENTENCE, policy=ACCEPT))
        listed = await clinic.ListDomains(slices_pb2.ListDomainsRequest())
        views = [plain(view) for view in listed.domains]
        ended = slices_of(await terminate(clinic, found[0].name))[0]
    with pytest.raises(WrongState, match="is terminated"):
        described(plain(ended), views)
    with pytest.raises(NotFound, match="access-north"):
        described(plain(found[0]), views[1:])
    assert len(found) == 2
    for slice_ in found:
        made = files(described(plain(slice_), views))
        assert made == files(described(plain(slice_), views))
        folder = tmp_path / slice_.name
        write(made, folder)
        assert {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()} == set(made)
        with pytest.raises(InvalidRequest, match="not empty"):
            write(made, folder)
        promised = json.loads(made["1-access-north/slice-profile.json"])["rANSliceSubnetProfile"]
        assert promised["dLLatency"] == slice_.segments[0].metrics.latency_us / 1000
        assert json.loads(made["service-profile.json"])["sst"] == slice_.agreed.sst
        archives = {path: made[path] for path in made if path.endswith(".csar")}
        assert len(archives) >= 10
        assert tosca_errors(archives, tmp_path) == []
        checker = tool("check_profile")
        for path in made:
            schema = {"service-profile.json": "ServiceProfile"}.get(path, "SliceProfile")
            if path.endswith("profile.json"):
                assert list(checker.errors(schema, json.loads(made[path]))) == []
