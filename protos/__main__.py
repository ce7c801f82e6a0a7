"""Regenerates the checked-in stubs: `python -m protos`, in the generator's own environment.

Stubs are checked in because `ray job submit` uploads what git tracks, and because clients should
not need protoc. They are generated with the oldest supported generator (`make protos` pins it), as
generated code refuses every runtime that is older than its generator.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import google.longrunning
import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Write the stubs; with a file name as argument also a descriptor set, for linters."""
    installed = Path(next(iter(google.longrunning.__path__))).parents[1]
    with tempfile.TemporaryDirectory() as include:
        # googleapis-common-protos ships google/longrunning/operations.proto under another file
        # name than the one by which every other language imports it.
        home = Path(include, "google/longrunning")
        home.mkdir(parents=True)
        shutil.copy(
            installed / "google/longrunning/operations_proto.proto", home / "operations.proto"
        )
        files = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("protos/slicing/v1/*.proto"))
        services = [name for name in files if "\nservice " in Path(ROOT, name).read_text()]
        well_known = Path(grpc_tools.__file__).with_name("_proto")
        includes = [f"-I{path}" for path in (ROOT, include, installed, well_known)]
        messages = [f"--python_out={ROOT}", f"--mypy_out=quiet:{ROOT}"]
        if sys.argv[1:]:
            messages += ["--include_imports", "--include_source_info", f"-o{sys.argv[1]}"]
        calls = [f"--grpc_python_out={ROOT}", f"--mypy_grpc_out=quiet:{ROOT}"]
        failed = protoc.main(["protoc", *includes, *messages, *files])
        return int(failed or protoc.main(["protoc", *includes, *calls, *services]))


if __name__ == "__main__":
    sys.exit(main())
