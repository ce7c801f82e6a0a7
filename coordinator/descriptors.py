"""Step 8, deploy: everything that an orchestrator needs of one slice, as files.

    service-profile.json                TS 28.541 ServiceProfile, as agreed
    slice.csar                          SOL007: a composite NSD over the domains' own
    1-access-north/slice-profile.json   TS 28.541 SliceProfile of the first domain, and so on
                   ep-transport-*.json  TS 28.541 EP_Transport, one for each attachment
                   nsd.csar             SOL007: its part as a network service
                   vnf-*.csar           SOL004: a package for each network function

Pure: the same slice gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from coordinator.model import ServiceProfile
from coordinator.profile import service_profile_json, slice_profile_json
from coordinator.profile_schema import (
    ConnectionPoint,
    EpTransportAttributes,
    EpTransportJson,
    LogicalInterface,
)
from domains.descriptors import csar, service, vnf
from domains.descriptors.service import Part
from domains.descriptors.tosca import NSD_TYPES, Values, identifier, line, symbol, template, types
from domains.model import Attachment, DomainKind, Metrics

DESIGNER: Final = "Entente"
_NODE_TYPE: Final = "entente.nodes.ns.slice"
_ENTRY: Final = "nsd-slice.yaml"
_TYPES: Final = "types-nsd-slice.yaml"


@dataclass(frozen=True, slots=True)
class SliceDescription:
    """An active slice.

    Attributes:
        service: as agreed; metrics: what the domains promise together, end to end.
        parts: in the order of the chain, at least one.
        released: RFC 3339; when the slice was asked for.
    """

    slice_id: str
    service: ServiceProfile
    metrics: Metrics
    parts: tuple[Part, ...]
    released: str
    revision: int

    @property
    def title(self) -> str:
        return line(f"{self.service.name}, slice {self.slice_id}")

    @property
    def invariant_id(self) -> str:
        return identifier("slice", self.slice_id)

    @property
    def descriptor_id(self) -> str:
        return identifier(self.invariant_id, str(self.revision))

    @property
    def differentiator(self) -> str:
        """The SD of the S-NSSAI: tells this slice from others of its type."""
        return hashlib.sha256(self.slice_id.encode()).hexdigest()[:6].upper()


def files(described: SliceDescription) -> dict[str, bytes]:
    """Path -> content, all of it."""
    profile = service_profile_json(described.service, sd=described.differentiator)
    made = {"service-profile.json": _json(profile), "slice.csar": package(described)}
    for part in described.parts:
        made |= {f"{part.name}/{path}": content for path, content in _of(described, part).items()}
    return made


def package(described: SliceDescription) -> bytes:
    """The SOL007 archive of the whole slice, with every domain's definitions."""
    definitions = {_ENTRY: nsd(described), _TYPES: _types(described)}
    for part in described.parts:
        definitions |= service.definitions(part)
    metadata = service.manifest_metadata(
        DESIGNER,
        described.invariant_id,
        described.title,
        described.released,
        described.descriptor_id,
    )
    log = f"{described.released} revision {described.revision} of the slice"
    return csar.archive("slice", _ENTRY, definitions, metadata, log)


def nsd(described: SliceDescription) -> bytes:
    """A composite NSD (SOL001 clause 7.10): one nested service per domain, joined at borders."""
    parts = described.parts
    borders = [f"border-{here.position}" for here in parts]
    nodes: dict[str, Values] = {
        "ns": {"type": _NODE_TYPE, "properties": _properties(described)},
        "border-0": service.border_link(described.metrics, parts[0].kind, parts[0].ingress),
        "devices": service.access_point(parts[0].ingress, "border-0", parts[0].kind),
        "application": service.access_point(parts[-1].egress, borders[-1], parts[-1].kind),
    }
    for before, part, after in zip(["border-0", *borders], parts, borders, strict=False):
        nodes[after] = service.border_link(part.metrics, DomainKind.TRANSPORT, _border(part))
        nodes[f"part-{part.name}"] = {
            "type": part.node_type,
            "properties": part.properties(),
            "requirements": [{"virtual_link": before}, {"virtual_link_egress": after}],
        }
    topology: Values = {
        "substitution_mappings": {
            "node_type": _NODE_TYPE,
            "requirements": {
                "virtual_link": ["devices", "external_virtual_link"],
                "virtual_link_egress": ["application", "external_virtual_link"],
            },
        },
        "node_templates": nodes,
    }
    imports = [_TYPES, *(part.types_file for part in parts)]
    return template(described.title, DESIGNER, imports, topology)


def _types(described: SliceDescription) -> bytes:
    kind = service.node_type(_properties(described), ("virtual_link_egress",))
    return types(DESIGNER, [NSD_TYPES], _NODE_TYPE, kind)


def _properties(described: SliceDescription) -> Values:
    return service.ns_properties(
        described.descriptor_id,
        DESIGNER,
        described.revision,
        described.title,
        described.invariant_id,
    )


def _border(part: Part) -> str:
    labels = [str(a.label) for a in part.attachments if a.border_point == part.egress]
    return f"{part.egress}, MPLS label {', '.join(labels)}" if labels else part.egress


def _of(described: SliceDescription, part: Part) -> dict[str, bytes]:
    """The files of one domain's part."""
    profile = slice_profile_json(
        part.profile, part.kind, described.service.slice_type, sd=described.differentiator
    )
    made = {"slice-profile.json": _json(profile), "nsd.csar": service.package(part)}
    for attachment in part.attachments:
        name = f"ep-transport-{symbol(attachment.border_point)}.json"
        made[name] = _json(ep_transport(part, attachment))
    for name, product in part.vnfs().items():
        made[f"vnf-{name}.csar"] = vnf.package(product, part.released)
    return made


def ep_transport(part: Part, attachment: Attachment) -> dict[str, object]:
    """TS 28.541 Rel-19 `EP_Transport` of one attachment.

    Rel-19 has no slice profile for transport: this, and the QoS of the virtual link in the NSD
    that `qosProfile` names, are a transport domain's share.
    """
    interface = LogicalInterface(
        logicalInterfaceType="MPLS",
        logicalInterfaceId=str(attachment.label),
        systemName=part.domain,
        portName=attachment.border_point,
    )
    point = ConnectionPoint(
        connectionPointId=attachment.border_point, connectionPointIdType="ATTACHMENT_CIRCUIT"
    )
    document = EpTransportJson(
        id=f"{part.domain}:{attachment.border_point}",
        attributes=EpTransportAttributes(
            localLogicalInterfaceInfo=interface,
            qosProfile=f"{part.file}#link",
            connectionPointRefList=[point],
        ),
    )
    return document.model_dump()


def _json(document: Mapping[str, object]) -> bytes:
    return (json.dumps(document, indent=2) + "\n").encode()
