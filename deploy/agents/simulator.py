"""One slicenet experiment in a process of its own: `simulator.py FILE.yaml BEGIN_S END_S SEED`.

slicenet keeps its state in classes, so two experiments in one process would share it, and it runs
sessions in real time, one thread each, until the last has ended. This runs one experiment with the
authors' managers, observes the slice from `BEGIN_S` to `END_S` of its traffic, prints one JSON
object and leaves: a session that still waits then has waited.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from typing import Any

SAMPLE_S = 0.01
"""How often the slice is looked at."""
START_S_MAX = 20.0
PROMPT_S = 0.5
"""A session that is admitted later than this after it arrived has waited: slicenet tries again
after a second, so this tells waiting from a busy processor."""


def observed(path: str, begin_s: float, end_s: float, seed: int) -> dict[str, Any]:
    """Run an experiment; what was seen of its first slice, its functions and its clouds.

    Returns:
        utilisation_pct, peak_pct: of the slice's capacity, mean and highest of the samples.
        sessions, waited: how many arrived, and how many of them were not admitted at once.
        functions, clouds: utilisation in percent by name.
    """
    import numpy as np
    from slicenet.mgrs.nfMgr import NfMgr
    from slicenet.mgrs.serviceMgr import ServiceMgr
    from slicenet.utils.experimentMgr import ExperimentMgr

    np.random.seed(seed)  # slicenet draws delays from the global generator
    manager = ExperimentMgr()
    manager.loadExperimentsFromFiles([path], os.path.dirname(path) or ".")
    (experiment,) = manager.experiments
    (slice_,) = experiment.exp_slices.values()
    sessions = list(experiment.exp_slicelets.values())
    threading.Thread(target=manager.deployAndLaunch, daemon=True).start()
    _await_traffic(ServiceMgr, len(sessions))
    if not slice_.get_exp_status():
        raise RuntimeError("the slice was not deployed: its functions do not fit the clouds")
    started_s = time.monotonic()
    used: list[float] = []
    admitted_s: dict[str, float] = {}
    while (passed_s := time.monotonic() - started_s) < end_s:
        if passed_s >= begin_s:
            used.append(slice_.getSliceUtilRatio())
        for session in sessions:
            if session.exp_admitted:
                admitted_s.setdefault(session.name, passed_s)
        time.sleep(SAMPLE_S)
    arrived = [one for one in sessions if begin_s <= one.initRandomDelaySecs < end_s - PROMPT_S]
    waited = [
        one
        for one in arrived
        if admitted_s.get(one.name, end_s) - one.initRandomDelaySecs > PROMPT_S
    ]
    return {
        "utilisation_pct": sum(used) / len(used),
        "peak_pct": max(used),
        "sessions": len(arrived),
        "waited": len(waited),
        "functions": {nf.name: nf.getNfUtilRatio() for nf in experiment.exp_nfs.values()},
        "clouds": {c.name: c.returnAvgCloudUtilRatio() for c in NfMgr.clouds.values()},
    }


def _await_traffic(manager: Any, sessions: int) -> None:
    """Until every session has been handed over, which is when the clock starts."""
    ends_s = time.monotonic() + START_S_MAX
    while len(manager.traffic) < sessions:
        if time.monotonic() > ends_s:
            raise RuntimeError("slicenet did not start its sessions")
        time.sleep(SAMPLE_S)


def main() -> None:
    path, begin_s, end_s, seed = sys.argv[1:]
    said = sys.stdout
    sys.stdout = sys.stderr  # slicenet prints tables
    body = observed(path, float(begin_s), float(end_s), int(seed))
    said.write(json.dumps(body) + "\n")
    said.flush()
    os._exit(0)  # sessions that wait would hold the process for a minute


if __name__ == "__main__":
    main()
