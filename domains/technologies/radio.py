"""The radio frame: how long a packet can take from one end of the air interface to the other.

Worst case over all arrival times, found by walking the frame: processing as in TR 37.910 clause
5.7.1.1 (half of T_proc,2 to send, half of T_proc,1 to receive; TS 38.214 clauses 5.3 and 6.4),
then the next transmission opportunity of a slot with the right direction, then its duration.
Uplink without a configured grant first sends a scheduling request and waits for the grant. Every
retransmission waits for feedback in the other direction. Times in nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Self

from pydantic import Field, model_validator

from domains.model import PPB
from domains.technologies import NS_PER_US, PERMILLE, Name, Section, ceil_div

SUBCARRIERS_PER_PRB = 12
SYMBOLS_PER_SLOT = 14
SUBCARRIER_0_HZ = 15_000
SLOT_0_NS = 1_000_000
SYMBOL_0_NS = 71_354
"""One OFDM symbol with its normal prefix at numerology 0: (2048 + 144) / (15 kHz x 2048)."""

DOWN, UP = "DSF", "UF"
"""Slots that carry a direction: D and U, S mostly downlink, F both (paired spectrum)."""


class Grant(StrEnum):
    DYNAMIC = "dynamic"
    CONFIGURED = "configured"


class Mode(Section):
    """One way to schedule.

    Attributes:
        symbols: length of a transmission; 14 is a slot, less a mini-slot.
        spectral_permille: of the cell's average efficiency, at this mode's error target.
        loss_ppb: that one transmission fails.
        transmissions: how many to allow, to choose from.
    """

    name: Name
    grant: Grant
    symbols: int = Field(ge=1, le=SYMBOLS_PER_SLOT)
    spectral_permille: int = Field(ge=1, le=PERMILLE)
    loss_ppb: int = Field(ge=1, lt=PPB)
    transmissions: tuple[int, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if min(self.transmissions) < 1 or max(self.transmissions) > 16:
            raise ValueError("transmissions: each must be 1..16")
        return self


class Radio(Section):
    """`[access.radio]`.

    Attributes:
        numerology: mu; the subcarrier spacing is 15 kHz x 2^mu.
        pattern: the TDD frame, one letter of D, S, U per slot; F for paired spectrum.
        special_downlink_symbols: of the 14 symbols of S.
        prbs_per_group: of a resource block group.
        pdsch_symbols, pusch_symbols: N1 and N2 of the devices.
        *_millibit_per_hz: average spectral efficiency, thousandths of bit/s/Hz.
        *_overhead_permille: control and reference signals.
    """

    numerology: int = Field(ge=0, le=3)
    pattern: str = Field(pattern=r"^([DSU]{2,20}|F)$")
    special_downlink_symbols: int = Field(ge=0, le=SYMBOLS_PER_SLOT)
    prbs_per_sector: int = Field(ge=11, le=273)
    prbs_per_group: int = Field(ge=2, le=16)
    pdsch_symbols: Fraction = Field(ge=3, le=24)
    pusch_symbols: Fraction = Field(ge=5, le=40)
    downlink_millibit_per_hz: int = Field(ge=10, le=50_000)
    uplink_millibit_per_hz: int = Field(ge=10, le=50_000)
    downlink_overhead_permille: int = Field(ge=0, lt=PERMILLE)
    uplink_overhead_permille: int = Field(ge=0, lt=PERMILLE)
    modes: tuple[Mode, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not set(self.pattern) & set(DOWN) or not set(self.pattern) & set(UP):
            raise ValueError("pattern: needs slots of both directions")
        names = [mode.name for mode in self.modes]
        if len(set(names)) < len(names):
            raise ValueError("modes: two have the same name")
        return self


@dataclass(frozen=True, slots=True)
class Configuration:
    """A mode with its number of transmissions, and what that gives."""

    key: str
    delay_us: int
    loss_ppb: int
    downlink_bps_per_prb: int
    uplink_bps_per_prb: int


def configurations(radio: Radio) -> tuple[Configuration, ...]:
    """Every mode with every number of transmissions; delay is the worse direction's."""
    found = []
    for mode in radio.modes:
        frame = Frame(radio, mode)
        for count in mode.transmissions:
            loss_ppb = ceil_div(mode.loss_ppb**count, PPB ** (count - 1))
            delay_ns = max(frame.delay_ns(True, count), frame.delay_ns(False, count))
            rates = _rates_bps(radio, mode)
            found.append(
                Configuration(
                    f"{mode.name}-{count}", ceil_div(delay_ns, NS_PER_US), loss_ppb, *rates
                )
            )
    return tuple(found)


def _rates_bps(radio: Radio, mode: Mode) -> tuple[int, int]:
    """Downlink and uplink bit/s of one PRB held all the time, rounded down."""
    prb_hz = SUBCARRIERS_PER_PRB * SUBCARRIER_0_HZ << radio.numerology
    slots = len(radio.pattern)
    special = Fraction(radio.pattern.count("S") * radio.special_downlink_symbols, SYMBOLS_PER_SLOT)
    both = radio.pattern.count("F")
    down = prb_hz * radio.downlink_millibit_per_hz * (radio.pattern.count("D") + both + special)
    up = Fraction(prb_hz * radio.uplink_millibit_per_hz * (radio.pattern.count("U") + both))
    down *= PERMILLE - radio.downlink_overhead_permille
    up *= PERMILLE - radio.uplink_overhead_permille
    scale = Fraction(mode.spectral_permille, PERMILLE**3 * slots)
    return int(down * scale), int(up * scale)


class Frame:
    """The repeating pattern of slots, as one mode uses it."""

    def __init__(self, radio: Radio, mode: Mode) -> None:
        self._pattern = radio.pattern
        self._dynamic = mode.grant is Grant.DYNAMIC
        self._slot_ns = SLOT_0_NS >> radio.numerology
        self._per_slot = SYMBOLS_PER_SLOT // mode.symbols
        self._span_ns = ceil_div(self._slot_ns * mode.symbols, SYMBOLS_PER_SLOT)
        symbol_ns = ceil_div(SYMBOL_0_NS, 1 << radio.numerology)
        self._receive_ns = -int(-radio.pdsch_symbols * symbol_ns // 2)
        self._send_ns = -int(-radio.pusch_symbols * symbol_ns // 2)

    def delay_ns(self, uplink: bool, transmissions: int) -> int:
        """The longest a packet can take when all its transmissions are needed."""
        first = UP if uplink else DOWN
        arrivals = (start + 1 - self._send_ns for start in self._starts(first))
        return max(self._deliver(arrival, uplink, transmissions) - arrival for arrival in arrivals)

    def _deliver(self, arrival_ns: int, uplink: bool, transmissions: int) -> int:
        """When a packet that arrives then is decoded."""
        own, other = (UP, DOWN) if uplink else (DOWN, UP)
        now_ns = arrival_ns
        if uplink and self._dynamic:
            now_ns = self._hop(self._hop(now_ns, UP), DOWN)
        now_ns = self._hop(now_ns, own)
        for _ in range(transmissions - 1):
            now_ns = self._hop(self._hop(now_ns, other), own)
        return now_ns

    def _hop(self, now_ns: int, direction: str) -> int:
        """Prepare, wait for an opportunity, transmit, decode."""
        ready_ns = now_ns + self._send_ns
        return self._next(ready_ns, direction) + self._span_ns + self._receive_ns

    def _next(self, now_ns: int, direction: str) -> int:
        """The first opportunity that starts at `now_ns` or later."""
        slot = now_ns // self._slot_ns
        while True:
            if self._pattern[slot % len(self._pattern)] in direction:
                start_ns = slot * self._slot_ns
                ahead = max(ceil_div(now_ns - start_ns, self._span_ns), 0)
                if ahead < self._per_slot:
                    return start_ns + ahead * self._span_ns
            slot += 1

    def _starts(self, direction: str) -> list[int]:
        """Every opportunity of one period."""
        return [
            slot * self._slot_ns + part * self._span_ns
            for slot, letter in enumerate(self._pattern)
            if letter in direction
            for part in range(self._per_slot)
        ]
