"""Every limit of the coordinator, by name, with its unit and its reason."""

from __future__ import annotations

INTENT_BYTES_MAX = 8_192
"""A sentence, generously; a megabyte is refused before anyone reads it."""

RECALLED_MAX = 16
"""Remembered intents in one answer."""

SERVICES_MAX = 8
"""Services in one order: each costs a round of offers in every domain."""

FUNCTIONS_MAX = 32
LINKS_MAX = 64
NAME_CHARACTERS_MAX = 64

LATENCY_US_MAX = 60_000_000
"""A minute one way; anything slower is not a slice."""
KBPS_MAX = 1_000_000_000
"""1 Tbit/s."""
DEVICES_MAX = 100_000_000
COMPUTE_MAX = 100_000_000
"""Millicores, MiB or GiB of one function."""
PRICE_MICROS_MAX = 1_000_000_000_000

ORDERS_IN_PROGRESS_MAX = 1_024
TENANT_ORDERS_IN_PROGRESS_MAX = 256
ORDERS_REMEMBERED_MAX = 20_000
"""Finished orders kept in memory; of older ones the journal has the decision record."""
SLICES_ENDED_REMEMBERED_MAX = 20_000
"""Terminated slices that can still be shown with their reason; the same holds for older ones."""

NEGOTIATION_ROUNDS_MAX = 4
"""Counters to one order's menus, after the first; each is one call per domain at most."""

ATTEMPTS_MAX = 8
"""Rounds of offers and holds before an order that others keep overtaking is refused."""
BACKOFF_S = 0.02
"""First pause after being overtaken; doubled each time, jittered by half."""
BACKOFF_S_MAX = 1.0

PROPOSAL_TTL_S = 300.0
"""How long a proposal waits for the tenant's answer."""
HOLD_TTL_S = 30.0
ORDER_S_MAX = 60.0
"""An order that is not waiting for its tenant ends, one way or the other, within this."""
WAIT_S_MAX = 30.0
"""Long poll of CreateSlice and GetOperation."""

WATCHERS_MAX = 1_024
TENANT_WATCHERS_MAX = 256
PAGE_SIZE_MAX = 1_000
RECORD_EVENTS_MAX = 10_000
RECORD_BYTES_MAX = 2 * 1024 * 1024
"""Of the details of one decision record, the newest: with what a message adds to them it stays
below the 4 MiB that any gRPC client takes. `WatchSlice` streams all of them."""

DRAIN_S_MAX = 300.0
"""How long a slice that is to end may take to finish what is under way."""
