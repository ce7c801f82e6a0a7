"""`entente export`: a slice as the tenant's API shows it, written as descriptors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coordinator.descriptors import SliceDescription
from coordinator.model import ServiceProfile, SliceType
from deploy.plain import Plain
from domains.descriptors.service import Part
from domains.errors import EntenteError, InvalidRequest, NotFound, WrongState
from domains.model import (
    Attachment,
    DomainKind,
    FunctionInstance,
    Isolation,
    Metrics,
    NetworkFunction,
    SliceProfile,
)

_SERVICE_VALUES = (
    "name",
    "latency_us_max",
    "availability_ppb_min",
    "downlink_kbps",
    "uplink_kbps",
    "devices",
    "origin",
    "destination",
)


def described(found: Plain, views: Sequence[Plain]) -> SliceDescription:
    """An active slice with its parts.

    Args:
        found: as `Tenant.slice`; views: as `Tenant.domains`, for whose operators run the parts.

    Raises:
        WrongState: the slice is not active.
        NotFound: one of its domains is not known now.
    """
    if found["state"] != "activated":
        raise WrongState(
            f"{found['name']} is {found['state']}; only an active slice has descriptors"
        )
    topologies = {view["topology"]["domain"]: view["topology"] for view in views}
    service = service_of(found["agreed"])
    slice_id = found["name"].removeprefix("slices/")
    return SliceDescription(
        slice_id=slice_id,
        service=service,
        metrics=Metrics(**found["metrics"]),
        parts=tuple(
            _part(found, segment, index + 1, service, topologies)
            for index, segment in enumerate(found["segments"])
        ),
        released=found["create_time"],
        revision=found["revision"],
    )


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write all files below a folder that is new or empty.

    Raises:
        InvalidRequest: there is something in it already.
        EntenteError: the disk refuses.
    """
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise InvalidRequest(f"{folder} is not empty; name another folder", field="out")
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    except OSError as error:
        raise EntenteError(f"{folder} cannot be written: {error.strerror}") from error


def service_of(agreed: Plain) -> ServiceProfile:
    """A service profile as the tenant's API shows it, in the coordinator's own type."""
    return ServiceProfile(
        slice_type=SliceType(agreed["sst"]),
        isolation=Isolation(agreed["isolation"]),
        functions=tuple(NetworkFunction(**function) for function in agreed["functions"]),
        **{key: agreed[key] for key in _SERVICE_VALUES},
    )


def _part(
    found: Plain,
    segment: Plain,
    position: int,
    service: ServiceProfile,
    topologies: Mapping[str, Plain],
) -> Part:
    name = segment["domain"]
    if name not in topologies:
        raise NotFound(f"the coordinator does not know domain {name} now", domain=name)
    kind = DomainKind(topologies[name]["kind"])
    metrics = Metrics(**segment["metrics"])
    return Part(
        slice_id=found["name"].removeprefix("slices/"),
        position=position,
        domain=name,
        kind=kind,
        operator=topologies[name]["operator"],
        profile=_profile(segment, metrics, service, kind),
        metrics=metrics,
        attachments=tuple(Attachment(**one) for one in segment["attachments"]),
        functions=tuple(FunctionInstance(**one) for one in segment["functions"]),
        hold_id=segment["hold"].rpartition("/")[2],
        released=found["create_time"],
        revision=found["revision"],
    )


def _profile(
    segment: Mapping[str, Any], metrics: Metrics, service: ServiceProfile, kind: DomainKind
) -> SliceProfile:
    """The domain's share as it was negotiated: what it promises is what it has to keep."""
    return SliceProfile(
        ingress=segment["ingress"],
        egress=segment["egress"],
        latency_us_max=metrics.latency_us,
        availability_ppb_min=metrics.availability_ppb,
        downlink_kbps=metrics.downlink_kbps,
        uplink_kbps=metrics.uplink_kbps,
        devices=metrics.devices,
        isolation=service.isolation,
        functions=service.functions if kind is DomainKind.CLOUD else (),
    )
