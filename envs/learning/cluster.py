"""The Ray that a training runs in: the one of its job, the one it is told, or one of its own."""

import logging
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from domains.errors import Unreachable
from envs.learning.errors import TrainingFailed

OBJECT_STORE_BYTES: Final = 200 * 2**20


@contextmanager
def cluster(workers: int = 0) -> Iterator[Any]:
    """Ray, with room for so many processes that sample; one started here ends here.

    Raises:
        Unreachable: RAY_ADDRESS names a cluster that is not there, or Ray does not start.
    """
    ray: Any = sys.modules.get("ray")
    quiet: dict[str, Any] = {"configure_logging": False, "log_to_driver": False}
    if ray is not None and ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS")
    folder = Path(tempfile.mkdtemp(prefix="entente-train-", dir="/tmp"))
    try:
        if not address and ray is None:
            _own_token(folder)  # before the import, which reads it
        try:
            ray = import_module("ray")
            import_module("ray.rllib")
        except ModuleNotFoundError as missing:
            raise TrainingFailed(
                f"{sys.executable} has no {missing.name}: pip install 'entente-slicing[learn]'"
            ) from None
        for name in ("ray", "ray.rllib", "ray.tune", "ray._common"):
            # It warns of what it does itself, and sets levels as it is imported.
            logging.getLogger(name).setLevel(logging.ERROR)
        if address:
            _start(ray, address, **quiet)
        else:
            _start(
                ray,
                "local",
                num_cpus=workers + 1,
                include_dashboard=False,
                object_store_memory=OBJECT_STORE_BYTES,
                _temp_dir=str(folder),
                **quiet,
            )
        yield ray
    finally:
        if ray is not None:
            ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _start(ray: Any, address: str, **options: Any) -> None:
    try:
        ray.init(address=address, **options)
    except Exception as error:
        last = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        where = "Ray does not start" if address == "local" else f"no cluster answers at {address}"
        raise Unreachable(f"{where}: {last}") from None


def _own_token(folder: Path) -> None:
    """Ray listens on every interface: only who can read this file may use it."""
    token = folder / "token"
    with os.fdopen(os.open(token, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32))
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN_PATH"] = str(token)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
