"""One network function: its SOL001 VNFD, and the SOL004 package around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domains.descriptors import csar
from domains.descriptors.tosca import (
    VNFD_TYPES,
    Values,
    fixed,
    identifier,
    line,
    symbol,
    template,
    types,
)
from domains.model import NetworkFunction

DESCRIPTOR_VERSION: Final = "1.0"
SOFTWARE_VERSION: Final = "1.0"
FLAVOUR: Final = "default"
COMPATIBLE: Final = "4.4.1"
VNFM: Final = "etsivnfm:v4.4.1"
MILLICORES_PER_CPU: Final = 1_000
BITS_PER_KBIT: Final = 1_000

FOOTPRINTS: Final[Mapping[str, NetworkFunction]] = {
    function.function_type: function
    for function in (
        # Planning assumptions: 4 vCPU for a UPF is what the shipped core is priced by, the others
        # are in proportion.
        NetworkFunction("upf", "UPF", 4_000, 8_192, 20),
        NetworkFunction("smf", "SMF", 2_000, 4_096, 20),
        NetworkFunction("amf", "AMF", 2_000, 4_096, 20),
        NetworkFunction("cu-up", "CU-UP", 4_000, 8_192, 20),
    )
}
UNKNOWN: Final = NetworkFunction("function", "function", 2_000, 4_096, 20)
"""What a function takes of which nobody said it."""


@dataclass(frozen=True, slots=True)
class Vnf:
    """A product: what its instances are made from.

    Attributes:
        provider: who operates it, in people's words.
        kbps: what one connection point has to carry.
    """

    function: NetworkFunction
    provider: str
    kbps: int

    @property
    def name(self) -> str:
        """Safe in file names and documents."""
        return symbol(self.function.name)

    @property
    def node_type(self) -> str:
        return f"entente.nodes.vnf.{self.name}"

    @property
    def descriptor_id(self) -> str:
        function = self.function
        sizes = (function.cpu_millicores, function.memory_mib, function.storage_gib, self.kbps)
        return identifier("vnfd", self.provider, function.name, *map(str, sizes))

    @property
    def file(self) -> str:
        """Of the VNFD."""
        return f"vnfd-{self.name}.yaml"

    @property
    def types_file(self) -> str:
        return f"types-{self.file}"

    def properties(self) -> Values:
        """Of a node of `node_type`, in a VNFD or an NSD."""
        return {
            "descriptor_id": self.descriptor_id,
            "descriptor_version": DESCRIPTOR_VERSION,
            "provider": line(self.provider),
            "product_name": line(self.function.name),
            "software_version": SOFTWARE_VERSION,
            "vnfm_info": [VNFM],
            "flavour_id": FLAVOUR,
            "flavour_description": "the only one",
        }


def definitions(vnf: Vnf) -> dict[str, bytes]:
    """File name -> content: the VNFD and its node type."""
    kind = types(vnf.provider, [VNFD_TYPES], vnf.node_type, _node_type(vnf))
    return {vnf.file: vnfd(vnf), vnf.types_file: kind}


def vnfd(vnf: Vnf) -> bytes:
    """ETSI SOL001 clause 6: one compute unit with a disk and one external connection point."""
    topology: Values = {
        "substitution_mappings": {
            "node_type": vnf.node_type,
            "requirements": {"virtual_link": ["traffic", "external_virtual_link"]},
        },
        "node_templates": {
            "vnf": {"type": vnf.node_type, "properties": vnf.properties()},
            "vdu": _vdu(vnf),
            "disk": _disk(vnf),
            "port": _port(vnf),
            "inside": _inside(vnf),
            "traffic": {
                "type": "tosca.nodes.nfv.VnfExtCp",
                "properties": {"layer_protocols": ["ipv4"]},
                "requirements": [{"internal_virtual_link": "inside"}],
            },
        },
    }
    title = f"{vnf.function.function_type} of {vnf.provider}"
    return template(title, vnf.provider, [vnf.types_file], topology)


def package(vnf: Vnf, released: str) -> bytes:
    """The SOL004 archive of the VNFD; `released` is an RFC 3339 time."""
    metadata = {
        "vnfd_id": vnf.descriptor_id,
        "vnf_provider_id": csar.free_text(vnf.provider),
        "vnf_product_name": csar.free_text(vnf.function.name),
        "vnf_release_date_time": released,
        "vnf_software_version": SOFTWARE_VERSION,
        "vnf_package_version": DESCRIPTOR_VERSION,
        "vnfm_info": VNFM,
        "compatible_specification_versions": COMPATIBLE,
    }
    log = f"{released} first release"
    return csar.archive(vnf.name, vnf.file, definitions(vnf), metadata, log)


def _node_type(vnf: Vnf) -> Values:
    properties = {
        key: fixed(value) for key, value in vnf.properties().items() if isinstance(value, str)
    }
    manager = {"type": "list", "entry_schema": {"type": "string"}, "default": [VNFM]}
    return {
        "derived_from": "tosca.nodes.nfv.VNF",
        "properties": properties | {"vnfm_info": manager},
    }


def _vdu(vnf: Vnf) -> Values:
    function = vnf.function
    return {
        "type": "tosca.nodes.nfv.Vdu.Compute",
        "properties": {
            "name": line(function.name),
            "description": line(f"{function.function_type}, {function.cpu_millicores} millicores"),
            "vdu_profile": {"min_number_of_instances": 1, "max_number_of_instances": 1},
        },
        "capabilities": {
            "virtual_compute": {
                "properties": {
                    "virtual_memory": {
                        "virtual_mem_size": f"{max(function.memory_mib, 1)} MiB",
                        "numa_enabled": False,
                    },
                    "virtual_cpu": {
                        "num_virtual_cpu": max(-(-function.cpu_millicores // MILLICORES_PER_CPU), 1)
                    },
                }
            }
        },
        "requirements": [{"virtual_storage": "disk"}],
    }


def _disk(vnf: Vnf) -> Values:
    return {
        "type": "tosca.nodes.nfv.Vdu.VirtualBlockStorage",
        "properties": {
            "virtual_block_storage_data": {
                "size_of_storage": f"{max(vnf.function.storage_gib, 1)} GiB",
                "rdma_enabled": False,
            }
        },
    }


def _port(vnf: Vnf) -> Values:
    return {
        "type": "tosca.nodes.nfv.VduCp",
        "properties": {
            "layer_protocols": ["ipv4"],
            "bitrate_requirement": vnf.kbps * BITS_PER_KBIT,
        },
        "requirements": [{"virtual_binding": "vdu"}, {"virtual_link": "inside"}],
    }


def _inside(vnf: Vnf) -> Values:
    rate = {"root": vnf.kbps * BITS_PER_KBIT}
    return {
        "type": "tosca.nodes.nfv.VnfVirtualLink",
        "properties": {
            "connectivity_type": {"layer_protocols": ["ipv4"], "flow_pattern": "line"},
            "vl_profile": {"max_bitrate_requirements": rate, "min_bitrate_requirements": rate},
        },
    }
