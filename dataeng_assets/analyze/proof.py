"""Whether two statements give the same rows: both are run in DuckDB on data made to tell them apart.

Equal on all of it is what `PROVEN` means here; it is no proof in the sense of mathematics, and the number of data sets
is always told. How data is made and statements are run belongs in `proving`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from dataeng_assets.analyze.facts import Facts, TableFacts
from dataeng_assets.analyze.parser_log import silent
from dataeng_assets.analyze.proving.changed_rows import as_query
from dataeng_assets.analyze.proving.data import Column, Table, data_set, family, rows_as_text, tables_as_text
from dataeng_assets.analyze.proving.fold import folded
from dataeng_assets.analyze.proving.reasons import depends_on_ties, not_comparable, order_of
from dataeng_assets.analyze.proving.run import Arena, Cannot, Difference, connect, limited
from dataeng_assets.analyze.proving.stars import named
from dataeng_assets.analyze.proving.used import BOOLEAN, NUMBER, TEMPORAL, TEXT, NotDecidable, Place, Uses, uses

DATA_SETS = 200
_SECONDS = 20
_RARELY = 40  # of one in this many data sets at least, a result must have rows
_CLOCK = "2024-02-29 12:00:00"
# A column whose type nobody said is tried with each of these in turn.
_TYPES = {
    TEXT: ("VARCHAR", "VARCHAR", "VARCHAR"),
    NUMBER: ("INTEGER", "DECIMAL(18,3)", "DOUBLE"),
    TEMPORAL: ("TIMESTAMP", "DATE", "TIMESTAMP"),
    BOOLEAN: ("BOOLEAN", "BOOLEAN", "BOOLEAN"),
    "": ("INTEGER", "VARCHAR", "TIMESTAMP"),
}
_UNSEEN = "other_column"  # stands for the columns that `*` gives and nobody named


class Verdict(StrEnum):
    """What became of comparing two statements."""

    PROVEN = "proven"
    REFUTED = "refuted"
    NOT_PROVEN = "not proven"


@dataclass(frozen=True)
class Proof:
    """What is known of two statements' results.

    Attributes:
        datasets: on how many data sets both were run.
        counter_example: tables with rows and both results, where they differ.
        reason: why nothing was proven.
        assumes: what was taken for true of columns whose type is not known.
    """

    verdict: Verdict
    datasets: int = 0
    counter_example: str = ""
    reason: str = ""
    assumes: str = ""


@dataclass(frozen=True)
class Rewrite:
    """A statement written anew.

    Attributes:
        sql: the whole statement after.
        proof: whether it gives the same as before.
    """

    sql: str
    proof: Proof


@silent()
def prove(
    before: str,
    after: str,
    tables: Facts,
    *,
    seed: int,
    datasets: int = DATA_SETS,
    dialect: str = "duckdb",
) -> Proof:
    """Compare two statements by running both.

    Args:
        before: one statement.
        after: the other.
        tables: what is known of the tables in them: columns, types, what is unique and never NULL. What is not known is
            taken from how the statements use a column; no value is assumed to be unique or to be there.
        seed: of the data; the same seed gives the same data.
        datasets: how many data sets to try.
        dialect: in which both are written, in sqlglot's words.
    """
    try:
        pair = (_parsed(before, dialect), _parsed(after, dialect))
        return _prove(pair, tables, random.Random(seed), datasets, dialect)  # noqa: S311  # made data, no secret
    except (NotDecidable, Cannot) as error:
        return Proof(Verdict.NOT_PROVEN, reason=str(error))
    except SqlglotError as error:
        return Proof(Verdict.NOT_PROVEN, reason=f"it cannot be written for DuckDB: {str(error).splitlines()[0]}")
    except RecursionError:
        return Proof(Verdict.NOT_PROVEN, reason="the statement is nested too deep to be compared")
    except (duckdb.FatalException, duckdb.InternalException) as error:
        return Proof(Verdict.NOT_PROVEN, reason=f"DuckDB fails at it: {str(error).splitlines()[-1]}")
    except duckdb.InterruptException:
        return Proof(
            Verdict.NOT_PROVEN, reason=f"comparing the statements took more than {_SECONDS} seconds of CPU time"
        )


def _parsed(sql: str, dialect: str) -> exp.Query:
    """One query in DuckDB's dialect, with a clock that stands still."""
    statement = as_query(sqlglot.parse_one(sql, dialect=dialect))
    if reason := not_comparable(statement, dialect):
        raise NotDecidable(reason)
    if isinstance(statement, exp.Insert | exp.Create) and isinstance(statement.expression, exp.Query):
        statement = statement.expression
    if not isinstance(statement, exp.Query):
        raise NotDecidable("only what reads is compared, and this statement writes")
    for hint in list(statement.find_all(exp.Hint)):
        hint.pop()
    text = statement.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)
    return cast("exp.Query", sqlglot.parse_one(text, dialect="duckdb").transform(_without_clock))


def _without_clock(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.CurrentDate):
        return exp.cast(exp.Literal.string(_CLOCK[:10]), "date")
    if isinstance(node, exp.CurrentTimestamp | exp.CurrentDatetime | exp.Localtimestamp):
        return exp.cast(exp.Literal.string(_CLOCK), "timestamp")
    return node


def _prove(pair: tuple[exp.Query, exp.Query], facts: Facts, rng: random.Random, datasets: int, dialect: str) -> Proof:
    known = {name: table for name, table in _known(pair, facts).items() if table.columns}
    columns = {name: tuple(table.columns) for name, table in known.items()}
    pair = (named(pair[0], columns), named(pair[1], columns))
    order, reason = _order(pair)
    if reason:
        return Proof(Verdict.NOT_PROVEN, reason=reason)
    with connect() as connection:
        plain = [folded(statement, connection) for statement in pair]
        used = uses(plain, {name: frozenset(map(str.lower, table.columns)) for name, table in known.items()})
        literals = sorted({literal.this for statement in plain for literal in statement.find_all(exp.Literal)})
        variants = list(dict.fromkeys(tuple(_tables(used, known, variant, dialect)) for variant in range(3)))
        with limited(connection, _SECONDS):
            proof = _in_turn(connection, pair, variants, order, literals, rng, datasets)
    return replace(proof, assumes=_assumed(used, known)) if proof.verdict is Verdict.PROVEN else proof


def _assumed(used: Uses, known: Mapping[str, TableFacts]) -> str:
    """What a proof rests on that nobody said: a text of digits, or an offset in each value, may behave otherwise."""
    typed = {
        used.first((name, column))
        for name, table in known.items()
        for column, facts in table.columns.items()
        if facts.type
    }
    names = {
        column: None
        for table, columns in used.columns.items()
        for column in columns
        if used.kinds.get(place := used.first((table, column))) == TEMPORAL and place not in typed
    }
    if not names:
        return ""
    holds = "holds" if len(names) == 1 else "hold"
    return f"{', '.join(f'`{name}`' for name in names)} {holds} dates or timestamps, not text or values with an offset"


def _in_turn(
    connection: duckdb.DuckDBPyConnection,
    pair: tuple[exp.Query, exp.Query],
    variants: list[tuple[Table, ...]],
    order: tuple[int, ...],
    literals: list[str],
    rng: random.Random,
    datasets: int,
) -> Proof:
    """Compare under each assumption of types that both statements can be run under."""
    reason, arenas = "", []
    for number, tables in enumerate(variants):
        arena = Arena(connection, f"v{number}", pair, tables, order)
        try:
            arena.check()
            arenas.append((arena, tables))
        except Cannot as error:
            reason = f"DuckDB cannot run it: {error}"
    for number, (arena, tables) in enumerate(arenas):
        arena.fill([data_set(tables, literals, rng) for _ in range(number, datasets, len(arenas))])
        differing = arena.differing()
        if differing is not None:
            return _differing(pair, tables, arena.shrunk(differing), datasets)
    if not arenas:
        return Proof(Verdict.NOT_PROVEN, reason=reason)
    filled = sum(arena.filled for arena, _ in arenas)
    if filled < datasets / _RARELY:
        reason = f"only {filled} of {datasets} data sets give a row, so that equal results say little"
        return Proof(Verdict.NOT_PROVEN, datasets, reason=reason)
    return Proof(Verdict.PROVEN, datasets)


def _differing(
    pair: tuple[exp.Query, exp.Query], tables: tuple[Table, ...], difference: Difference, datasets: int
) -> Proof:
    example = (
        f"{tables_as_text(tables, difference.rows)}\n"
        f"before gives: {_result(difference.before)}\nafter gives: {_result(difference.after)}"
    )
    if any(map(depends_on_ties, pair)):
        return Proof(
            Verdict.NOT_PROVEN, datasets, reason=f"the result depends on which of equal rows comes first:\n{example}"
        )
    return Proof(Verdict.REFUTED, datasets, counter_example=example)


def _result(rows: list[tuple[object, ...]] | str) -> str:
    return f"an error ({rows})" if isinstance(rows, str) else rows_as_text(rows)


def _order(pair: tuple[exp.Query, exp.Query]) -> tuple[tuple[int, ...], str]:
    """By which columns both results are sorted, and what keeps their orders from being compared."""
    (before, text), (after, other_text) = map(order_of, pair)
    names = [[_column_name(projection) for projection in statement.selects] for statement in pair]
    if names[0] != names[1]:
        return (), f"the columns are named {', '.join(names[0])} before and {', '.join(names[1])} after"
    if text == other_text or not text:
        return before, ""
    if before and before == after[: len(before)]:
        return before, ""
    return (), "the rows are sorted in another way afterwards"


def _column_name(projection: exp.Expr) -> str:
    """What a column of the result is called; nothing where that is the engine's choice."""
    named = isinstance(projection, exp.Column | exp.Alias) and not isinstance(projection.this, exp.Star)
    return projection.alias_or_name.lower() if named else ""


def _known(pair: tuple[exp.Query, exp.Query], facts: Facts) -> dict[str, TableFacts]:
    names = {".".join(part.name for part in table.parts).lower() for one in pair for table in one.find_all(exp.Table)}
    found = {name: facts.of(name) for name in names}
    return {name: table for name, table in found.items() if table is not None}


def _tables(used: Uses, known: Mapping[str, TableFacts], variant: int, dialect: str) -> list[Table]:
    typed = {
        used.first((name, column)): _duckdb_type(facts.type, dialect)
        for name, table in known.items()
        for column, facts in table.columns.items()
        if facts.type
    }
    tables = []
    for name, columns in used.columns.items():
        wanted = list(columns)
        if name in used.stars and name not in known:
            wanted.append(_UNSEEN)
        made = tuple(_column(used, known, typed, (name, column), variant, dialect) for column in wanted)
        unique = tuple(frozenset(map(str.lower, key)) for key in known[name].keys) if name in known else ()
        tables.append(Table(name, made, unique))
    return tables


def _column(
    used: Uses,
    known: Mapping[str, TableFacts],
    typed: Mapping[Place, str],
    column: Place,
    variant: int,
    dialect: str,
) -> Column:
    """A column to fill: of the type that is known of it, or of a column it is compared with, or that its use says."""
    table, name = column
    place = used.first((table, name))
    near = tuple(dict.fromkeys(used.near.get(place, ())))
    facts = known.get(table)
    said = facts.column(name) if facts else None
    if said is None or not said.type:
        if place in typed:
            return Column(name, typed[place], near=near)
        if place in used.contradictions:
            raise NotDecidable(f"{table}.{name} {used.contradictions[place]}")
        return Column(name, _TYPES[used.kinds.get(place, "")][variant], near=near)
    kind = _duckdb_type(said.type, dialect)
    if not family(kind):
        raise NotDecidable(f"{table}.{name} is of type {said.type}, of which no data is made")
    return Column(name, kind, said.nullable is not False, bool(said.is_unique), near)


def _duckdb_type(kind: str, dialect: str) -> str:
    """A type in DuckDB's words, whichever system named it."""
    for words in ("duckdb", dialect, "postgres", "spark"):
        try:
            return exp.DataType.build(kind, dialect=words).sql(dialect="duckdb")
        except SqlglotError:
            continue
    return kind
