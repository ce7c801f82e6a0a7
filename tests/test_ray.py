"""Domains as Ray actors: one that is killed comes back with everything that it promised."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from deploy.account import account
from deploy.client import Tenant
from deploy.federation import DEFAULT, load
from deploy.home import Home
from deploy.hosts import Launcher, RayHosts
from deploy.runtime import Runtime
from tests.asking import eventually


@pytest.mark.ray
@pytest.mark.timeout(240)
async def test_a_domain_actor_that_is_killed_comes_back_with_its_segments(tmp_path: Path) -> None:
    home = Home(tmp_path).prepare()
    with Runtime(home, load(DEFAULT).on_free_ports(), Launcher.RAY) as runtime:
        async with Tenant(account(home, runtime.run, "clinic")) as clinic:
            order = await clinic.settle(await clinic.create("telemetry of 10 meters in Berlin"))
            assert order.state == "done", order.error
            (made,) = order.slices
            before = runtime.usage()
            assert all(any(units.values()) for units in before.values())

            assert isinstance(runtime._hosts, RayHosts)
            ray, actors = runtime._hosts._ray, runtime._hosts._actors
            for pid in ray.get([actor.pid.remote() for actor in actors]):
                os.kill(pid, signal.SIGKILL)

            async def all_are_back() -> bool:
                try:
                    return runtime.usage() == before
                except ray.exceptions.RayError:
                    return False

            await eventually(all_are_back, within_s=60)

            async def the_slice_ends() -> bool:
                ended = await clinic.terminate(made["name"], "over")
                return (await clinic.settle(ended)).state == "done"

            await eventually(the_slice_ends, within_s=60)

            async def nothing_is_used() -> bool:
                return not any(any(units.values()) for units in runtime.usage().values())

            await eventually(nothing_is_used, within_s=60)
