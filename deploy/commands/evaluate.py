"""`entente evaluate`: policies on fixed episodes, on workload files, across domains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands.intents import evaluations
from deploy.commands.request import Json

Episodes = Annotated[int, typer.Option(help="Fixed ones, the same for every policy.")]
Seed = Annotated[int, typer.Option(help="Which episodes; of random policies, which numbers.")]
Against = Annotated[str | None, typer.Option(help="Another policy, for the paired gain over it.")]


def register() -> None:
    """Adds to what `entente evaluate` measures."""
    evaluations.command("iiot")(iiot)
    evaluations.command("workload")(workload)
    evaluations.command("crossdomain")(crossdomain)
    evaluations.command("live")(live)
    evaluations.command("parser")(parser)


def iiot(
    policy: Annotated[str, typer.Option(help="A reference, a shipped policy, or a checkpoint.")],
    profile: Annotated[str, typer.Option(help="C1, C2, C3 or C4.")] = "C2",
    requests: Annotated[int | None, typer.Option(help="Slices per episode.")] = None,
    episodes: Episodes = 1000,
    seed: Seed = 0,
    against: Against = None,
    departures: Annotated[bool, typer.Option(help="v2: slices come and go.")] = False,
    mask: Annotated[str | None, typer.Option(help="Of a trained policy: sla, basic, none.")] = None,
    as_json: Json = False,
) -> None:
    """The IIoT case study: how many slices a policy serves within their bounds."""
    with usage():
        from envs import evaluate

        evaluate.iiot(profile, requests, policy, episodes, seed, against, departures, as_json, mask)


def workload(
    file: Annotated[Path, typer.Argument(help="JSON of schema vne-workload/1.")],
    policy: Annotated[
        list[str], typer.Option(help="A ranking rule, learned, optimum or a .npz; several.")
    ],
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """A list of requests on a substrate network: acceptance, revenue and cost of a rule."""
    with usage():
        from envs import evaluate

        evaluate.workload(file, policy, seed, as_json)


def crossdomain(
    policy: Annotated[
        list[str], typer.Option(help="A reference, or a folder of DOMAIN.npz; several, or all.")
    ],
    scenario: Annotated[str, typer.Option(help="small, headline, medium or large.")] = "headline",
    workload: Annotated[
        Path | None, typer.Option(help="JSON of schema vne-workload/1, instead of a scenario.")
    ] = None,
    requests: Annotated[int | None, typer.Option(help="Per episode.")] = None,
    episodes: Episodes = 100,
    seed: Seed = 0,
    against: Against = None,
    write: Annotated[
        Path | None, typer.Option(help="Also the seed's first episode, as a workload file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """One agent per domain bids, the coordinator's merge decides: how many requests are served."""
    with usage():
        from deploy.federation import CONFIGS
        from envs import evaluate
        from envs.crossdomain import report
        from envs.crossdomain.scenarios import scenario_of
        from envs.crossdomain.workload import bidders

        if workload is not None:
            evaluate.workload(workload, [bidders(name, seed) for name in policy], seed, as_json)
            return
        task = scenario_of(scenario).task(CONFIGS, requests)
        if write is not None:
            report.write_episode(task, seed, write)
        report.crossdomain(task, policy, episodes, seed, against, as_json)


def live(
    policy: Annotated[
        list[str], typer.Option(help="'rule', a policy's .npz, or a packaged name; the first is A.")
    ],
    scenario: Annotated[str, typer.Option(help="small, headline, medium or large.")] = "headline",
    episodes: Annotated[int, typer.Option(help="Played once per policy, on real domains.")] = 10,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """The same requests to live domains under each policy: acceptance, price, utility, paired."""
    with usage():
        from envs.offers import live as played

        played.live(scenario, policy, episodes, seed, as_json)


def parser(
    profile: Annotated[str, typer.Option(help="C1, C2, C3 or C4.")] = "C1",
    requests: Annotated[int | None, typer.Option(help="Slices per episode.")] = None,
    episodes: Annotated[int, typer.Option(help="Fixed ones, a sentence per slice.")] = 200,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """What interpretation costs: the case study on sentences, next to the true labels."""
    with usage():
        from envs.parser import loop

        loop.parser(profile, requests, episodes, seed, as_json)


@contextmanager
def usage() -> Iterator[None]:
    """What cannot be evaluated is said in a line; what is not installed as well.

    Raises:
        InvalidRequest: for any of it.
    """
    from domains.errors import InvalidRequest

    try:
        yield
    except ModuleNotFoundError as missing:
        raise InvalidRequest(
            f"this needs {missing.name}: pip install 'entente-slicing[learn]'"
        ) from None
    except OSError as wrong:
        raise InvalidRequest(f"{wrong.filename}: {wrong.strerror}") from None
    except ValueError as wrong:
        raise InvalidRequest(str(wrong)) from None
