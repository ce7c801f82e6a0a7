"""Start here: one tenant, one sentence, four domains, from the words to the end of the slices.

Everything is real: gRPC over mTLS, a SQLite file per domain, the coordinator's journal.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from protos.slicing.v1 import slices_pb2, types_pb2
from tests.asking import (
    answer,
    create,
    order_of,
    reason_of,
    slices_of,
    terminate,
    update,
)
from tests.federation import federation

SENTENCE = (
    "I run a telemedicine service between Berlin and Munich: high-quality video consultations "
    "for 200 patients, and remote control of a surgical robot that needs 10 ms end to end. "
    "Health data, so keep it isolated."
)


async def test_a_sentence_becomes_slices_in_four_domains_and_leaves_no_trace(
    tmp_path: Path,
) -> None:
    async with federation(tmp_path) as entente:
        clinic, stranger = entente.tenant("clinic"), entente.tenant("other")
        empty = entente.used()

        # Two services are found. One cannot be had as asked, so the clinic is asked first.
        asked = await create(clinic, SENTENCE)
        proposal = order_of(asked).proposal
        assert order_of(asked).state == slices_pb2.ORDER_STATE_PROPOSED
        (given,) = proposal.relaxations
        assert given.service == "surgical robot control"
        assert given.relaxation.attribute == types_pb2.ATTRIBUTE_LATENCY
        assert given.relaxation.requested == 10_000
        assert 10_000 < given.relaxation.achievable <= 12_000
        assert given.domain in entente.domains
        assert entente.used() == empty  # asking holds nothing

        # The clinic says yes: both slices are confirmed in all four domains.
        video, robot = slices_of(await answer(clinic, asked, yes=True))
        assert video.agreed == video.requested
        assert robot.requested.latency_us_max == 10_000
        assert robot.metrics.latency_us <= given.relaxation.achievable
        for slice_ in (video, robot):
            assert slice_.state == slices_pb2.SLICE_STATE_ACTIVATED
            assert {s.domain for s in slice_.segments} == set(entente.domains)
            assert sum(s.metrics.latency_us for s in slice_.segments) == slice_.metrics.latency_us
            assert slice_.metrics.latency_us <= slice_.agreed.latency_us_max
            assert slice_.metrics.availability_ppb >= slice_.agreed.availability_ppb_min
            for here, there in pairwise(slice_.segments):
                assert here.egress == there.ingress
                assert here.attachments[-1] == there.attachments[0]

        # Isolation is a requirement: each has functions of its own in access, core and cloud.
        # (What is common to all slices of a device, the AMF, stays so: TS 23.501 clause 5.15.1.)
        own = [
            {(s.domain, f.name) for s in x.segments for f in s.functions if f.dedicated}
            for x in (video, robot)
        ]
        assert own[0].isdisjoint(own[1])
        for functions in own:
            assert {domain for domain, _ in functions} == set(entente.domains) - {"transport-one"}

        # Every step is on record, and the record is whole.
        record = await clinic.GetDecisionRecord(
            slices_pb2.GetDecisionRecordRequest(name=asked.name)
        )
        steps = [event.step for event in record.events]
        assert record.verified
        assert steps.index("interpret") < steps.index("offers") < steps.index("reserve")
        assert "deploy" in steps

        # Another tenant sees nothing of it.
        assert not (await stranger.ListSlices(slices_pb2.ListSlicesRequest())).slices
        assert len((await clinic.ListSlices(slices_pb2.ListSlicesRequest())).slices) == 2

        # More patients: the video slice grows in place, then shrinks back.
        grown = video.agreed.downlink_kbps * 5 // 4
        (larger,) = slices_of(await update(clinic, video.name, downlink_kbps=grown))
        assert larger.name == video.name
        assert larger.agreed.downlink_kbps == grown
        (smaller,) = slices_of(
            await update(clinic, video.name, downlink_kbps=video.agreed.downlink_kbps)
        )
        assert smaller.agreed == video.agreed

        # What cannot be had is refused in words and numbers, and changes nothing.
        before = entente.used()
        refused = await update(clinic, robot.name, latency_us_max=1_000)
        reason, metadata = reason_of(refused.error)
        assert reason == "RELAXATION_NEEDED"
        assert metadata["attribute"] == "latency"
        assert metadata["requested"] == "1000"
        assert int(metadata["achievable"]) > 1_000
        assert entente.used() == before

        # The end: released everywhere, remembered as ended.
        for slice_ in (video, robot):
            (ended,) = slices_of(await terminate(clinic, slice_.name, "clinic closes"))
            assert ended.state == slices_pb2.SLICE_STATE_TERMINATED
            assert ended.reason == "clinic closes"
        assert entente.used() == empty
