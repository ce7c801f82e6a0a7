"""The TS 28.541 Rel-19 JSON that we emit, attribute by attribute.

The 3GPP schemas let unknown keys pass, so a misspelt attribute would go unnoticed: these models
forbid them. Names and types as in TS28541_SliceNrm; throughput is in kbit/s, latency in ms,
availability in percent.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0)]
Percent = Annotated[float, Field(gt=0, lt=100)]
Count = Annotated[int, Field(ge=0)]
Sharing = Literal["SHARED", "NON_SHARED"]
Support = Literal["SUPPORTED", "NOT_SUPPORTED"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PlmnId(_Strict):
    """TS 28.623 `PlmnId`."""

    mcc: Annotated[str, Field(pattern=r"^[0-9]{3}$")]
    mnc: Annotated[str, Field(pattern=r"^[0-9]{2,3}$")]


class Snssai(_Strict):
    """TS 28.541 `Snssai`; `sd` tells slices of one type apart."""

    sst: Annotated[int, Field(ge=0, le=255)]
    sd: Annotated[str, Field(pattern=r"^[A-Fa-f0-9]{6}$")] | None = Field(
        default=None, exclude_if=lambda value: value is None
    )


class PlmnInfo(_Strict):
    """TS 28.541 `PlmnInfo`."""

    plmnId: PlmnId
    snssai: Snssai


class Throughput(_Strict):
    """TS 28.541 `XLThpt`, kbit/s."""

    guaThpt: Annotated[float, Field(ge=0)]


class Supported(_Strict):
    """TS 28.541 `DelayTolerance` and its like."""

    support: Support


class ServiceProfileJson(_Strict):
    """TS 28.541 `ServiceProfile`: the attributes we state, of 45."""

    serviceProfileId: str
    plmnInfoList: list[PlmnInfo]
    maxNumberofUEs: Count
    dLLatency: Positive
    uLLatency: Positive
    sst: Annotated[int, Field(ge=0, le=255)]
    networkSliceSharingIndicator: Sharing
    availability: Percent
    delayTolerance: Supported
    dLThptPerSlice: Throughput
    uLThptPerSlice: Throughput


class SubnetProfile(_Strict):
    """What TS 28.541 `RANSliceSubnetProfile` and `CNSliceSubnetProfile` have in common."""

    maxNumberofUEs: Count
    dLLatency: Positive
    uLLatency: Positive
    dLThptPerSliceSubnet: Throughput
    uLThptPerSliceSubnet: Throughput
    resourceSharingLevel: Sharing
    availability: Percent


class SliceProfileJson(_Strict):
    """TS 28.541 `SliceProfile`: one domain's share, under the profile of its kind."""

    sliceProfileId: str
    plmnInfoList: list[PlmnInfo]
    rANSliceSubnetProfile: SubnetProfile | None = None
    cNSliceSubnetProfile: SubnetProfile | None = None


class LogicalInterface(_Strict):
    """TS 28.541 `LogicalInterfaceInfo`."""

    logicalInterfaceType: Literal["VLAN", "MPLS", "SEGMENT"]
    logicalInterfaceId: str
    systemName: str
    portName: str


class ConnectionPoint(_Strict):
    """TS 28.541 `ConnectionPointInfo`."""

    connectionPointId: str
    connectionPointIdType: Literal["VLAN", "MPLS", "SEGMENT", "IPV4", "IPV6", "ATTACHMENT_CIRCUIT"]


class EpTransportAttributes(_Strict):
    """TS 28.541 `EP_Transport`: the attributes we state."""

    localLogicalInterfaceInfo: LogicalInterface
    qosProfile: str
    connectionPointRefList: list[ConnectionPoint]


class EpTransportJson(_Strict):
    """TS 28.541 `EP_Transport-Single`: where a transport slice meets its neighbour."""

    id: str
    attributes: EpTransportAttributes
