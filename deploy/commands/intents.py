"""Commands about words: translate, evaluate, catalogue, chat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.commands.engine import (
    EncoderName,
    EngineOption,
    LlmKeyFile,
    LlmModel,
    LlmUrl,
    QdrantUrl,
    engine_settings,
    opened,
)
from deploy.commands.request import Json
from deploy.session import Asker, Exit, console, print_json

if TYPE_CHECKING:
    from coordinator.intent.settings import EngineSettings
    from deploy.reading import Translator

Config = Annotated[
    Path, typer.Option(help="The federation whose places words may name: a folder, or a name.")
]
GERMANY = Path("germany")

evaluations = typer.Typer(no_args_is_help=True, help="Measure how well something is done.")


def register(app: typer.Typer) -> None:
    app.command("translate")(translate)
    app.command("catalogue")(catalogue)
    app.command("chat")(chat)
    evaluations.command("intents")(intents)
    evaluations.command("memory")(memory)
    evaluations.callback()(lambda: None)
    app.add_typer(evaluations, name="evaluate")


def translate(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="What a tenant needs, in a sentence.")] = None,
    file: Annotated[
        Path | None, typer.Option(help='Many: one {"id", "text"} a line; goes with --out.')
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Where their translations go.")] = None,
    engine: EngineOption = None,
    llm_url: LlmUrl = None,
    llm_model: LlmModel = None,
    llm_key_file: LlmKeyFile = None,
    qdrant_url: QdrantUrl = None,
    encoder: EncoderName = None,
    config: Config = GERMANY,
    as_json: Json = False,
) -> None:
    """What a sentence asks for, as standard profiles. Nothing has to run; nothing is ordered."""
    if (text is None) == (file is None) or (file is None) != (out is None):
        raise typer.BadParameter("say TEXT, or --file F.jsonl --out G.jsonl", param_hint="TEXT")
    reading = engine_settings(engine, llm_url, llm_model, llm_key_file, qdrant_url, encoder)
    if file is not None and out is not None:
        _translate_file(file, out, _translator(context, reading, config), as_json)
        return
    from coordinator.model import Action
    from deploy import render_intent

    assert text is not None
    found = _own_translator(context, reading, config)(text)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        console().print(render_intent.translated(text, found))
    raise typer.Exit(Exit.REFUSED if found.action is Action.REJECT else Exit.DONE)


def intents(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Option(help="Labelled sentences; else our own, which are few.")
    ] = None,
    engine: EngineOption = None,
    llm_url: LlmUrl = None,
    llm_model: LlmModel = None,
    llm_key_file: LlmKeyFile = None,
    qdrant_url: QdrantUrl = None,
    encoder: EncoderName = None,
    config: Config = GERMANY,
    as_json: Json = False,
) -> None:
    """How well sentences are understood: seven figures, and how long one takes."""
    from dataclasses import asdict

    from deploy.evaluation import SENTENCES, evaluate

    reading = engine_settings(engine, llm_url, llm_model, llm_key_file, qdrant_url, encoder)
    translator = _translator(context, reading, config)
    found = evaluate(file or SENTENCES, translator)
    if as_json:
        print_json(
            {
                "engine": translator.engine,
                "sentences": found.sentences,
                **asdict(found.figures),
                "p50_ms": found.p50_ms,
                "p99_ms": found.p99_ms,
            }
        )
        return
    from deploy import render_intent

    typer.echo(f"{found.sentences} sentences")
    console().print(
        render_intent.figures(found.figures, found.p50_ms, found.p99_ms, translator.engine)
    )


def memory(
    out: Annotated[
        Path | None, typer.Option(help="A folder for memory.csv and memory.png.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the order of sentences and of the noise.")] = 1,
    encoder: EncoderName = None,
    as_json: Json = False,
) -> None:
    """What memory learns where outcomes contradict the catalogue: 480 intents, three acts."""
    from rich.progress import Progress

    from coordinator.intent.encoder import load
    from coordinator.intent.settings import DEFAULT_ENCODER
    from deploy import render_intent
    from envs.intent_stream import ACTS, stream, summary, write

    with Progress(disable=as_json, transient=True) as progress:
        task = progress.add_task("living through", total=sum(ACTS))
        model = load(encoder or DEFAULT_ENCODER)
        steps = stream(model, seed, done=lambda: progress.advance(task))
    found = summary(steps)
    if out is not None:
        write(steps, out)
    if as_json:
        print_json(found)
        return
    console().print(render_intent.memory(found))
    if out is not None:
        typer.echo(f"{out / 'memory.csv'}, {out / 'memory.png'}")


def catalogue(
    name: Annotated[str | None, typer.Argument(help="One service, in full.")] = None,
    slice_type: Annotated[
        str | None, typer.Option("--type", help="eMBB, URLLC, MIoT, V2X, HMTC or HDLLC.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Services that a name is enough for, each figure with its clause."""
    from coordinator.intent.services import BY_NAME, ENTRIES
    from coordinator.model import SliceType
    from deploy import render_intent
    from deploy.web.schema import entry_of
    from domains.errors import NotFound

    if name is not None:
        if name not in BY_NAME:
            raise NotFound(f"the catalogue has no {name!r}: entente catalogue lists what it has")
        one = entry_of(BY_NAME[name])
        if as_json:
            print_json(one.model_dump(mode="json"))
        else:
            console().print(render_intent.catalogue_entry(one))
        return
    labels = {kind.label.lower(): kind for kind in SliceType}
    if slice_type is not None and slice_type.lower() not in labels:
        raise typer.BadParameter(f"one of: {', '.join(labels)}", param_hint="--type")
    wanted = labels[slice_type.lower()] if slice_type else None
    found = [entry_of(item) for item in ENTRIES if wanted in (None, item.slice_type)]
    if as_json:
        print_json({"services": [item.model_dump(mode="json") for item in found]})
    else:
        console().print(render_intent.catalogue(found))


def chat(
    context: typer.Context,
    resume: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on with an earlier conversation.")
    ] = None,
    engine: EngineOption = None,
    llm_url: LlmUrl = None,
    llm_model: LlmModel = None,
    llm_key_file: LlmKeyFile = None,
    qdrant_url: QdrantUrl = None,
    encoder: EncoderName = None,
    config: Config = GERMANY,
) -> None:
    """Get to a slice in a conversation. Ends with Ctrl-D; --resume takes it up again."""
    import asyncio

    from deploy.chat import chatted

    asker: Asker = context.obj
    reading = engine_settings(engine, llm_url, llm_model, llm_key_file, qdrant_url, encoder)
    asyncio.run(chatted(asker, resume, reading, config_named(config), console()))


def config_named(folder: Path) -> Path:
    """The folder, or the shipped one of this name."""
    from deploy import federation
    from domains.errors import InvalidRequest

    try:
        return federation.load(folder).folder
    except InvalidRequest as error:
        raise typer.BadParameter(error.message, param_hint="--config") from None


def _own_translator(context: typer.Context, settings: EngineSettings, config: Path) -> Translator:
    """Reads in the light of what the tenant lived through, where a coordinator can be asked."""
    from deploy.network import network
    from deploy.reading import Translator
    from deploy.recall import Recaller, account_of

    asker: Asker = context.obj
    recaller = Recaller(account_of(asker))
    context.call_on_close(recaller.close)
    engine = opened(context, settings, recaller)
    return Translator(engine.of(asker.tenant), network(config_named(config)), engine.name.value)


def _translator(context: typer.Context, settings: EngineSettings, config: Path) -> Translator:
    """Reads as for a tenant without a past: the same sentence is always read the same."""
    from deploy.network import network
    from deploy.reading import NOBODY, Translator

    engine = opened(context, settings)
    return Translator(engine.of(NOBODY), network(config_named(config)), engine.name.value)


def _translate_file(file: Path, out: Path, translator: Translator, as_json: bool) -> None:
    from rich.progress import Progress

    from deploy.reading import rows, translate_file

    total = sum(1 for _ in rows(file))
    with Progress(disable=as_json, transient=True) as progress:
        task = progress.add_task("translating", total=total)
        count = translate_file(file, out, translator, lambda: progress.advance(task))
    if as_json:
        print_json({"translated": count, "out": str(out)})
    else:
        typer.echo(f"{count} sentences translated: {out}")
