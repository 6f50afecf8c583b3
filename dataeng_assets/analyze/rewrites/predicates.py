"""Filters that ask the same of a column itself: ranges instead of functions, a value instead of arithmetic."""

import re
from datetime import date, timedelta
from decimal import Decimal

from sqlglot import exp

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.rewrites.splice import replaced, written
from dataeng_assets.analyze.rule import Hit
from dataeng_assets.analyze.statement import Statement

_SIGNS: dict[type[exp.Expr], str] = {exp.EQ: "=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}
_MIRRORED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.EQ,
    exp.LT: exp.GT,
    exp.LTE: exp.GTE,
    exp.GT: exp.LT,
    exp.GTE: exp.LTE,
}
_TRUNCATED = (exp.DateTrunc, exp.TimestampTrunc, exp.DatetimeTrunc)
_FORMATS = {
    **dict.fromkeys(("%Y-%m-%d", "YYYY-MM-DD", "yyyy-mm-dd"), "DAY"),
    **dict.fromkeys(("%Y-%m", "YYYY-MM", "yyyy-mm"), "MONTH"),
    **dict.fromkeys(("%Y", "YYYY", "yyyy"), "YEAR"),
}
_DAY = timedelta(days=1)


def range_of_function(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """`date(ts) = '2024-01-05'` as `ts >= date '2024-01-05' and ts < date '2024-01-06'`, and its like."""
    node = hit.node
    side, values, kind = _sides(node)
    if side is None or not values:
        return None
    prefix = _prefix(statement, side, values, kind)
    if prefix is not None:
        return replaced(statement, node, prefix)
    found = _period(side)
    if found is None:
        return None
    column, unit = found
    name = written(statement, column)
    bounds = [_bounds(value, unit, side) for value in values]
    if name is None or any(bound is None for bound in bounds):
        return None
    text = _range(statement, name, [bound for bound in bounds if bound is not None], kind)
    return replaced(statement, node, _bracketed(node, text)) if text else None


def _sides(node: exp.Expr) -> tuple[exp.Expr | None, list[exp.Expr], type[exp.Expr]]:
    """The side with the column, the constants, and the comparison as it is with the column on the left."""
    if isinstance(node, exp.Between):
        return node.this, [node.args["low"], node.args["high"]], exp.Between
    if type(node) not in _SIGNS:
        return None, [], type(node)
    if not node.this.find(exp.Column):
        return node.expression, [node.this], _MIRRORED[type(node)]
    return node.this, [node.expression], type(node)


def _period(side: exp.Expr) -> tuple[exp.Column, str] | None:
    """The column and the unit of time that a function cuts it to."""
    if isinstance(side, exp.Extract):
        is_year = isinstance(side.expression, exp.Column) and side.name.upper() == "YEAR"
        return (side.expression, "YEAR") if is_year else None
    inner = side.this
    if isinstance(inner, exp.TsOrDsToDate | exp.TsOrDsToTimestamp | exp.TimeStrToTime) or (
        isinstance(inner, exp.Cast) and not isinstance(side, exp.Cast) and inner.to.is_type("timestamp", "date")
    ):
        inner = inner.this  # sqlglot writes out what the engine does by itself
    unit = _unit(side)
    return (inner, unit) if unit and isinstance(inner, exp.Column) else None


def _unit(side: exp.Expr) -> str:
    if isinstance(side, exp.Cast | exp.TryCast):
        return "DAY" if side.to.is_type("date") else ""
    if isinstance(side, exp.Date | exp.TsOrDsToDate):
        return "" if side.args.get("format") else "DAY"
    if isinstance(side, exp.Year):
        return "YEAR"
    if isinstance(side, _TRUNCATED):
        unit = str(side.args["unit"].name).upper()
        return unit if unit in ("DAY", "MONTH", "QUARTER", "YEAR") else ""
    if isinstance(side, exp.TimeToStr | exp.ToChar):
        written_as = side.args["format"].name if side.args.get("format") else ""
        return _FORMATS.get(written_as.replace("strict", ""), "")
    return ""


def _bounds(value: exp.Expr, unit: str, side: exp.Expr) -> tuple[date, date] | None:
    """The first day of a period and that after it; None for a value at which no period begins."""
    while isinstance(value, exp.Cast | exp.Paren | exp.Date | exp.TsOrDsToDate):
        value = value.this
    if not isinstance(value, exp.Literal):
        return None
    whole = {
        "DAY": r"\d{4}-\d\d-\d\d",
        "MONTH": r"\d{4}-\d\d" if isinstance(side, exp.TimeToStr | exp.ToChar) else r"\d{4}-\d\d-01",
        "QUARTER": r"\d{4}-(01|04|07|10)-01",
        "YEAR": r"\d{4}-01-01" if isinstance(side, _TRUNCATED) else r"\d{4}",
    }[unit]
    midnight = re.sub(r"[ T]00:00(:00)?$", "", value.name)
    if not re.fullmatch(whole, midnight):
        return None
    try:
        start = date.fromisoformat((midnight + "-01-01")[:10])
        return start, _next(start, unit)
    except (ValueError, OverflowError):
        return None


def _next(start: date, unit: str) -> date:
    if unit == "DAY":
        return start + _DAY
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit] + start.month - 1
    return date(start.year + months // 12, months % 12 + 1, 1)


def _range(statement: Statement, name: str, bounds: list[tuple[date, date]], kind: type[exp.Expr]) -> str:
    (start, end), last = bounds[0], bounds[-1][1]
    from_, to = _day(statement, start), _day(statement, end)
    ranges: dict[type[exp.Expr], str] = {
        exp.EQ: f"{name} >= {from_} and {name} < {to}",
        exp.LT: f"{name} < {from_}",
        exp.LTE: f"{name} < {to}",
        exp.GT: f"{name} >= {to}",
        exp.GTE: f"{name} >= {from_}",
        exp.Between: f"{name} >= {from_} and {name} < {_day(statement, last)}",
    }
    return ranges.get(kind, "")


def _day(statement: Statement, day: date) -> str:
    # BigQuery compares no timestamp with a date, and reads a text as either
    return f"'{day}'" if statement.engine is Engine.BIGQUERY else f"date '{day}'"


def _bracketed(node: exp.Expr, text: str) -> str:
    plain = node.parent is None or isinstance(node.parent, exp.And | exp.Where | exp.Paren | exp.Having)
    return text if plain or (" and " not in text and " or " not in text) else f"({text})"


def _prefix(statement: Statement, side: exp.Expr, values: list[exp.Expr], kind: type[exp.Expr]) -> str | None:
    """`left(name, 3) = 'abc'` as `name like 'abc%'`."""
    if kind is not exp.EQ or not isinstance(side, exp.Left | exp.Substring) or not isinstance(side.this, exp.Column):
        return None
    start = side.args.get("start")
    length = side.expression if isinstance(side, exp.Left) else side.args.get("length")
    text = values[0].name
    if not isinstance(length, exp.Literal) or length.name != str(len(text)) or re.search(r"[%_\\']", text):
        return None
    if (start is not None and start.name not in ("1", "0")) or not values[0].is_string:
        return None
    name = written(statement, side.this)
    return f"{name} like '{text}%'" if name and text else None


def moved_arithmetic(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """`n + 1 > 5` as `n > 4`; only with whole and decimal numbers, and factors that divide without a rest."""
    side, values, kind = _sides(hit.node)
    if not isinstance(side, exp.Add | exp.Sub | exp.Mul) or len(values) != 1 or kind not in _SIGNS:
        return None
    column, number, value = side.this, _number(side.expression), _number(values[0])
    if isinstance(side, exp.Add | exp.Mul) and not isinstance(column, exp.Column):
        column, number = side.expression, _number(side.this)
    name = written(statement, column) if isinstance(column, exp.Column) else None
    if name is None or number is None or value is None:
        return None
    if isinstance(side, exp.Mul):
        if number <= 0 or value % number:
            return None
        return replaced(statement, hit.node, f"{name} {_SIGNS[kind]} {value / number:f}")
    moved = value - number if isinstance(side, exp.Add) else value + number
    return replaced(statement, hit.node, f"{name} {_SIGNS[kind]} {moved:f}")


def _number(node: exp.Expr) -> Decimal | None:
    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return None if inner is None else -inner
    plain = isinstance(node, exp.Literal) and not node.is_string and re.fullmatch(r"\d+(\.\d+)?", node.name)
    return Decimal(node.name) if plain else None


def without_coalesce(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """`coalesce(v, 0) = 5` as `v = 5`, and `coalesce(v, 0) = 0` as `v = 0 or v is null`."""
    node = hit.node
    side, values, kind = _sides(node)
    if not isinstance(side, exp.Coalesce) or kind is not exp.EQ or len(side.expressions) != 1:
        return None
    default, value = side.expressions[0], values[0]
    name, text = written(statement, side.this), written(statement, value)
    if name is None or text is None or not isinstance(default, exp.Literal) or not isinstance(value, exp.Literal):
        return None
    if default.is_string != value.is_string:
        return None
    same = f"({name} = {text} or {name} is null)"
    return replaced(statement, node, same if default == value else f"{name} = {text}")


def unquoted_number(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """A number in quotes that a column of numbers is compared with, without the quotes."""
    side, values, kind = _sides(hit.node)
    if side is None or kind not in _SIGNS or len(values) != 1:
        return None
    value = values[0]
    if not value.is_string or not re.fullmatch(r"-?\d+(\.\d+)?", value.name):
        return None
    return replaced(statement, value, value.name)


def is_null(statement: Statement, hit: Hit, _: Facts) -> str | None:
    """`v = null` as `v is null`, which is what was meant."""
    name = written(statement, hit.node.this)
    test = "is" if isinstance(hit.node, exp.EQ) else "is not"
    return replaced(statement, hit.node, f"{name} {test} null") if name else None
