"""One domain's part of a slice as a network service: its SOL001 NSD in a SOL007 archive."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domains.descriptors import csar, vnf
from domains.descriptors.tosca import (
    NSD_TYPES,
    Values,
    fixed,
    identifier,
    line,
    symbol,
    template,
    types,
)
from domains.descriptors.vnf import BITS_PER_KBIT, COMPATIBLE, FLAVOUR, FOOTPRINTS, UNKNOWN, Vnf
from domains.model import (
    Attachment,
    DomainKind,
    FunctionInstance,
    Metrics,
    NetworkFunction,
    SliceProfile,
)

STRUCTURE_VERSION: Final = "1.0"
_COPY: Final = re.compile(r"-\d+$")


@dataclass(frozen=True, slots=True)
class Part:
    """A confirmed hold as the descriptors see it.

    Attributes:
        position: of the domain in the chain, from 1 at the devices.
        profile: what was agreed with the domain; metrics: what it promises.
        released: RFC 3339 time of the slice; revision: of the slice, rises with every change.
    """

    slice_id: str
    position: int
    domain: str
    kind: DomainKind
    operator: str
    profile: SliceProfile
    metrics: Metrics
    attachments: tuple[Attachment, ...]
    functions: tuple[FunctionInstance, ...]
    hold_id: str
    released: str
    revision: int

    @property
    def name(self) -> str:
        """Safe in file names and documents; unique within the slice."""
        return f"{self.position}-{symbol(self.domain)}"

    @property
    def ingress(self) -> str:
        return self.profile.ingress

    @property
    def egress(self) -> str:
        return self.profile.egress

    @property
    def node_type(self) -> str:
        return f"entente.nodes.ns.{self.name}"

    @property
    def file(self) -> str:
        """Of the NSD."""
        return f"nsd-{self.name}.yaml"

    @property
    def types_file(self) -> str:
        return f"types-{self.file}"

    @property
    def title(self) -> str:
        return line(f"{self.domain} part of slice {self.slice_id}")

    @property
    def invariant_id(self) -> str:
        return identifier("nsd", self.slice_id, str(self.position), self.domain)

    @property
    def descriptor_id(self) -> str:
        return identifier(self.invariant_id, self.hold_id, str(self.revision))

    def vnf(self, instance: FunctionInstance) -> Vnf:
        """The product that an instance is made from."""
        return Vnf(self._size(instance), self.operator, _peak_kbps(self.metrics))

    def vnfs(self) -> Mapping[str, Vnf]:
        """Every product of this part, under its name."""
        found = (self.vnf(instance) for instance in self.functions)
        return {product.name: product for product in found}

    def properties(self) -> Values:
        """Of a node of `node_type`, in its own NSD or a composite one."""
        return ns_properties(
            self.descriptor_id, self.operator, self.revision, self.title, self.invariant_id
        )

    def _size(self, instance: FunctionInstance) -> NetworkFunction:
        """As asked for, where the tenant asked for it; else as functions of that type are."""
        name = _COPY.sub("", instance.name.removesuffix(f"-{self.hold_id[:8]}"))
        for function in self.profile.functions:
            if function.name == name:
                return function
        known = FOOTPRINTS.get(instance.function_type, UNKNOWN)
        return NetworkFunction(
            name,
            instance.function_type,
            known.cpu_millicores,
            known.memory_mib,
            known.storage_gib,
        )


def definitions(part: Part) -> dict[str, bytes]:
    """File name -> content: the NSD, the VNFDs of its functions, and the types of both."""
    kind = node_type(part.properties(), ("virtual_link_egress",))
    files = {
        part.file: nsd(part),
        part.types_file: types(part.operator, [NSD_TYPES], part.node_type, kind),
    }
    for product in part.vnfs().values():
        files |= vnf.definitions(product)
    return files


def package(part: Part) -> bytes:
    """The SOL007 archive."""
    metadata = manifest_metadata(
        part.operator, part.invariant_id, part.title, part.released, part.descriptor_id
    )
    log = f"{part.released} revision {part.revision} of the slice"
    return csar.archive(part.name, part.file, definitions(part), metadata, log)


def nsd(part: Part) -> bytes:
    """ETSI SOL001 clause 7: the functions on one virtual link between two access points."""
    nodes: dict[str, Values] = {
        "ns": {"type": part.node_type, "properties": part.properties()},
        "link": virtual_link(part.metrics, part.kind, f"{part.ingress} to {part.egress}"),
        "ingress": access_point(part.ingress, "link", part.kind),
        "egress": access_point(part.egress, "link", part.kind),
    }
    nodes |= {f"vnf-{symbol(one.name)}": _vnf_node(part.vnf(one)) for one in part.functions}
    topology: Values = {
        "substitution_mappings": {
            "node_type": part.node_type,
            "requirements": {
                "virtual_link": ["ingress", "external_virtual_link"],
                "virtual_link_egress": ["egress", "external_virtual_link"],
            },
        },
        "node_templates": nodes,
    }
    imports = [part.types_file, *(product.types_file for product in part.vnfs().values())]
    return template(part.title, part.operator, imports, topology)


def virtual_link(metrics: Metrics, kind: DomainKind, description: str) -> Values:
    """A SOL001 `NsVirtualLink` that keeps what was promised.

    Delay cannot vary by more than its own bound, which is all that was promised about it.
    """
    bound = f"{metrics.latency_us} us"
    link = border_link(metrics, kind, description)
    link["properties"]["vl_profile"]["qos"] = {"latency": bound, "packet_delay_variation": bound}
    return link


def border_link(metrics: Metrics, kind: DomainKind, description: str) -> Values:
    """The same where two domains meet: its delay is in the promises of both.

    The bit rate is the larger direction's.
    """
    rate = {"root": _peak_kbps(metrics) * BITS_PER_KBIT}
    transport = kind is DomainKind.TRANSPORT
    return {
        "type": "tosca.nodes.nfv.NsVirtualLink",
        "properties": {
            "description": line(description),
            "connectivity_type": {
                "layer_protocols": ["mpls" if transport else "ipv4"],
                "flow_pattern": "line" if transport else "mesh",
            },
            "vl_profile": {"max_bitrate_requirements": rate, "min_bitrate_requirements": rate},
        },
    }


def access_point(description: str, link: str, kind: DomainKind) -> Values:
    """A SOL001 `Sap`: where traffic enters or leaves."""
    return {
        "type": "tosca.nodes.nfv.Sap",
        "properties": {
            "description": line(description),
            "layer_protocols": ["mpls" if kind is DomainKind.TRANSPORT else "ipv4"],
        },
        "requirements": [{"internal_virtual_link": link}],
    }


def ns_properties(
    descriptor_id: str, designer: str, revision: int, title: str, invariant_id: str
) -> Values:
    """What a SOL001 `NS` must say of itself."""
    return {
        "descriptor_id": descriptor_id,
        "designer": line(designer),
        "version": f"1.{revision}",
        "name": title,
        "invariant_id": invariant_id,
        "flavour_id": FLAVOUR,
    }


def node_type(properties: Values, links: tuple[str, ...] = ()) -> Values:
    """A node type derived from `NS` for one descriptor; `links` beside the inherited one."""
    return {
        "derived_from": "tosca.nodes.nfv.NS",
        "properties": {key: fixed(value) for key, value in properties.items()},
        "requirements": [
            {
                name: {
                    "capability": "tosca.capabilities.nfv.VirtualLinkable",
                    "relationship": "tosca.relationships.nfv.VirtualLinksTo",
                    "node": "tosca.nodes.nfv.NsVirtualLink",
                    "occurrences": [0, 1],
                }
            }
            for name in links
        ],
    }


def manifest_metadata(
    designer: str, invariant_id: str, title: str, released: str, descriptor_id: str
) -> dict[str, str]:
    """The `metadata:` block of a SOL007 manifest."""
    return {
        "nsd_designer": csar.free_text(designer),
        "nsd_invariant_id": invariant_id,
        "nsd_id": descriptor_id,
        "nsd_name": csar.free_text(title),
        "nsd_file_structure_version": STRUCTURE_VERSION,
        "nsd_release_date_time": released,
        "compatible_specification_versions": COMPATIBLE,
    }


def _vnf_node(product: Vnf) -> Values:
    count = {"min_number_of_instances": 1, "max_number_of_instances": 1}
    return {
        "type": product.node_type,
        "properties": product.properties() | {"vnf_profile": count},
        "requirements": [{"virtual_link": "link"}],
    }


def _peak_kbps(metrics: Metrics) -> int:
    return max(metrics.downlink_kbps, metrics.uplink_kbps, 1)
