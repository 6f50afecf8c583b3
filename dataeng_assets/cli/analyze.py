"""`dataeng analyze`: what makes SQL slow or wrong, with evidence."""

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.output.formats import Format

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dataeng_assets.analyze.analysis import Analysis
    from dataeng_assets.analyze.facts import Facts
    from dataeng_assets.analyze.reading import Source


_Query = Annotated[
    str, typer.Option("--query", help="SQL file, folder, dbt project or model, or - for standard input.")
]
_Engine = Annotated[Engine, typer.Option("--engine", help="Where the SQL runs.")]
_Recommend = Annotated[
    bool, typer.Option("--recommend", help="Show rewrites, each proven on generated data or labelled not proven.")
]
_Format = Annotated[Format, typer.Option("--format", help="How findings are printed.")]
_Fix = Annotated[bool, typer.Option("--fix", help="Write proven rewrites into the files, and no others.")]
_FailOn = Annotated[Severity, typer.Option("--fail-on", help="Exit 1 for findings of this severity or above.")]
_File = Annotated[
    str, typer.Option("--file", help="PySpark or Airflow code, a spark-defaults.conf, a dbt project, or a folder.")
]
_EventLog = Annotated[
    str, typer.Option("--event-log", help="Event log of Spark: a file, or the folder of a rolling one.")
]
_Job = Annotated[str, typer.Option("--job", help="Recorded runs of this Dagster job.")]
_Price = Annotated[
    float | None, typer.Option("--price-per-hour", min=0, help="With --job: what an hour of a step costs.")
]
_Connect = Annotated[
    str, typer.Option("--connect", help="Ask this database for facts and plans: postgresql://… or a DuckDB file.")
]
_Measure = Annotated[
    bool,
    typer.Option(
        "--measure", help="With --connect, run each SELECT there, for counts in plans and times before and after."
    ),
]
_Explain = Annotated[str, typer.Option("--explain", help="Show the page of a rule: bad, good, why, when not.")]


def analyze(
    query: _Query = "",
    engine: _Engine = Engine.SPARK,
    recommend: _Recommend = False,
    format_: _Format = Format.TABLE,
    fix: _Fix = False,
    fail_on: _FailOn = Severity.INFO,
    file: _File = "",
    event_log: _EventLog = "",
    job: _Job = "",
    price_per_hour: _Price = None,
    connect: _Connect = "",
    measure: _Measure = False,
    explain: _Explain = "",
) -> None:
    """Say what makes SQL slow or wrong on an engine, where exactly, and why.

    Nothing is run on a database unless --measure says so; then each SELECT is, in a read-only transaction.

    Exits 0 when nothing was found, 1 for findings at or above --fail-on, 2 when something could not be read.

    Examples:

      dataeng analyze --query queries/daily_aggregation.sql --engine spark --recommend

      dataeng analyze --query queries --engine snowflake --format sarif --fail-on error > findings.sarif

      dataeng analyze --query dbt --engine duckdb

      dataeng analyze --query reports.sql --engine postgres --connect postgresql://reader@host/shop --measure

      dataeng analyze --file dags

      dataeng analyze --event-log spark-events/eventlog_v2_app-20260101

      dataeng analyze --job daily --price-per-hour 0.4

      dataeng analyze --explain not-in-nullable
    """
    if explain:
        _explain(explain)
        return
    from dataeng_assets.analyze.reading import SourceUnreadable

    _refuse_several({"--query": query, "--file": file, "--event-log": event_log, "--job": job})
    _refuse_alone(
        {
            ("--fix", "--query"): fix and not query,
            ("--recommend", "--query"): recommend and not query,
            ("--connect", "--query"): bool(connect) and not query,
            ("--measure", "--connect"): measure and not connect,
            ("--price-per-hour", "--job"): price_per_hour is not None and not job,
        }
    )
    try:
        if file:
            analyses = _of_file(file)
        elif event_log:
            analyses = _of_event_log(event_log)
        elif job:
            analyses = _of_job(job, price_per_hour)
        elif query:
            analyses = _of_queries(query, engine, recommend=recommend, fix=fix, connect=connect, measure=measure)
        else:
            _stop(
                "Name what to analyze: --query with SQL (a file, a folder, or - for standard input), --file with code "
                "or settings, --event-log, or --job."
            )
    except SourceUnreadable as error:
        _stop(str(error))
    _show(analyses, format_)
    if any(one.unread for one in analyses):
        raise typer.Exit(2)
    counted = [finding for one in analyses for finding in one.findings if finding.severity.rank >= fail_on.rank]
    raise typer.Exit(1 if counted else 0)


def _refuse_several(ways: "Mapping[str, str]") -> None:
    named = [option for option, value in ways.items() if value]
    if len(named) > 1:
        _stop(f"{' and '.join(named)} name different things to analyze. Give one of them, and run again for the other.")


def _refuse_alone(pairs: "Mapping[tuple[str, str], bool]") -> None:
    for (option, other), is_alone in pairs.items():
        if is_alone:
            _stop(f"{option} does nothing without {other}. Name {other}, too, or leave {option} out.")


def _of_file(path: str) -> "list[Analysis]":
    from pathlib import Path

    from dataeng_assets.analyze.code.lint import lint
    from dataeng_assets.analyze.configuration import dbt_models, spark_configuration
    from dataeng_assets.analyze.evidence.known import all_facts

    where = Path(path)
    if where.suffix == ".conf" and where.is_file():
        return [spark_configuration(where.read_text(), path)]
    if (where / "dbt_project.yml").is_file():
        facts, unknown = all_facts()
        typer.echo(unknown, err=True, nl=bool(unknown))
        return dbt_models(where, facts)
    return lint(path)


def _of_event_log(path: str) -> "list[Analysis]":
    from dataeng_assets.analyze.spark_events import analyze_event_log

    return [analyze_event_log(path)]


def _of_job(name: str, price_per_hour: float | None) -> "list[Analysis]":
    from dataeng_assets.analyze.jobs import analyze_job
    from dataeng_assets.orchestration.job_history import JobUnknown, job_runs
    from dataeng_assets.orchestration.runs import open_instance

    try:
        with open_instance() as instance:
            return [analyze_job(name, job_runs(instance, name), price_per_hour=price_per_hour)]
    except JobUnknown as error:
        _stop(str(error))


def _of_queries(
    query: str, engine: Engine, *, recommend: bool, fix: bool, connect: str, measure: bool
) -> "list[Analysis]":
    from dataeng_assets.analyze.evidence.known import known_facts
    from dataeng_assets.analyze.evidence.live import open_live, with_plans
    from dataeng_assets.analyze.reading import sources

    read = sources(query)
    if connect:
        with open_live(connect, engine) as live:
            facts = live.facts()
            read = _fixed(read, engine, facts) if fix else read
            analyses = _analyzed(read, engine, facts, recommend=recommend)
            return [with_plans(one, live, facts, engine, run=measure) for one in analyses]
    facts, unknown = known_facts([one.text for one in read], engine)
    if unknown:
        typer.echo(unknown, err=True)
    read = _fixed(read, engine, facts) if fix else read
    return _analyzed(read, engine, facts, recommend=recommend)


def _analyzed(read: "Sequence[Source]", engine: Engine, facts: "Facts", *, recommend: bool) -> "list[Analysis]":
    from dataeng_assets.analyze.analysis import analyze as analyzed
    from dataeng_assets.analyze.rewrites import recommended

    by = recommended if recommend else None
    return [one.placed(analyzed(one.text, engine, file=one.name, facts=facts, recommend=by)) for one in read]


def _fixed(read: "Sequence[Source]", engine: Engine, facts: "Facts") -> "list[Source]":
    """The texts with proven rewrites, which are written into their files."""
    from dataclasses import replace

    from dataeng_assets.analyze.fixing import fixed
    from dataeng_assets.analyze.rewrites import recommended

    result = []
    for one in read:
        one.check_writable()
        text, rules = fixed(one.text, engine, file=one.name, facts=facts, recommend=recommended)
        if rules:
            one.write(text)
            typer.echo(f"{one.name}: rewritten for {', '.join(rules)}", err=True)
        result.append(replace(one, text=text))
    return result


def _show(analyses: "Sequence[Analysis]", format_: Format) -> None:
    from rich.console import Console

    from dataeng_assets.analyze.output.formats import written
    from dataeng_assets.analyze.output.table import rendered

    if format_ is not Format.TABLE:
        typer.echo(written(analyses, format_))
        return
    Console(highlight=False).print(rendered(analyses))


def _explain(name: str) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    from dataeng_assets.analyze.pages import pages
    from dataeng_assets.contracts.errors import did_you_mean

    known = pages()
    if name not in known or name == "index":
        near = did_you_mean(name, list(known)) or ". All rules are in docs/reference/analyze/index.md."
        _stop(f"There is no rule {name!r}{near}")
    Console().print(Markdown(known[name]))


def _stop(reason: str) -> NoReturn:
    from rich.console import Console

    Console(stderr=True).print(reason, style="red", markup=False, highlight=False)
    raise typer.Exit(2)
