"""Where slices can be had, for whoever reads sentences without a coordinator at hand."""

from __future__ import annotations

from pathlib import Path

from coordinator.conversation.talks import Network
from deploy import federation
from domains.config import technology


def network(folder: Path) -> Network:
    """The coverage of a federation, from its folder of TOML files.

    Raises:
        InvalidRequest: see `federation.load`.
    """
    found = federation.load(folder)
    covering = [member.config for member in found.members if member.config.access is not None]
    areas = {area for config in covering for area in technology(config).areas}
    return Network(tuple(sorted(areas)), found.coordinator.default_area)
