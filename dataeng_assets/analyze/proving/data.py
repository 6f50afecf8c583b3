"""Data sets that try to tell two statements apart: NULLs, duplicates, no rows, ties, the values beside each boundary.

A value is written as the text that DuckDB casts to the column's type. What DuckDB does with it belongs in `run`.
"""

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

Row = tuple[str | None, ...]

_FIRST, _LAST = datetime(1900, 1, 1), datetime(9998, 12, 31)  # noqa: DTZ001  # values of columns without a zone
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_ROWS = (0, 1, 2, 2, 3, 3, 4, 5, 6, 8)
_MOST_ROWS_OF_MANY = 4  # of each table where more than three are joined, so that a result stays small


@dataclass(frozen=True)
class Column:
    """A column to fill.

    Attributes:
        type: in DuckDB's words.
        nullable: whether NULL may stand in it.
        is_unique: whether no value may stand in it twice.
        near: literals that the statements compare it with.
    """

    name: str
    type: str
    nullable: bool = True
    is_unique: bool = False
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A table to fill.

    Attributes:
        unique: sets of columns whose values together stand once.
    """

    name: str
    columns: tuple[Column, ...]
    unique: tuple[frozenset[str], ...] = ()


def data_set(tables: Sequence[Table], literals: Iterable[str], rng: random.Random) -> dict[str, list[Row]]:
    """One data set: rows by table.

    Values are drawn from few, so that keys meet and rows repeat; one in ten tables is empty.

    Args:
        tables: to fill.
        literals: all literals of the statements.
        rng: where chance comes from.
    """
    literals = tuple(literals)
    share_of_null = rng.choice((0.0, 0.0, 0.15, 0.5))
    width = rng.choice((1, 2, 3, 5, 9))
    pools: dict[str, list[str]] = {}
    filled: dict[str, list[Row]] = {}
    for table in tables:
        columns = [_values(column, literals, rng, pools, width) for column in table.columns]
        count = rng.choice(_ROWS)
        if len(tables) > 3:
            count = min(count, _MOST_ROWS_OF_MANY)
        rows = [
            tuple(
                None if column.nullable and rng.random() < share_of_null else _pick(column, pool, rng)
                for column, pool in zip(table.columns, columns, strict=True)
            )
            for _ in range(count)
        ]
        if rows and rng.random() < 0.2:
            rows.append(rng.choice(rows))
        filled[table.name] = _kept_unique(table, rows)
    return filled


def _pick(column: Column, pool: Sequence[str], rng: random.Random) -> str:
    exact = [value for value in column.near if fits(value, column.type)]
    return rng.choice(exact) if exact and rng.random() < 0.35 else rng.choice(pool)


def _values(
    column: Column, literals: tuple[str, ...], rng: random.Random, pools: dict[str, list[str]], width: int
) -> list[str]:
    """Few values for a column: mostly those that other columns of its type have, too."""
    kind = family(column.type)
    near = candidates(column.type, column.near) if column.near else ()
    if kind not in pools or rng.random() < 0.3:
        every = candidates(column.type, literals)
        pools[kind] = rng.sample(every, min(width, len(every)))
    pool = [value for value in pools[kind] if fits(value, column.type)] or list(candidates(column.type, ()))
    return pool + rng.sample(near, min(width, len(near))) if near else pool


def _kept_unique(table: Table, rows: list[Row]) -> list[Row]:
    names = [column.name for column in table.columns]
    sets = [frozenset({column.name}) for column in table.columns if column.is_unique] + list(table.unique)
    for unique in sets:
        places = [names.index(name) for name in unique if name in names]
        if len(places) < len(unique):
            continue
        seen: set[Row] = set()
        kept = []
        for row in rows:
            key = tuple(row[place] for place in places)
            if None in key or key not in seen:
                kept.append(row)
            seen.add(key)
        rows = kept
    return rows


def family(kind: str) -> str:
    """A DuckDB type's family: integer, decimal, float, boolean, date, timestamp, text, uuid; empty for others."""
    kind = kind.upper().split("(")[0].strip()
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "INT", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT"):
        return "integer"
    if kind.startswith("TIMESTAMP") or kind == "DATETIME":
        return "timestamp"
    return {
        **dict.fromkeys(("DECIMAL", "NUMERIC"), "decimal"),
        **dict.fromkeys(("DOUBLE", "REAL", "FLOAT"), "float"),
        **dict.fromkeys(("VARCHAR", "TEXT", "CHAR", "STRING"), "text"),
        "BOOLEAN": "boolean",
        "BOOL": "boolean",
        "DATE": "date",
        "UUID": "uuid",
    }.get(kind, "")


@lru_cache(maxsize=256)
def candidates(kind: str, literals: tuple[str, ...]) -> tuple[str, ...]:
    """Values of a type worth trying: the usual traps, and those at and beside the literals."""
    made = _MADE[family(kind)]
    return tuple(dict.fromkeys(value for value in made(list(literals)) if fits(value, kind)))


@lru_cache(maxsize=4096)
def fits(value: str, kind: str) -> bool:
    """Whether a value's text is one of this type."""
    of = family(kind)
    if of == "text":
        return True
    if of in ("date", "timestamp"):
        return _time(value) is not None
    if of in ("integer", "decimal", "float"):
        return _is_number_of(value, kind)
    return value in _MADE[of]([])


def _is_number_of(value: str, kind: str) -> bool:
    of = family(kind)
    if value == "NaN":
        return of == "float"
    number = _number(value)
    if number is None:
        return False
    if of == "integer":
        most = {"TINYINT": 100, "SMALLINT": 30_000}.get(kind.upper(), 1_000_000_000)
        return number == number.to_integral_value() and abs(number) <= most
    if of == "decimal":
        digits, scale = _decimal(kind)
        return abs(number) < Decimal(10) ** (digits - scale)
    return True


def _decimal(kind: str) -> tuple[int, int]:
    found = re.search(r"\((\d+)\s*(?:,\s*(\d+))?\)", kind)
    return (int(found[1]), int(found[2] or 0)) if found else (18, 3)


def _number(text: str) -> Decimal | None:
    with suppress(ArithmeticError):
        number = Decimal(text)
        return number if number.is_finite() else None
    return None


def _time(text: str) -> datetime | None:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=None)
    return None


def _integers(literals: list[str]) -> list[str]:
    numbers = [int(number) for text in literals if (number := _number(text)) is not None and abs(number) < 10**9]
    beside = [number + step for number in numbers for step in (0, 1, -1)]
    return [str(number) for number in (*beside, 0, 1, 2, 3, -1, 100, 1_000_000_000, -1_000_000_000)]


def _decimals(literals: list[str]) -> list[str]:
    steps = (Decimal(0), Decimal("0.001"), Decimal("-0.001"), Decimal("0.5"), Decimal(1))
    numbers = [number + step for text in literals if (number := _number(text)) is not None for step in steps]
    return [
        *(format(number, "f") for number in numbers),
        *("0", "0.01", "-0.01", "1", "2", "2.5", "0.1", "0.3", "999999999999.999", "-999999999999.999"),
    ]


def _floats(literals: list[str]) -> list[str]:
    return [*_decimals(literals), "NaN", "0.30000000000000004", "1e15"]


def _texts(literals: list[str]) -> list[str]:
    plain = [re.sub(r"%", "", text).replace("_", "z") for text in literals]
    made = [
        variant
        for text in dict.fromkeys((*plain, *literals))
        for variant in (text, f"{text}x", f"x{text}", text.upper(), text.lower(), text[:-1], f" {text}")
    ]
    return [*made, "", " ", "a", "A", "b", "é", "%"]


def _moments(literals: list[str]) -> list[datetime]:
    anchors = [datetime(2024, 2, 29), datetime(2023, 12, 31)]  # noqa: DTZ001  # as above
    for text in literals:
        moment = _time(text)
        if moment is not None and _FIRST < moment < _LAST:
            anchors.append(moment)
        elif re.fullmatch(r"(19|20)\d\d", text):
            anchors.extend((datetime(int(text), 1, 1), datetime(int(text) + 1, 1, 1)))  # noqa: DTZ001  # as above
    steps = [int(text) for text in literals if re.fullmatch(r"\d{1,3}", text)]
    return anchors + [anchor + _DAY * step * sign for anchor in anchors for step in steps for sign in (1, -1)]


def _dates(literals: list[str]) -> list[str]:
    days = [moment.date() for moment in _moments(literals)]
    beside = [day + _DAY * step for day in days for step in (0, 1, -1)]
    months = [start for day in days for start in (day.replace(day=1), _next_month(day), _next_month(day) - _DAY)]
    return [day.isoformat() for day in (*beside, *months, date(1900, 1, 1), date(9998, 12, 31))]


def _next_month(day: date) -> date:
    return (day.replace(day=28) + 4 * _DAY).replace(day=1)


def _timestamps(literals: list[str]) -> list[str]:
    exact = [moment + step for moment in _moments(literals) for step in (timedelta(0), _MICROSECOND, -_MICROSECOND)]
    days = [datetime.fromisoformat(day) for day in _dates(literals)]
    within = [day + part for day in days for part in (timedelta(0), _DAY / 2, _DAY - _MICROSECOND)]
    return [moment.isoformat(" ") for moment in (*exact, *within)]


_MADE: Mapping[str, Callable[[list[str]], list[str]]] = {
    "integer": _integers,
    "decimal": _decimals,
    "float": _floats,
    "text": _texts,
    "date": _dates,
    "timestamp": _timestamps,
    "boolean": lambda _: ["true", "false"],
    "uuid": lambda _: [f"00000000-0000-0000-0000-00000000000{digit}" for digit in range(4)],
}


def tables_as_text(tables: Sequence[Table], filled: Mapping[str, Sequence[Row]]) -> str:
    """A data set for a person: each table with its rows."""
    return "\n".join(
        f"{table.name}({', '.join(column.name for column in table.columns)}): {rows_as_text(filled[table.name])}"
        for table in tables
    )


def rows_as_text(rows: Iterable[Sequence[object]]) -> str:
    """Rows for a person."""
    texts = [f"({', '.join('NULL' if value is None else str(value) for value in row)})" for row in rows]
    return " ".join(texts) or "no rows"
