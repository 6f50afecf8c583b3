"""Asking a database for facts, plans and times: `--connect`."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

import duckdb
import psycopg
from sqlglot import exp

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.evidence.duckdb import DuckDBEvidence
from dataeng_assets.analyze.evidence.postgres import PostgresEvidence
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Basis, Effect, Finding, Place
from dataeng_assets.analyze.plans import STALE, Node, duckdb_node, plan_findings, postgres_node
from dataeng_assets.analyze.reading import SourceUnreadable
from dataeng_assets.analyze.statement import Statement, statements
from dataeng_assets.postgres.errors import SourceAway, SourceError

_TIMES = 3

Live = PostgresEvidence | DuckDBEvidence


def open_live(url: str, engine: Engine) -> Live:
    """Open what `--connect` names: a Postgres by its address, or a DuckDB file.

    Args:
        url: the address, or the path.
        engine: for which the statements are; that of the database.

    Raises:
        SourceUnreadable: it cannot be opened, or is of another engine; says what to do.
    """
    if url.startswith(("postgres://", "postgresql://")):
        _same(engine, Engine.POSTGRES)
        try:
            return PostgresEvidence(url)
        except SourceAway as error:
            said = str(error).partition(" Nothing was read")[0]  # the rest speaks of extraction
            raise SourceUnreadable(
                f"{said} See whether the server is up (`dataeng status` for the local one), or leave --connect out."
            ) from None
        except SourceError as error:
            raise SourceUnreadable(str(error)) from None
    path = Path(url.removeprefix("duckdb://"))
    if not path.is_file():
        raise SourceUnreadable(
            "Connect to a Postgres (postgresql://user@host/database) or to a DuckDB file that exists."
        )
    _same(engine, Engine.DUCKDB)
    try:
        return DuckDBEvidence(path)
    except duckdb.Error as error:
        raise SourceUnreadable(f"{path} cannot be opened: {str(error).splitlines()[0]}") from None


def _same(engine: Engine, database: Engine) -> None:
    if engine is not database:
        raise SourceUnreadable(
            f"--connect names a database of {database.label}, and --engine is {engine}. Say --engine {database}, or "
            "leave --connect out."
        )


def with_plans(analysis: Analysis, live: Live, facts: Facts, engine: Engine, *, run: bool) -> Analysis:
    """The analysis with what the database's plans say, and, when statements may run, with times before and after.

    Args:
        analysis: of one text.
        live: the database that the text is for.
        facts: of its tables.
        engine: in whose dialect the text is.
        run: whether statements that only read may be run.
    """
    found = list(analysis.findings)
    stale = live.stale() if isinstance(live, PostgresEvidence) else {}
    for statement in statements(analysis.text, engine, analysis.file)[0]:
        if not _only_reads(statement):
            continue
        place = statement.source.place(statement.start, statement.end)
        node = _planned(live, statement.sql, run=run)
        if node is not None:
            found += plan_findings(node, place, facts)
        for table in {".".join(part.name for part in one.parts).lower() for one in statement.tree.find_all(exp.Table)}:
            found += [
                STALE.finding(place, f"The statistics of {name} are old: {what}.", (f"Next: analyze {name};",))
                for name, what in stale.items()
                if name == table or name.split(".")[-1] == table
            ]
    if run:
        found = [_measured(finding, live, analysis, engine) for finding in found]
    return replace(analysis, findings=tuple(sorted(found, key=lambda one: (one.place, one.rule))))


def _only_reads(statement: Statement) -> bool:
    tree = statement.tree
    writes = tree.find(exp.Into, exp.Lock, exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create)
    return isinstance(tree, exp.Query) and not writes


def _planned(live: Live, sql: str, *, run: bool) -> Node | None:
    """The plan; None where the database cannot plan the statement, which then is its own to tell."""
    with suppress(psycopg.Error, duckdb.Error):
        plan = live.plan(sql, run=run)
        return postgres_node(plan["Plan"]) if isinstance(live, PostgresEvidence) else duckdb_node(plan)
    return None


def _measured(finding: Finding, live: Live, analysis: Analysis, engine: Engine) -> Finding:
    """A finding whose rewrite was timed beside the statement as it is."""
    if finding.rewrite is None:
        return finding
    before = next(
        (
            one
            for one in statements(analysis.text, engine, analysis.file)[0]
            if _holds(one.source.place(one.start, one.end), finding.place)
        ),
        None,
    )
    if before is None or not _only_reads(before):
        return finding
    times = [_seconds(live, sql) for sql in (before.sql, finding.rewrite.sql)]
    if times[0] is None or times[1] is None:
        return finding
    told = f"{times[0] * 1000:,.1f} ms before, {times[1] * 1000:,.1f} ms after, median of {_TIMES} on {live.name}"
    return replace(finding, effect=Effect(told, Basis.MEASURED))


def _holds(whole: Place, part: Place) -> bool:
    start, end = (part.line, part.column), (part.end_line, part.end_column)
    return (whole.line, whole.column) <= start and end <= (whole.end_line, whole.end_column)


def _seconds(live: Live, sql: str) -> float | None:
    """How long the database takes for a statement; None where it cannot run it."""
    times: Sequence[float] = [one for _ in range(_TIMES) if (one := _once(live, sql)) is not None]
    return median(times) if len(times) == _TIMES else None


def _once(live: Live, sql: str) -> float | None:
    start = time.perf_counter()
    with suppress(psycopg.Error, duckdb.Error):
        plan = live.plan(sql, run=True)
        told = plan.get("Execution Time")
        return float(told) / 1000 if told is not None else time.perf_counter() - start
    return None
