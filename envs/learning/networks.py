"""The networks of `domains.policy_network` in torch, parameter by parameter, and their critics."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from domains.policy import Architecture
from domains.policy_network import Activation


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything that decides which weights there are. `state`: size of what a centralised critic
    sees; 0 for a critic that sees what the agent sees."""

    architecture: Architecture
    activation: Activation
    shared: int
    each: int
    candidates: int
    extras: int
    width: int
    hidden: tuple[int, ...]
    state: int = 0

    @property
    def size(self) -> int:
        return self.shared + self.each * self.candidates

    @property
    def actions(self) -> int:
        return self.candidates + self.extras

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Shape":
        """From what `dataclasses.asdict` made, after a journey through JSON."""
        kinds: dict[str, Any] = {
            "architecture": Architecture(values["architecture"]),
            "activation": Activation(values["activation"]),
            "hidden": tuple(values["hidden"]),
        }
        return cls(**(values | kinds))


class Weights(nn.Module):
    """Parameters under the names that a policy file has."""

    node: Tensor
    mean: Tensor

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.act = torch.tanh if activation is Activation.TANH else torch.relu
        self.gain = nn.init.calculate_gain(activation.value)

    def matrix(self, name: str, rows: int, columns: int, gain: float | None = None) -> None:
        value = torch.empty(rows, columns)
        nn.init.orthogonal_(value, self.gain if gain is None else gain)
        self.register_parameter(name, nn.Parameter(value))

    def layer(self, name: str, rows: int, columns: int, gain: float | None = None) -> None:
        self.matrix(name, rows, columns, gain)
        self.register_parameter(f"{name}_bias", nn.Parameter(torch.zeros(columns)))

    def through(self, name: str, values: Tensor) -> Tensor:
        matrix: Tensor = getattr(self, name)
        bias: Tensor = getattr(self, f"{name}_bias")
        return values @ matrix + bias

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """The parameters as a policy file has them."""
        return {name: value.detach().numpy().copy() for name, value in self.named_parameters()}


class LayersNetwork(Weights):
    """Logits [B, outputs] through fully connected layers."""

    def __init__(
        self,
        inputs: int,
        hidden: tuple[int, ...],
        outputs: int,
        activation: Activation,
        last_gain: float = 0.01,
    ) -> None:
        super().__init__(activation)
        self.count = len(hidden) + 1
        sizes = (inputs, *hidden, outputs)
        for number in range(self.count):
            last = number == self.count - 1
            self.layer(
                f"layer{number}", sizes[number], sizes[number + 1], last_gain if last else None
            )

    def forward(self, values: Tensor) -> Tensor:
        for number in range(self.count - 1):
            values = self.act(self.through(f"layer{number}", values))
        return self.through(f"layer{self.count - 1}", values)


class PointerNetwork(Weights):
    """Logits [B, K + E] that follow the candidates in whatever order they come; with `outputs`
    instead, so many values [B, outputs] of the whole, which do not depend on the order."""

    def __init__(self, shape: Shape, outputs: int | None = None) -> None:
        super().__init__(shape.activation)
        self.shared, self.each, self.width = shape.shared, shape.each, shape.width
        wide, *deeper = shape.hidden
        self.layer("start", shape.shared, shape.width + wide)
        self.matrix("node", shape.width, shape.each)
        self.matrix("mean", shape.width, wide)
        for number, size in enumerate(deeper):
            self.layer(f"context{number}", wide, size)
            wide = size
        self.depth, self.outputs = len(deeper), outputs
        columns = shape.width + shape.extras if outputs is None else outputs
        self.layer("out", wide, columns, gain=0.1 if outputs is None else 1.0)

    def forward(self, values: Tensor) -> Tensor:
        started = self.through("start", values[:, : self.shared])
        seen = values[:, self.shared :].view(len(values), self.each, -1)
        hidden = self.act(self.node @ seen + started[:, : self.width, None])
        context = self.act(hidden.mean(-1) @ self.mean + started[:, self.width :])
        for number in range(self.depth):
            context = self.act(self.through(f"context{number}", context))
        out = self.through("out", context)
        if self.outputs is not None:
            return out
        scores = (out[:, None, : self.width] @ hidden)[:, 0]
        return torch.cat((scores, out[:, self.width :]), dim=-1)


def actor(shape: Shape) -> Weights:
    if shape.architecture is Architecture.POINTER:
        return PointerNetwork(shape)
    return LayersNetwork(shape.size, shape.hidden, shape.actions, shape.activation)


def critic(shape: Shape) -> Weights:
    """One value [B, 1] of the state, or of the observation where there is no state."""
    if shape.state:
        return LayersNetwork(shape.state, shape.hidden, 1, shape.activation, last_gain=1.0)
    if shape.architecture is Architecture.POINTER:
        return PointerNetwork(shape, outputs=1)
    return LayersNetwork(shape.size, shape.hidden, 1, shape.activation, last_gain=1.0)
