"""`dataeng advise`: which architecture, with the reasons and what would change the answer."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from dataeng_assets.advise.questions import Question


class AdviceFormat(StrEnum):
    """How the advice is written."""

    MARKDOWN = "markdown"
    JSON = "json"


_Answers = Annotated[Path | None, typer.Option("--answers", help="YAML file with a line for each answer.")]
_Latency = Annotated[str | None, typer.Option(help="How old a result may be: 100ms, 5s, 15min, 1d.")]
_Volume = Annotated[str | None, typer.Option(help="How much comes in: 10MB/s, 2TB/day.")]
_Source = Annotated[str | None, typer.Option(help="postgres, kafka, kinesis, pubsub or files.")]
_Destination = Annotated[str | None, typer.Option(help="Where it must go, in the words of `dataeng generate`.")]
_Cloud = Annotated[str | None, typer.Option(help="none, aws, gcp or azure.")]
_Team = Annotated[str | None, typer.Option(help="What the team writes best: sql, python or jvm.")]
_Operations = Annotated[
    str | None, typer.Option(help="Who looks after it: batch-only, office-hours, around-the-clock.")
]
_Existing = Annotated[
    str | None, typer.Option(help="What you run already: dagster, warehouse, spark, flink, kafka, beam or none.")
]
_ExactlyOnce = Annotated[bool | None, typer.Option("--exactly-once/--repeats-allowed", help="Each record counts once.")]
_LossTolerated = Annotated[bool | None, typer.Option("--loss-tolerated/--no-loss", help="Single records may be lost.")]
_Shape = Annotated[str | None, typer.Option(help="What is asked: periods, moving, visits or single.")]
_Lateness = Annotated[str | None, typer.Option(help="How late an event may come and still count.")]
_State = Annotated[str | None, typer.Option(help="How much must be remembered between events: 50GB.")]
_Recovery = Annotated[str | None, typer.Option(help="How long it may stand still after a crash.")]
_Reprocess = Annotated[str | None, typer.Option(help="How far back results must be computable again.")]
_LogKept = Annotated[str | None, typer.Option(help="How long the source keeps its records.")]
_Readers = Annotated[str | None, typer.Option(help="Who reads: bi, science or both.")]
_History = Annotated[str | None, typer.Option(help="current, first, previous, as-it-was or both.")]
_Upgrades = Annotated[str | None, typer.Option(help="Who moves first to a new schema: consumers, producers or any.")]
_Price = Annotated[list[str] | None, typer.Option("--price", help="NAME=VALUE of an assumption of the cost sketch.")]
_Output = Annotated[Path | None, typer.Option("--output", help="File to write the record to.")]
_Format = Annotated[AdviceFormat, typer.Option("--format", help="Of the record.")]


def advise(
    answers: _Answers = None,
    latency: _Latency = None,
    volume: _Volume = None,
    source: _Source = None,
    destination: _Destination = None,
    cloud: _Cloud = None,
    team: _Team = None,
    operations: _Operations = None,
    existing: _Existing = None,
    exactly_once: _ExactlyOnce = None,
    loss_tolerated: _LossTolerated = None,
    shape: _Shape = None,
    lateness: _Lateness = None,
    state: _State = None,
    recovery: _Recovery = None,
    reprocess: _Reprocess = None,
    log_kept: _LogKept = None,
    readers: _Readers = None,
    history: _History = None,
    upgrades: _Upgrades = None,
    price: _Price = None,
    output: _Output = None,
    format_: _Format = AdviceFormat.MARKDOWN,
) -> None:
    """Say which architecture fits, why, what would change the answer, what it costs, and the command that builds it.

    In a terminal and without answers it asks; else what is not said is taken as usual, and the record says so. Options
    go before the file. Exits 2 when answers contradict each other, with the nearest that go together.

    Examples:

      dataeng advise

      dataeng advise --latency 5s --volume 2TB/day --exactly-once --team sql

      dataeng advise --answers answers.yaml --price vcpu-hour=0.04 --output docs/architecture.md
    """
    said: dict[str, object] = {
        name: value
        for name, value in locals().items()
        if name not in ("answers", "price", "output", "format_") and value is not None
    }
    if answers:
        said = {**_from_file(answers), **said}
    elif not said and sys.stdin.isatty():
        said = _asked()
    text = _record(said, price or [], format_)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        _stop(f"The record could not be written: {error}")
    typer.echo(f"Written to {output}")


def _record(said: Mapping[str, object], price: list[str], form: AdviceFormat) -> str:
    from dataeng_assets.advise.advice import Contradicted
    from dataeng_assets.advise.advice import advise as advised
    from dataeng_assets.advise.cost import PriceUnknown, read_prices
    from dataeng_assets.advise.questions import AnswerUnknown
    from dataeng_assets.advise.record import as_json, as_markdown
    from dataeng_assets.orchestration.advised import is_written

    try:
        prices = read_prices(dict(pair.partition("=")[::2] for pair in price))
        advice = advised(said, prices, is_written)
    except (AnswerUnknown, Contradicted, PriceUnknown) as error:
        _stop(str(error))
    return as_json(advice) if form is AdviceFormat.JSON else as_markdown(advice)


def _from_file(path: Path) -> dict[str, object]:
    import yaml

    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        _stop(f"{path} could not be read: {error}")
    if not isinstance(said, dict):
        _stop(f"{path} must have a line for each answer, such as `latency: 5s`.")
    return {str(name): value for name, value in said.items()}


def _asked() -> dict[str, object]:
    """Every question, on the terminal. What is left at the value in brackets counts as not said, and may give way."""
    from dataeng_assets.advise.questions import QUESTIONS

    said = {question.name: _answer(question) for question in QUESTIONS}
    return {question.name: said[question.name] for question in QUESTIONS if said[question.name] != question.default}


def _answer(question: "Question") -> str:
    """The answer to one question; what is not understood is asked for again."""
    from dataeng_assets.advise.questions import AnswerUnknown

    typer.echo(question.asks, err=True)
    if isinstance(question.answer, Mapping):
        for word, meaning in question.answer.items():
            typer.echo(f"  {word}: {meaning}" if meaning != word else f"  {word}", err=True)
    while True:
        answer = str(typer.prompt(question.name, default=question.default, err=True))
        try:
            question.read(answer)
        except AnswerUnknown as error:
            typer.echo(str(error), err=True)
        else:
            return answer


def _stop(reason: str) -> NoReturn:
    """End without an answer."""
    from rich.console import Console

    Console(stderr=True).print(reason, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2)
