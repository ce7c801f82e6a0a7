"""The two kinds of network that a policy file may hold, in numpy, for any leading shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from domains.errors import PolicyUnusable

Array = NDArray[np.float32]
Chain = tuple[tuple[Array, Array], ...]  # matrix [in, out] and bias [out] of each layer


class Activation(StrEnum):
    RELU = "relu"
    TANH = "tanh"


@dataclass(frozen=True, slots=True)
class Layers:
    """Fully connected layers from the whole observation to the logits."""

    layers: Chain
    activation: Activation

    @classmethod
    def of(
        cls, weights: Mapping[str, Array], inputs: int, outputs: int, activation: Activation
    ) -> Layers:
        """From `layer0`, `layer0_bias`, `layer1`, ..; PolicyUnusable where sizes do not fit."""
        layers = _chain(weights, "layer", inputs)
        last = layers[-1][0].shape[1] if layers else 0
        if last != outputs:
            raise PolicyUnusable(f"{len(layers)} layers to {last} values, not to {outputs}")
        return cls(layers, activation)

    def __call__(self, observations: Array) -> Array:
        hidden = _through(self.layers[:-1], observations, self.activation)
        matrix, bias = self.layers[-1]
        logits: Array = hidden.dot(matrix)
        logits += bias
        return logits


@dataclass(frozen=True, slots=True)
class Pointer:
    """Scores every candidate with the same weights: their order does not matter, nor how many.

    h_v = f(N x_v + S g) of each candidate; c = layers(g, mean of h); the logit of v is (Q c) . h_v,
    those of the extras are E c.

    Attributes:
        fixed: Q c and E c [H + E] where nothing that is seen changes c; else None.
    """

    shared: int
    each: int
    node: Array  # N [H, P]
    start: Array  # [G, H + C]: S, and what g gives the first layer of the context
    start_bias: Array
    mean: Array  # [H, C]: what the mean of h gives it
    context: Chain
    out: Array  # [C, H + E]: Q and E
    out_bias: Array
    activation: Activation
    fixed: Array | None

    @classmethod
    def of(
        cls,
        weights: Mapping[str, Array],
        shared: int,
        each: int,
        extras: int,
        activation: Activation,
    ) -> Pointer:
        """From `node`, `start`, `mean`, `context0`, .., `out`; PolicyUnusable where sizes do not
        fit."""
        if not each:
            raise PolicyUnusable("a pointer needs numbers of each candidate; the schema has none")
        node, mean = _matrix(weights, "node"), _matrix(weights, "mean")
        (width, _), (_, wide) = node.shape, mean.shape
        _expect("node", node, (width, each))
        _expect("mean", mean, (width, wide))
        start, start_bias = _layer(weights, "start", shared)
        _expect("start", start, (shared, width + wide))
        context = _chain(weights, "context", wide)
        out, out_bias = _layer(weights, "out", context[-1][0].shape[1] if context else wide)
        _expect("out", out, (len(out), width + extras))
        fixed = None
        if not context and not mean.any() and not start[:, width:].any():
            still = start_bias[width:].copy()
            _activate(still, activation)
            fixed = still.dot(out) + out_bias
        return cls(
            shared, each, node, start, start_bias, mean, context, out, out_bias, activation, fixed
        )

    def __call__(self, observations: Array) -> Array:
        if observations.ndim == 1:
            return self._one(observations)
        width = len(self.node)
        started = observations[..., : self.shared] @ self.start + self.start_bias
        seen = observations[..., self.shared :]
        seen = seen.reshape(*seen.shape[:-1], self.each, -1)
        hidden = self.node @ seen  # [.., H, K]
        hidden += started[..., :width, None]
        _activate(hidden, self.activation)
        mean = np.add.reduce(hidden, axis=-1) * np.float32(1 / hidden.shape[-1])
        context = mean @ self.mean
        context += started[..., width:]
        _activate(context, self.activation)
        context = _through(self.context, context, self.activation)
        out = context @ self.out + self.out_bias
        scores = (out[..., None, :width] @ hidden)[..., 0, :]
        return np.concatenate((scores, out[..., width:]), axis=-1)

    def _one(self, observation: Array) -> Array:
        """The same for a single observation [D], in half the time: this is a live decision."""
        width, out = len(self.node), self.fixed
        started = observation[: self.shared].dot(self.start)
        started += self.start_bias
        hidden = self.node.dot(observation[self.shared :].reshape(self.each, -1))
        hidden += started[:width, None]
        _activate(hidden, self.activation)
        candidates = hidden.shape[1]
        if out is None:
            context: Array = hidden.sum(axis=1).dot(self.mean)
            context /= candidates
            context += started[width:]
            _activate(context, self.activation)
            context = _through(self.context, context, self.activation)
            out = context.dot(self.out)
            out += self.out_bias
        logits = np.empty(candidates + len(out) - width, dtype=np.float32)
        out[:width].dot(hidden, out=logits[:candidates])
        logits[candidates:] = out[width:]
        return logits


def _through(layers: Chain, values: Array, activation: Activation) -> Array:
    for matrix, bias in layers:
        values = values.dot(matrix)  # twice as fast as @ on one observation
        values += bias
        _activate(values, activation)
    return values


def _activate(values: Array, activation: Activation) -> None:
    if activation is Activation.TANH:
        np.tanh(values, out=values)
    else:
        np.maximum(values, 0, out=values)


def _chain(weights: Mapping[str, Array], name: str, inputs: int) -> Chain:
    """Layers name0, name1, .., each of which takes what the one before gives."""
    layers: Chain = ()
    while f"{name}{len(layers)}" in weights:
        matrix, bias = _layer(weights, f"{name}{len(layers)}", inputs)
        inputs = matrix.shape[1]
        layers += ((matrix, bias),)
    return layers


def _layer(weights: Mapping[str, Array], name: str, inputs: int) -> tuple[Array, Array]:
    matrix = _matrix(weights, name)
    _expect(name, matrix, (inputs, matrix.shape[1]))
    bias = weights.get(f"{name}_bias", np.zeros(0, dtype=np.float32))
    _expect(f"{name}_bias", bias, (matrix.shape[1],))
    return matrix, bias


def _matrix(weights: Mapping[str, Array], name: str) -> Array:
    matrix = weights.get(name)
    if matrix is None or matrix.ndim != 2:
        raise PolicyUnusable(f"the weights have no matrix {name!r}")
    return matrix


def _expect(name: str, value: Array, shape: tuple[int, ...]) -> None:
    if value.shape != shape:
        raise PolicyUnusable(f"{name} has shape {value.shape}, not {shape}")
