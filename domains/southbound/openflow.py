"""A trunk that is an OpenFlow switch: Open vSwitch with its userspace datapath, no kernel module.

Each segment is two ports; flows lead from one to the other and, for the pool's functions, to the
domain's own port, through a meter each way (OpenFlow 1.3.5, 5.7 and A.3.4.4). A meter polices: it
holds every segment at its promise, and lends nothing that others leave. Carried and dropped are
the meters' counters: those of the flows are brought up to date only now and then.

The daemons are children in a namespace of the switch's own, with sockets and database in a folder
of their own: those of the machine, if it runs any, are not touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from domains.errors import DriverFailed, DriverMissing
from domains.southbound.driver import Shaping
from domains.southbound.plumbing import RATE_KBPS_MIN, Counters, Namespace
from domains.southbound.processes import END_S, AgentProcess
from domains.southbound.trunk import (
    HOME,
    INNER,
    REFLECTOR_PORT,
    far_address,
    near_address,
)

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
PROGRAMS = ("ovsdb-tool", "ovsdb-server", "ovs-vswitchd", "ovs-vsctl", "ovs-ofctl")
BRIDGE, HOME_PORT, HOME_LINK = "ent", 1, "ent-home"
MAC = "02:00:00:00:00:01"
"""Of every end: who is meant says the flow table, so nobody has to ask by ARP."""
ALL_PREFIX = 8
"""Every address of the trunk is on every end's own link."""
COMMAND_S = 10.0
BURST_S = 0.02
"""A meter lets pass at once what its rate carries in twenty milliseconds."""
BURST_KBIT_MIN = 48
SHARED_METERS = (1, 60_000)
"""Up and down; between them are those of the segments."""


class SwitchedTrunk:
    """`trunk.Trunk` over Open vSwitch.

    Args:
        prefix: of the names that `ps` shows. kbps: no segment gets more than this.
        isolate: False for one meter a way that all share, to see what their own are good for.

    Raises:
        DriverMissing: no Linux, no root, or no Open vSwitch.
    """

    def __init__(self, prefix: str, kbps: int, isolate: bool = True) -> None:
        self._kbps, self._isolate = kbps, isolate
        if lacks := lacking():
            raise DriverMissing(
                f"the openflow driver needs Open vSwitch, and this machine has no {lacks}; "
                "on Debian: apt-get install openvswitch-switch",
            )
        self._shaped: set[int] = set()
        self._earlier: dict[int, Counters] = {}
        """What each meter had counted when its rate changed: it then starts at zero."""
        with ExitStack() as opening:
            self._switch = opening.enter_context(AgentProcess(f"{prefix}-switch"))
            self.home = opening.enter_context(AgentProcess(f"{prefix}-home", port=REFLECTOR_PORT))
            self._links, home = Namespace(self._switch.pid), Namespace(self.home.pid)
            opening.callback(self._links.close)
            opening.callback(home.close)
            folder = opening.enter_context(tempfile.TemporaryDirectory(prefix=f"{prefix}-"))
            self._folder = Path(folder)
            self._start(opening)
            self._attach(home, HOME_LINK, HOME_PORT, HOME)
            if not isolate:
                for meter in SHARED_METERS:
                    self._meter("add-meter", meter, kbps)
            self._opened = opening.pop_all()

    def connect(self, number: int, near: Namespace, far: Namespace, undo: ExitStack) -> None:
        ends = ((near, _NEAR, near_address(number)), (far, _FAR, far_address(number)))
        for inner, end, address in ends:
            outer = f"ent-{end}{number}"
            undo.callback(self._detach, outer)
            self._attach(inner, outer, _port(number, end), address)

    def shape(self, number: int, shaping: Shaping, new: bool) -> None:
        rates = ((_NEAR, shaping.uplink_kbps), (_FAR, shaping.downlink_kbps))
        for end, kbps in rates:
            meter = _port(number, end)
            counted = Counters(0, 0, 0) if new else self._counted(meter)
            self._meter("add-meter" if new else "mod-meter", meter, kbps)
            self._earlier[meter] = counted
        self._shaped.add(number)

    def unshape(self, number: int) -> None:
        """A meter goes with the flows that use it."""
        self._shaped.discard(number)
        for end in (_NEAR, _FAR):
            with contextlib.suppress(DriverFailed):
                self._flows("del-meter", f"meter={_port(number, end)}")

    def classify(self, number: int) -> None:
        near, far = _port(number, _NEAR), _port(number, _FAR)
        up, down = (near, far) if self._isolate else SHARED_METERS
        for match, meter, out in (
            (f"in_port={near},nw_dst={far_address(number)}", up, far),
            (f"in_port={near},nw_dst={HOME}", up, HOME_PORT),
            (f"in_port={far},nw_dst={near_address(number)}", down, near),
            (f"in_port={HOME_PORT},nw_dst={near_address(number)}", down, near),
        ):
            self._flows("add-flow", f"cookie={meter},ip,{match},actions=meter:{meter},output:{out}")

    def counters(self, number: int) -> tuple[Counters, Counters]:
        up, down = (self._counted(_port(number, end)) for end in (_NEAR, _FAR))
        return up, down

    def pull(self, pulled: bool) -> None:
        state = "down" if pulled else "up"
        for number in self._shaped:
            self._flows("mod-port", str(_port(number, _FAR)), state)
        self._flows("mod-port", str(HOME_PORT), state)

    def shaped(self) -> int:
        return len(set(re.findall(r"^meter=(\d+)", self._flows("dump-meters"), re.M))) // 2

    def close(self) -> None:
        self._opened.close()

    # -- the switch ---------------------------------------------------------------------------

    def _start(self, opening: ExitStack) -> None:
        database = self._folder / "conf.db"
        self._run("ovsdb-tool", "create", str(database), str(SCHEMA))
        self._serve(opening, "ovsdb-server", str(database), f"--remote=punix:{self._socket}")
        # With it the datapath understands checksums that a veth pair leaves to its other end.
        self._vsctl("--retry", "--no-wait", "init")
        self._vsctl(
            "--no-wait", "set", "Open_vSwitch", ".",
            "other_config:userspace-tso-enable=true",
        )  # fmt: skip
        self._serve(opening, "ovs-vswitchd", "--disable-system", f"unix:{self._socket}")
        self._vsctl(
            "add-br", BRIDGE, "--", "set", "bridge", BRIDGE, "datapath_type=netdev",
            "fail_mode=secure", "protocols=OpenFlow13",
        )  # fmt: skip

    @property
    def _socket(self) -> Path:
        return self._folder / "db.sock"

    def _serve(self, opening: ExitStack, program: str, *arguments: str) -> None:
        """A daemon in the switch's namespace; it ends with this driver, however that ends."""
        command = [
            "nsenter", f"--net=/proc/{self._switch.pid}/ns/net", "--",
            "setpriv", "--pdeathsig", "KILL", "--", program, *arguments, "--verbose=off:syslog",
            "--verbose=off:console", f"--pidfile={self._folder / program}.pid",
        ]  # fmt: skip
        process = subprocess.Popen(command, env=self._environment)  # noqa: S603  # no shell
        opening.callback(_end, process)

    def _attach(self, inner: Namespace, outer: str, port: int, address: str) -> None:
        inside, outside = inner.veth_to(self._links, INNER, outer)
        inner.unasking(inside, MAC)
        inner.address(inside, address, ALL_PREFIX)
        inner.up(inside)
        self._links.up(outside)
        self._vsctl(
            "add-port", BRIDGE, outer, "--", "set", "interface", outer, f"ofport_request={port}"
        )

    def _detach(self, outer: str) -> None:
        with contextlib.suppress(DriverFailed):
            self._vsctl("--if-exists", "del-port", BRIDGE, outer)
        self._links.remove_link(outer)

    def _counted(self, meter: int) -> Counters:
        """What a meter let pass and what it dropped."""
        said = self._flows("meter-stats", f"meter={meter}")
        found = _METER.search(said)
        if found is None:
            raise DriverFailed("the segment has no meter", segment=meter)
        packets, size, dropped, dropped_bytes = map(int, found.groups())
        earlier = self._earlier[meter]
        return Counters(
            earlier.bytes + size - dropped_bytes,
            earlier.packets + packets - dropped,
            earlier.dropped + dropped,
        )

    def _meter(self, what: str, meter: int, kbps: int) -> None:
        rate = min(max(kbps, RATE_KBPS_MIN), self._kbps)
        burst = max(BURST_KBIT_MIN, round(rate * BURST_S))
        band = f"band=type=drop,rate={rate},burst_size={burst}"
        self._flows(what, f"meter={meter},kbps,burst,stats,{band}")

    def _flows(self, what: str, *arguments: str) -> str:
        return self._run("ovs-ofctl", "-O", "OpenFlow13", what, BRIDGE, *arguments)

    def _vsctl(self, *arguments: str) -> None:
        self._run("ovs-vsctl", f"--db=unix:{self._socket}", f"--timeout={COMMAND_S:g}", *arguments)

    @property
    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        own = {"OVS_RUNDIR": folder, "OVS_LOGDIR": folder, "OVS_DBDIR": folder}
        return {**os.environ, **own}

    def _run(self, program: str, *arguments: str) -> str:
        try:
            done = subprocess.run(  # noqa: S603  # our own words, no shell
                [program, *arguments], env=self._environment, capture_output=True, text=True,
                timeout=2 * COMMAND_S, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DriverFailed(f"{program} does not answer", program=program) from error
        if done.returncode:
            said = done.stderr.strip().splitlines() or ["no reason given"]
            raise DriverFailed(f"{program} {arguments[0]}: {said[-1]}", program=program)
        return done.stdout


def lacking() -> str:
    """What this machine has not of Open vSwitch; empty where it is all there."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    return ", ".join(missing) or ("" if SCHEMA.is_file() else str(SCHEMA))


_NEAR, _FAR = "near", "far"
_METER = re.compile(
    r"packet_in_count:(\d+) byte_in_count:(\d+).*?packet_count:(\d+) byte_count:(\d+)", re.S
)


def _port(number: int, end: str) -> int:
    """The number of a segment's port at one end, and of the meter for what comes in there."""
    return 2 + 2 * number + (end == _FAR)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
