"""The radio frame, walked by hand: slots of half a millisecond, symbols of 35 677 ns."""

from __future__ import annotations

from fractions import Fraction

from domains.technologies.radio import Frame, Grant, Mode, Radio


def frame(pattern: str, grant: Grant, symbols: int) -> Frame:
    """30 kHz, N1 = 10 and N2 = 12 symbols of 35 677 ns."""
    mode = Mode(
        name="m",
        grant=grant,
        symbols=symbols,
        spectral_permille=1_000,
        loss_ppb=1,
        transmissions=(1,),
    )
    radio = Radio(
        numerology=1,
        pattern=pattern,
        special_downlink_symbols=10,
        prbs_per_sector=273,
        prbs_per_group=16,
        pdsch_symbols=Fraction(10),
        pusch_symbols=Fraction(12),
        downlink_millibit_per_hz=7_800,
        uplink_millibit_per_hz=5_400,
        downlink_overhead_permille=140,
        uplink_overhead_permille=80,
        modes=(mode,),
    )
    return Frame(radio, mode)


SEND_NS = 12 * 35_677 // 2  # half of T_proc,2
RECEIVE_NS = 10 * 35_677 // 2  # half of T_proc,1
SLOT_NS = 500_000


def test_an_uplink_packet_that_just_missed_its_slot_waits_a_whole_tdd_period() -> None:
    # The only U of DDDSU comes back after 5 slots; the packet came one nanosecond too late.
    expected = SEND_NS + 5 * SLOT_NS - 1 + SLOT_NS + RECEIVE_NS
    assert frame("DDDSU", Grant.CONFIGURED, 14).delay_ns(True, 1) == expected


def test_a_downlink_packet_waits_at_most_for_the_uplink_slot_to_pass() -> None:
    # Missed S (slot 3), next is slot 5 of the following period: 2 slots.
    expected = SEND_NS + 2 * SLOT_NS - 1 + SLOT_NS + RECEIVE_NS
    assert frame("DDDSU", Grant.CONFIGURED, 14).delay_ns(False, 1) == expected


def test_a_mini_slot_saves_half_a_slot_of_waiting_and_half_of_sending() -> None:
    whole = frame("DDDSU", Grant.CONFIGURED, 14).delay_ns(True, 1)
    half = frame("DDDSU", Grant.CONFIGURED, 7).delay_ns(True, 1)
    assert whole - half == SLOT_NS // 2 + SLOT_NS // 2


def test_asking_for_a_grant_costs_a_request_and_an_answer() -> None:
    # Request missed U: 2.5 ms - 1 ns until slot 4 + 0.5 ms. Decoded and the grant prepared in
    # 178 + 214 us: slot 5 has begun, slot 6 carries it. It is decoded, and the data prepared, in
    # slot 7: the next U is slot 9.
    waited_ns = 5 * SLOT_NS - 1 + 5 * SLOT_NS
    expected = SEND_NS + waited_ns + SLOT_NS + RECEIVE_NS
    assert frame("DDDSU", Grant.DYNAMIC, 14).delay_ns(True, 1) == expected


def test_each_retransmission_takes_one_tdd_period_more() -> None:
    walked = frame("DDDSU", Grant.CONFIGURED, 14)
    assert walked.delay_ns(True, 3) - walked.delay_ns(True, 1) == 2 * 5 * SLOT_NS


def test_paired_spectrum_never_waits_for_the_other_direction() -> None:
    walked = frame("F", Grant.CONFIGURED, 14)
    expected = SEND_NS + SLOT_NS - 1 + SLOT_NS + RECEIVE_NS
    assert walked.delay_ns(True, 1) == walked.delay_ns(False, 1) == expected
