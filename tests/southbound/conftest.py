"""Every driver behind one seam, and what a segment needs to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from domains.errors import DriverMissing
from domains.southbound.driver import Deployment, Driver, FunctionSpec, Shaping
from domains.southbound.netns import NetnsDriver
from domains.southbound.openflow import SwitchedTrunk
from domains.southbound.simulated import SimulatedDriver

UPF = FunctionSpec("upf-1", "upf", dedicated=True)
SMF = FunctionSpec("smf-pool", "smf", dedicated=False)
SEGMENT = Deployment(
    segment_id="segment-1",
    slice_id="slice-1",
    ingress="bp-a",
    egress="bp-b",
    functions=(UPF, SMF),
    shaping=Shaping(10_000, 5_000, 5_000, exclusive=True),
)


def segment(number: int, **changes: object) -> Deployment:
    """Another one; a dedicated function bears a name that no other segment's has."""
    own = replace(UPF, name=f"upf-{number}")
    one = replace(
        SEGMENT, segment_id=f"segment-{number}", slice_id=f"slice-{number}", functions=(own, SMF)
    )
    return replace(one, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def namespaces() -> Iterator[NetnsDriver]:
    try:
        driver = NetnsDriver("test")
    except DriverMissing as error:
        pytest.skip(error.message)
    yield driver
    driver.close()


@pytest.fixture
def netns(namespaces: NetnsDriver) -> Iterator[NetnsDriver]:
    """An empty one; the machine's namespaces are made once."""
    yield namespaces
    for one in namespaces.deployed():
        namespaces.delete(one.deployment.segment_id)


@pytest.fixture(scope="session")
def switched() -> Iterator[NetnsDriver]:
    try:
        driver = NetnsDriver("switched", trunk=SwitchedTrunk)
    except DriverMissing as error:
        pytest.skip(error.message)
    yield driver
    driver.close()


@pytest.fixture
def openflow(switched: NetnsDriver) -> Iterator[NetnsDriver]:
    """An empty one; the switch is made once."""
    yield switched
    for one in switched.deployed():
        switched.delete(one.deployment.segment_id)


DRIVERS: dict[str, Callable[[pytest.FixtureRequest], Driver]] = {
    "simulated": lambda _: SimulatedDriver(refuse=frozenset({"broken"})),
    "netns": lambda request: request.getfixturevalue("netns"),
    "openflow": lambda request: request.getfixturevalue("openflow"),
}


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest) -> Driver:
    return DRIVERS[request.param](request)
