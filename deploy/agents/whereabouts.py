"""Where a plan is carried out: the federation that runs, one elsewhere, or one started for it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import federation
from deploy.account import Account, account
from deploy.federation import Federation
from deploy.home import Home, Run
from deploy.hosts import Launcher
from deploy.operator import Desk, desks
from deploy.runtime import Runtime

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Whom to ask.

    Attributes:
        desks: the operators' lines to domains; none for a federation elsewhere.
        default_area: where devices are when no place is named; "" where that is not known.
        own: whether it was started for this plan and ends with it.
    """

    account: Account
    desks: Mapping[str, Desk]
    default_area: str = ""
    own: bool = False


def running(home: Home, tenant: str) -> Whereabouts | None:
    """The federation that `entente up` keeps running here, or None."""
    run = Run.read(home)
    if run is None or not run.ready:
        return None
    area = federation.load(Path(run.config)).coordinator.default_area
    return Whereabouts(account(home, run, tenant), desks(home), area)


@contextmanager
def started(
    found: Federation, launcher: Launcher, tenant: str, tell: Tell
) -> Iterator[Whereabouts]:
    """A federation for this plan alone, on free ports and in a state folder of its own.

    Raises:
        EntenteError: a part could not start, and why.
    """
    home = Home(Path(tempfile.mkdtemp(prefix="entente-plan-"))).prepare()
    free = found.on_free_ports()
    with ExitStack() as afterwards, Runtime(home, free, launcher, tell=tell) as runtime:
        # From here on; a start that fails keeps its logs where its message says.
        afterwards.callback(shutil.rmtree, home.root, ignore_errors=True)
        area = free.coordinator.default_area
        yield Whereabouts(account(home, runtime.run, tenant), desks(home), area, own=True)
