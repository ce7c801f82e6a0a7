"""The ledger's promises, one at a time, in the order in which a hold lives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from domains.errors import (
    CapacityInsufficient,
    HoldLapsed,
    HoldNotReplaceable,
    HoldReleased,
    InvalidRequest,
    LabelInUse,
    NotFound,
    Overloaded,
    RequestIdReused,
    StaleEpoch,
)
from domains.ledger import Ledger
from domains.model import (
    Attachment,
    Hold,
    HoldRequest,
    HoldState,
    Isolation,
    Metrics,
    Offer,
    SliceProfile,
)
from domains.records import LedgerLimits

LIMITS = LedgerLimits(max_ttl_s=60.0, retention_s=100.0)
PROFILE = SliceProfile("berlin", "west", 5_000, 999_900_000, 8, 8, 1, Isolation.SHARED)
OFFER = Offer("offer-1", Metrics(4_000, 999_990_000, 8, 8, 1, 1_000))
ALICE, BOB = "spiffe://one.example/coordinator/a", "spiffe://two.example/coordinator/b"


def request(hold_id: str = "hold-1", **changes: Any) -> HoldRequest:
    plain = HoldRequest(hold_id, "slice-1", "clinic", PROFILE, OFFER, (), 30.0, 1)
    return replace(plain, **changes)


def ledger(capacity: int = 10, limits: LedgerLimits = LIMITS) -> Ledger:
    return Ledger({"spectrum": capacity, "cpu": capacity}, limits)


def hold(book: Ledger, asked: HoldRequest, units: int = 4, now_s: float = 0.0) -> Hold:
    return book.hold(ALICE, asked, {"spectrum": units}, (), now_s)


def confirmed(book: Ledger, asked: HoldRequest, units: int = 4) -> Hold:
    hold(book, asked, units)
    return book.confirm(ALICE, asked.hold_id, asked.epoch, 0.0)


def test_a_hold_takes_capacity_and_a_release_gives_all_of_it_back() -> None:
    book = ledger()
    assert hold(book, request()).state is HoldState.HELD
    assert (book.free("spectrum"), book.free("cpu")) == (6, 10)
    ended = book.release(ALICE, "hold-1", 1, "tenant left", 1.0)
    assert ended is not None
    assert ended.state is HoldState.RELEASED
    assert book.free("spectrum") == 10


def test_what_is_not_free_cannot_be_held_and_nothing_is_taken() -> None:
    book = ledger()
    hold(book, request())
    with pytest.raises(CapacityInsufficient):
        book.hold(ALICE, request("hold-2"), {"cpu": 1, "spectrum": 7}, (), 0.0)
    assert book.used() == {"spectrum": 4, "cpu": 0}
    hold(book, request("hold-3"), 6)
    assert book.free("spectrum") == 0


def test_a_refusal_names_no_inner_resource_and_no_residual() -> None:
    with pytest.raises(CapacityInsufficient) as refused:
        hold(ledger(), request(), 11)
    assert "spectrum" not in str(refused.value) + str(refused.value.metadata)
    assert "10" not in str(refused.value) + str(refused.value.metadata)


def test_a_repeated_hold_answers_as_at_first_even_once_confirmed() -> None:
    book = ledger()
    first = hold(book, request())
    book.confirm(ALICE, "hold-1", 1, 1.0)
    assert book.hold(ALICE, request(), {"spectrum": 9}, (), 2.0) == first
    assert book.used()["spectrum"] == 4


def test_a_restarted_coordinator_may_repeat_its_hold_with_a_higher_epoch() -> None:
    book = ledger()
    first = hold(book, request(epoch=1))
    assert hold(book, request(epoch=2)) == first


@pytest.mark.parametrize(
    "changes",
    [
        {"slice_id": "slice-2"},
        {"tenant": "bank"},
        {"profile": replace(PROFILE, devices=2)},
        {"offer": replace(OFFER, offer_id="offer-2")},
        {"attachments": (Attachment("west", 16),)},
        {"ttl_s": 31.0},
        {"replaces": "hold-0"},
    ],
)
def test_an_id_with_another_body_is_refused(changes: dict[str, Any]) -> None:
    book = ledger()
    hold(book, request())
    with pytest.raises(RequestIdReused):
        hold(book, request(**changes))


@pytest.mark.parametrize("ttl_s", [0.0, -0.0, -1.0, 60.001, 3e9, float("nan"), float("inf")])
def test_a_time_to_live_out_of_range_is_refused_by_name_value_and_limit(ttl_s: float) -> None:
    book = ledger()
    with pytest.raises(InvalidRequest) as refused:
        hold(book, request(ttl_s=ttl_s))
    assert refused.value.metadata == {
        "field": "ttl_s",
        "requested": str(ttl_s),
        "limit": "60.0",
        "unit": "s",
    }
    assert (book.generation, book.take()) == (0, [])


def test_the_longest_time_to_live_is_granted() -> None:
    assert hold(ledger(), request(ttl_s=60.0), now_s=5.0).expire_time_s == 65.0


def test_a_hold_can_be_confirmed_until_just_before_it_expires() -> None:
    book = ledger()
    hold(book, request())
    assert book.confirm(ALICE, "hold-1", 1, 29.999).state is HoldState.CONFIRMED


def test_a_late_confirm_is_refused_though_nobody_swept() -> None:
    book = ledger()
    hold(book, request())
    with pytest.raises(HoldLapsed):
        book.confirm(ALICE, "hold-1", 1, 30.0)
    assert book.free("spectrum") == 10


def test_an_expired_hold_keeps_nobody_from_its_capacity_though_nobody_swept() -> None:
    book = ledger()
    hold(book, request(attachments=(Attachment("west", 16),)), 10)
    later = request("hold-2", attachments=(Attachment("west", 16),))
    assert hold(book, later, 10, now_s=30.0).state is HoldState.HELD


def test_what_is_confirmed_never_lapses() -> None:
    book = ledger()
    confirmed(book, request())
    assert book.lapse(1e9) == []
    assert book.used()["spectrum"] == 4


def test_a_repeated_confirm_answers_the_same() -> None:
    book = ledger()
    first = confirmed(book, request())
    assert book.confirm(ALICE, "hold-1", 1, 500.0) == first


def test_a_release_that_overtakes_its_hold_wins() -> None:
    book = ledger()
    assert book.release(ALICE, "hold-1", 1, "gave up", 0.0) is None
    assert book.release(ALICE, "hold-1", 1, "gave up", 0.0) is None
    with pytest.raises(HoldReleased) as refused:
        hold(book, request(), now_s=1.0)
    assert refused.value.metadata["because"] == "gave up"
    assert book.used()["spectrum"] == 0


def test_a_tombstone_is_forgotten_after_the_retention_and_not_before() -> None:
    book = ledger()
    book.release(ALICE, "hold-1", 1, "", 0.0)
    with pytest.raises(HoldReleased):
        hold(book, request(), now_s=99.999)
    assert hold(book, request(), now_s=100.0).state is HoldState.HELD


def test_a_release_tells_how_the_hold_ended_before() -> None:
    book = ledger()
    hold(book, request())
    ended = book.release(ALICE, "hold-1", 1, "late", 30.0)
    assert ended is not None
    assert ended.state is HoldState.LAPSED


@pytest.mark.parametrize(
    "call",
    [
        lambda book: book.hold(BOB, request(), {}, (), 0.0),
        lambda book: book.confirm(BOB, "hold-1", 1, 0.0),
        lambda book: book.release(BOB, "hold-1", 1, "", 0.0),
        lambda book: book.confirm(BOB, "hold-2", 1, 0.0),
    ],
)
def test_what_is_another_owners_is_not_found(call: Callable[[Ledger], object]) -> None:
    book = ledger()
    hold(book, request())
    with pytest.raises(NotFound):
        call(book)
    assert book.holds(BOB) == []
    assert len(book.holds(ALICE)) == 1


def test_a_coordinator_of_the_past_can_change_nothing() -> None:
    book = ledger()
    hold(book, request(epoch=2))
    calls: list[Callable[[], object]] = [
        lambda: hold(book, request(epoch=1)),
        lambda: book.confirm(ALICE, "hold-1", 1, 0.0),
        lambda: book.release(ALICE, "hold-1", 1, "", 0.0),
    ]
    for call in calls:
        with pytest.raises(StaleEpoch) as refused:
            call()
        assert refused.value.metadata == {"epoch": "1", "newest": "2"}
    assert book.hold(BOB, request("hold-2", epoch=1), {}, (), 0.0).state is HoldState.HELD


def test_even_a_refused_call_raises_the_fence() -> None:
    book = ledger()
    with pytest.raises(NotFound):
        book.confirm(ALICE, "unknown", 7, 0.0)
    with pytest.raises(StaleEpoch):
        hold(book, request(epoch=6))


def test_a_transport_label_belongs_to_one_segment_per_border_point() -> None:
    book = ledger()
    hold(book, request(attachments=(Attachment("west", 16),)))
    with pytest.raises(LabelInUse) as refused:
        hold(book, request("hold-2", attachments=(Attachment("west", 16),)))
    assert refused.value.metadata == {"border_point": "west", "requested": "16"}
    hold(book, request("hold-3", attachments=(Attachment("east", 16),)))
    book.release(ALICE, "hold-1", 1, "", 0.0)
    hold(book, request("hold-2", attachments=(Attachment("west", 16),)), 1)


class TestReplacing:
    """A slice that changes in place: old and new together cost the larger of the two."""

    def test_growing_needs_only_the_difference(self) -> None:
        book = ledger()
        confirmed(book, request(), 6)
        assert book.free_for(ALICE, "hold-1")("spectrum") == 10
        hold(book, request("hold-2", replaces="hold-1"), 10)
        assert book.free("spectrum") == 0

    def test_shrinking_frees_nothing_before_the_old_one_is_released(self) -> None:
        book = ledger()
        confirmed(book, request(), 6)
        hold(book, request("hold-2", replaces="hold-1"), 2)
        assert book.free("spectrum") == 4
        book.release(ALICE, "hold-1", 1, "replaced", 0.0)
        assert book.free("spectrum") == 8

    @pytest.mark.parametrize(("given_up", "left"), [("hold-1", 3), ("hold-2", 6)])
    def test_giving_up_either_leaves_the_other_fully_charged(
        self, given_up: str, left: int
    ) -> None:
        book = ledger()
        confirmed(book, request(), 6)
        book.hold(ALICE, request("hold-2", replaces="hold-1"), {"spectrum": 3, "cpu": 2}, (), 0.0)
        assert book.used() == {"spectrum": 6, "cpu": 2}
        book.release(ALICE, given_up, 1, "", 0.0)
        assert book.used()["spectrum"] == left

    def test_the_old_one_stands_when_the_new_one_lapses(self) -> None:
        book = ledger()
        confirmed(book, request(), 6)
        hold(book, request("hold-2", replaces="hold-1"), 9)
        book.lapse(30.0)
        assert [h.hold_id for h in book.holds(ALICE, "slice-1")] == ["hold-1"]
        assert book.used()["spectrum"] == 6

    def test_the_label_passes_on_and_back(self) -> None:
        label = (Attachment("west", 16),)
        for given_up, kept in (("hold-1", "hold-2"), ("hold-2", "hold-1")):
            book = ledger()
            confirmed(book, request(attachments=label))
            hold(book, request("hold-2", replaces="hold-1", attachments=label))
            book.release(ALICE, given_up, 1, "", 0.0)
            with pytest.raises(LabelInUse):
                hold(book, request("hold-3", attachments=label), 1)
            book.release(ALICE, kept, 1, "", 0.0)
            hold(book, request("hold-3", attachments=label), 1)

    def test_only_one_live_successor(self) -> None:
        book = ledger()
        confirmed(book, request())
        hold(book, request("hold-2", replaces="hold-1"))
        with pytest.raises(HoldNotReplaceable):
            hold(book, request("hold-3", replaces="hold-1"))
        book.release(ALICE, "hold-2", 1, "", 0.0)
        hold(book, request("hold-3", replaces="hold-1"))

    def test_a_successor_is_replaced_only_once_its_predecessor_is_gone(self) -> None:
        """Else a chain of any length would be charged once."""
        book = ledger()
        confirmed(book, request())
        confirmed(book, request("hold-2", replaces="hold-1"))
        with pytest.raises(HoldNotReplaceable):
            hold(book, request("hold-3", replaces="hold-2"))
        book.release(ALICE, "hold-1", 1, "", 0.0)
        hold(book, request("hold-3", replaces="hold-2"))

    def test_only_a_confirmed_hold_of_the_same_owner_and_slice(self) -> None:
        book = ledger()
        hold(book, request(), 1)
        with pytest.raises(HoldNotReplaceable):
            hold(book, request("hold-2", replaces="hold-1"), 1)
        book.confirm(ALICE, "hold-1", 1, 0.0)
        with pytest.raises(HoldNotReplaceable):
            hold(book, request("hold-2", replaces="hold-1", slice_id="slice-2"), 1)
        with pytest.raises(HoldNotReplaceable):
            book.hold(BOB, request("hold-2", replaces="hold-1"), {}, (), 0.0)
        with pytest.raises(HoldNotReplaceable):
            book.free_for(BOB, "hold-1")


@pytest.mark.parametrize("limit", ["live_max", "ended_max", "owners_max"])
def test_every_limit_is_named_when_it_is_reached(limit: str) -> None:
    tight: dict[str, Any] = {limit: 1}
    book = ledger(limits=replace(LIMITS, **tight))
    hold(book, request())
    if limit == "ended_max":
        book.release(ALICE, "hold-1", 1, "", 0.0)
        with pytest.raises(Overloaded):
            book.release(ALICE, "hold-9", 1, "", 0.0)
    owner = BOB if limit == "owners_max" else ALICE
    with pytest.raises(Overloaded) as refused:
        book.hold(owner, request("hold-2"), {}, (), 0.0)
    assert refused.value.metadata == {"limit": limit, "value": "1"}


def test_a_live_hold_can_be_released_whatever_the_limits_say() -> None:
    book = ledger(limits=replace(LIMITS, ended_max=1))
    hold(book, request("hold-1"), 1)
    hold(book, request("hold-2"), 1)
    book.release(ALICE, "hold-1", 1, "", 0.0)
    book.release(ALICE, "hold-2", 1, "", 0.0)
    assert book.used()["spectrum"] == 0


def test_ten_thousand_standing_holds_slow_nothing_down() -> None:
    """Compared within one run; the bound is loose, as a scan would be a thousand times over it."""

    def cost_s(standing: int) -> float:
        book = ledger(1_000_000)
        for number in range(standing):
            confirmed(book, request(f"standing-{number}", slice_id=f"slice-{number}"), 1)
        fastest = 1e9
        for attempt in range(5):
            started = time.perf_counter()
            for number in range(40):
                hold_id = f"hold-{attempt}-{number}"
                confirmed(book, request(hold_id), 1)
                book.release(ALICE, hold_id, 1, "", 0.0)
                book.lapse(1.0)
            fastest = min(fastest, time.perf_counter() - started)
        return fastest

    assert cost_s(10_000) < 5 * cost_s(0)
