"""One attribute and a value, as people type them: what `entente why ID --not "..."` asks about."""

from __future__ import annotations

import math
import re

from coordinator.counterfactual import FIELD
from domains.model import Attribute

VALUE_MAX = 1 << 53
"""Beyond that a float is no exact integer."""

SCALE = {
    (Attribute.LATENCY, "us"): 1,
    (Attribute.LATENCY, "ms"): 1_000,
    (Attribute.LATENCY, "s"): 1_000_000,
    (Attribute.AVAILABILITY, "%"): 10_000_000,
    (Attribute.DEVICES, ""): 1,
    (Attribute.DEVICES, "devices"): 1,
    (Attribute.PRICE, "eur/h"): 1_000_000,
    **{
        (attribute, unit): scale
        for attribute in (Attribute.DOWNLINK, Attribute.UPLINK)
        for unit, scale in {"kbit/s": 1, "mbit/s": 1_000, "gbit/s": 1_000_000}.items()
    },
}
"""Unit -> how many of ours."""

_SAID = re.compile(r"\s*(?P<what>[a-z]+)\s+(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>[a-z/%]*)\s*")
_DEFAULT = {
    Attribute.LATENCY: "ms",
    Attribute.AVAILABILITY: "%",
    Attribute.DOWNLINK: "mbit/s",
    Attribute.UPLINK: "mbit/s",
    Attribute.DEVICES: "",
    Attribute.PRICE: "eur/h",
}


def changes(text: str) -> dict[str, int] | None:
    """The field of a service profile and its value; None where that is not what the text says."""
    said = _SAID.fullmatch(text.lower())
    if said is None:
        return None
    attribute = next((a for a in FIELD if a.value == said["what"]), None)
    if attribute is None:
        return None
    scale = SCALE.get((attribute, said["unit"] or _DEFAULT[attribute]))
    if scale is None:
        return None
    value = float(said["value"]) * scale
    if not math.isfinite(value) or not 1 <= value <= VALUE_MAX:
        return None
    return {FIELD[attribute]: round(value)}
