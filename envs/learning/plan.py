"""A training as data: what to learn in, with which network and algorithm, for how long.

A plan is a TOML file, shipped in `configs/` or your own, or a JSON object in full. `base` names
another one whose values hold where this one says nothing.
"""

import json
import tomllib
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domains.policy import Architecture
from domains.policy_network import Activation
from envs.learning.errors import PlanInvalid

CONFIGS: Final = Path(__file__).parent / "configs"
PLAN_BYTES_MAX: Final = 1 << 16
BASES_MAX: Final = 8

# A number, or points [steps, value] with straight lines between them.
Schedule = float | list[tuple[int, float]]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Network(Section):
    """`width`: of what is known of each candidate (pointer only); `hidden`: of the layers."""

    architecture: Architecture = Architecture.POINTER
    activation: Activation = Activation.RELU
    width: int = Field(default=32, ge=1, le=1024)
    hidden: tuple[int, ...] = Field(default=(64, 64), min_length=1, max_length=8)


class Ppo(Section):
    """Proximal policy optimisation. batch: of one gradient; rollout: steps between two updates,
    over all environments; epochs: how often each step is learned from."""

    lr: Schedule = 3e-4
    gamma: float = Field(default=1.0, ge=0, le=1)
    lambda_: float = Field(default=0.95, ge=0, le=1)
    clip: float = Field(default=0.2, gt=0)
    batch: int = Field(default=1024, ge=1)
    rollout: int = Field(default=8192, ge=1)
    epochs: int = Field(default=4, ge=1)
    entropy: Schedule = 0.0
    value_weight: float = Field(default=0.5, ge=0)
    value_clip: float = Field(default=1e6, gt=0)
    gradient_clip: float = Field(default=0.5, gt=0)


class Imitation(Section):
    """A start from what a reference policy does, before the policy learns by itself."""

    teacher: str
    episodes: int = Field(ge=1, le=1_000_000)
    epochs: int = Field(default=10, ge=1)
    batch: int = Field(default=1024, ge=1)
    lr: float = Field(default=1e-3, gt=0)


class Advice(Section):
    """After the imitation, if there is one: rounds of play by the policies themselves, with advice
    on every action. lr falls to a twentieth of this over all rounds, entropy to 0 over two thirds.
    fall_max: what may be lost of the best mean score so far before it is taken back; far above what
    chance does to the mean of so many episodes.
    """

    adviser: str
    rounds: int = Field(ge=1, le=10_000)
    episodes: int = Field(default=256, ge=1)
    epochs: int = Field(default=2, ge=1)
    batch: int = Field(default=1024, ge=1)
    lr: float = Field(default=5e-4, gt=0)
    entropy: float = Field(default=0.003, ge=0)
    fall_max: float = Field(default=0.04, gt=0)


class Agents(Section):
    """policies: "shared" by all agents, or "separate". critic: of what each "own" agent sees, or
    "central", of the state of all."""

    policies: Literal["shared", "separate"] = "shared"
    critic: Literal["own", "central"] = "own"


class Plan(Section):
    """steps: of environments, all rows together. checkpoint_every, in iterations: what a crash may
    cost. runners: processes that sample; 0 for the one that learns."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")
    env: str
    settings: dict[str, Any] = Field(default_factory=dict)
    steps: int = Field(ge=1)
    envs: int = Field(default=64, ge=1, le=4096)
    runners: int = Field(default=0, ge=0, le=64)
    checkpoint_every: int = Field(default=1, ge=1)
    evaluation_episodes: int = Field(default=200, ge=1)
    network: Network = Network()
    ppo: Ppo = Ppo()
    imitation: Imitation | None = None
    advice: Advice | None = None
    agents: Agents = Agents()

    @model_validator(mode="after")
    def _rows_fill_a_rollout(self) -> "Plan":
        rows = self.envs * max(self.runners, 1)
        if self.ppo.rollout % rows:
            raise ValueError(f"ppo.rollout {self.ppo.rollout} must be a multiple of {rows} rows")
        if self.ppo.batch > self.ppo.rollout:
            raise ValueError(f"ppo.batch {self.ppo.batch} is more than a rollout has")
        return self


def shipped() -> list[str]:
    return sorted(path.stem for path in CONFIGS.glob("*.toml"))


def plan_of(
    name: str | Path, env: str | None = None, changes: dict[str, str] | None = None
) -> Plan:
    """The plan of that name or file, with `changes` such as {"settings.requests": "40"}.

    Raises:
        PlanInvalid: not there, or not a plan; says which field and why.
    """
    values = _read(name, 0)
    if env is not None and values.setdefault("env", env) != env:
        raise PlanInvalid(f"{name} is for {values['env']}, not for {env}")
    for key, text in (changes or {}).items():
        _change(values, key, text)
    try:
        return Plan.model_validate(values)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "plan"
        raise PlanInvalid(f"{name}: {where}: {first['msg']}") from None


def _read(name: str | Path, depth: int) -> dict[str, Any]:
    if str(name).startswith("{"):
        return _read_json(str(name))
    path = Path(name)
    if path.suffix != ".toml":
        path = CONFIGS / f"{name}.toml"
    try:
        with path.open("rb") as file:
            body = file.read(PLAN_BYTES_MAX + 1)
    except OSError:
        raise PlanInvalid(f"no plan {name}: a .toml file, or {', '.join(shipped())}") from None
    if len(body) > PLAN_BYTES_MAX or depth > BASES_MAX:
        raise PlanInvalid(f"{path} is too large, or based on itself")
    try:
        values = tomllib.loads(body.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise PlanInvalid(f"{path}: {wrong}") from None
    values.setdefault("name", path.stem)
    base = values.pop("base", None)
    return values if base is None else _over(_read(base, depth + 1), values)


def _read_json(text: str) -> dict[str, Any]:
    """A plan in full, as one that is sent to where its file is not."""
    try:
        values: dict[str, Any] = json.loads(text[:PLAN_BYTES_MAX])
    except ValueError as wrong:
        raise PlanInvalid(f"a plan in JSON: {wrong}") from None
    return values


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = _over(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _change(values: dict[str, Any], key: str, text: str) -> None:
    *path, last = key.split(".")
    for part in path:
        below = values.setdefault(part, {})
        if not isinstance(below, dict):
            raise PlanInvalid(f"--set {key}: {part} is a value, not a table")
        values = below
    try:
        values[last] = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        values[last] = text
