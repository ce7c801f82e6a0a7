"""The catalogue's phrases as vectors, made once: encoding a thousand takes two seconds.

    python -m coordinator.intent.phrases      after a change of the catalogue

What the file lacks is encoded where it is needed, and what it has too much does no harm.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from coordinator.intent.encoder import Encoder, Vectors, load
from coordinator.intent.services import ENTRIES
from coordinator.intent.settings import DEFAULT_ENCODER

FILE = Path(__file__).with_name("phrases.npz")


def catalogue_phrases() -> list[str]:
    """Every name and phrase that a text is compared with; sectors say where, not what."""
    return [
        phrase
        for entry in ENTRIES
        if not entry.sector
        for phrase in dict.fromkeys((entry.name, *entry.phrases))
    ]


def encoded(phrases: Sequence[str], encoder: Encoder) -> list[Vectors]:
    """Their vectors, from the file where they are of the default encoder and in it."""
    known = _known() if encoder.name == DEFAULT_ENCODER else {}
    missing = [phrase for phrase in dict.fromkeys(phrases) if phrase not in known]
    made = dict(zip(missing, encoder.encode(missing), strict=True)) if missing else {}
    return [known[phrase] if phrase in known else made[phrase] for phrase in phrases]


@cache
def _known() -> dict[str, Vectors]:
    with np.load(FILE) as held:
        vectors = held["vectors"].astype(np.float32)
        phrases = bytes(held["phrases"]).decode().split("\n")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return dict(zip(phrases, vectors, strict=True))


def main() -> None:
    """Encode all of them and replace the file."""
    phrases = list(dict.fromkeys(catalogue_phrases()))
    vectors = load().encode(phrases).astype(np.float16)
    text = np.frombuffer("\n".join(phrases).encode(), np.uint8)
    np.savez_compressed(FILE, vectors=vectors, phrases=text)
    print(f"{len(phrases)} phrases, {FILE.stat().st_size / 1_000:.0f} kB")


if __name__ == "__main__":
    main()
