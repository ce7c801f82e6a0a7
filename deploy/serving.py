"""Ray Serve on the Ray that this process has, on a machine that may be busy."""

from __future__ import annotations

import logging
from contextlib import suppress

from deploy.web.address import loopback


def start_serve(listen: str) -> None:
    """Start Serve's controller and its proxy at an address of this machine, or find them running.

    Ray gives a proxy a minute, which a processor with much else to do exceeds. The controller is
    there by then and goes on; what is run on it next waits for the proxy once more.
    """
    from ray import serve

    logging.getLogger("ray.serve").setLevel(logging.WARNING)  # it tells people about every step
    host, port = loopback(listen)
    with suppress(TimeoutError):
        serve.start(
            http_options={"host": host, "port": port}, logging_config={"enable_access_log": False}
        )
