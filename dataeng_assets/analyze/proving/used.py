"""Which columns of which tables statements use, and what their use says of their types.

A column is a place: of a table, or of a query inside the statement that hands it on. Places that are compared with each
other have one type. Where use says nothing a column may have any type, and is tried with several.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope

TEXT, NUMBER, TEMPORAL, BOOLEAN, ANY = "text", "number", "temporal", "boolean", ""
_DATE_TEXT = re.compile(r"\d{4}-\d{1,2}(-\d{1,2})?([ T].*)?$")
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.Is)
_ALIKE = (*_COMPARED, exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least)
_OF_TEXT = (
    *(exp.Like, exp.ILike, exp.Upper, exp.Lower, exp.Trim, exp.Substring, exp.Length, exp.Concat, exp.DPipe),
    *(exp.RegexpLike, exp.StartsWith, exp.Left, exp.Right, exp.Replace, exp.SplitPart, exp.StrPosition, exp.Initcap),
)
_OF_NUMBERS = (
    *(exp.Mul, exp.Div, exp.Mod, exp.Sum, exp.Avg, exp.Neg, exp.Round, exp.Abs, exp.Floor, exp.Ceil, exp.Sqrt),
    *(exp.Stddev, exp.StddevPop, exp.StddevSamp, exp.Variance, exp.IntDiv, exp.Pow),
)
_OF_TIMES = (
    *(exp.Extract, exp.Year, exp.Month, exp.Day, exp.Quarter, exp.Week, exp.DayOfWeek, exp.DateTrunc),
    *(exp.TimestampTrunc, exp.DateAdd, exp.DateSub, exp.DateDiff, exp.TsOrDsToDate, exp.Date, exp.TsOrDsAdd),
    *(exp.TimestampAdd, exp.TimestampSub, exp.TimestampDiff, exp.DatetimeAdd, exp.DatetimeSub, exp.DatetimeTrunc),
    *(exp.TimeToStr, exp.LastDay, exp.AddMonths, exp.Hour, exp.Minute, exp.DayOfMonth, exp.DayOfYear, exp.TimeToUnix),
)
_TIMES = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentDatetime, exp.Interval)
_HANDS_ON = (exp.Min, exp.Max, exp.Alias, exp.Paren, exp.Distinct, exp.Filter, exp.Window, exp.Lag, exp.Lead, exp.Neg)

Place = tuple[str, str]  # a table's dotted name and a column, both in lower case


class NotDecidable(Exception):
    """What a column is cannot be told; the message says which and why."""


@dataclass
class Uses:
    """The columns that statements use.

    Attributes:
        columns: by table, in the order of their first use.
        stars: tables of which all columns are asked for.
        kinds: what use says of a column's type: text, number, temporal, boolean; missing when it says nothing.
        near: literals that a column is compared with, as text.
        contradictions: of columns whose uses do not agree; what matters where the type is not known.
    """

    columns: dict[str, dict[str, None]] = field(default_factory=dict)
    stars: set[str] = field(default_factory=set)
    kinds: dict[Place, str] = field(default_factory=dict)
    near: dict[Place, list[str]] = field(default_factory=dict)
    contradictions: dict[Place, str] = field(default_factory=dict)
    _same: dict[Place, Place] = field(default_factory=dict)

    def first(self, place: Place) -> Place:
        """The place that stands for all those of the same type."""
        while place in self._same:
            place = self._same[place]
        return place

    def join(self, one: Place, other: Place) -> None:
        """Both have one type."""
        one, other = self.first(one), self.first(other)
        if one == other:
            return
        self._same[other] = one
        self.near.setdefault(one, []).extend(self.near.pop(other, []))
        if kind := self.kinds.pop(other, ""):
            self.say(one, kind)
        if contradiction := self.contradictions.pop(other, ""):
            self.contradictions[one] = contradiction

    def say(self, place: Place, kind: str) -> None:
        """The place is used as this kind."""
        place = self.first(place)
        known = self.kinds.setdefault(place, kind)
        if known != kind:
            self.contradictions[place] = f"is used as {known} and as {kind}, and its type decides what is given"


def table_name(table: exp.Table) -> str:
    """A table's dotted name in lower case."""
    return ".".join(part.name for part in table.parts).lower()


def uses(statements: list[exp.Expr], known: Mapping[str, frozenset[str]]) -> Uses:
    """Look through statements.

    Args:
        statements: queries, parsed.
        known: all columns of those tables of which they are known, in lower case.

    Raises:
        NotDecidable: a column cannot be told apart, or its type contradicts itself.
    """
    found = Uses()
    for statement in statements:
        for scope in traverse_scope(statement):
            _Reader(scope, known, found).read()
    return found


class _Reader:
    """Reads one query of a statement; the queries in it are read by their own."""

    def __init__(self, scope: Scope, known: Mapping[str, frozenset[str]], found: Uses) -> None:
        self._scope, self._known, self._found = scope, known, found

    def read(self) -> None:
        for source in self._scope.sources.values():
            if isinstance(source, exp.Table):
                columns = self._found.columns.setdefault(table_name(source), {})
                columns.update(dict.fromkeys(sorted(self._known.get(table_name(source), ()))))
        for node in self._scope.walk():
            self._read_node(node)
        self._read_joined_names()
        if isinstance(self._scope.expression, exp.SetOperation):
            for one, other in zip(
                *(side.selects for side in (self._scope.expression.left, self._scope.expression.right)), strict=False
            ):
                self._alike([one, other])

    def _read_node(self, node: exp.Expr) -> None:
        if isinstance(node, exp.Column):
            self._places(node)
        if isinstance(node, exp.Star):
            self._read_star(node)
        if isinstance(node, exp.In):
            query = node.args.get("query")
            self._alike([node.this, *node.expressions, query])
        elif isinstance(node, exp.Case):
            self._alike([*(branch.args["true"] for branch in node.args["ifs"]), node.args.get("default")])
        elif isinstance(node, _ALIKE):
            self._alike([part for part in node.iter_expressions() if not isinstance(part, exp.Null | exp.Boolean)])
        self._read_operands(node)

    def _read_operands(self, node: exp.Expr) -> None:
        kind = _operand_kind(node)
        parts = list(node.iter_expressions())
        if isinstance(node, exp.Add | exp.Sub):
            times = any(isinstance(part, exp.Interval) or self._kind(part) == TEMPORAL for part in parts)
            kind = TEMPORAL if times else NUMBER
        if kind == TEMPORAL:
            parts = [part for part in parts if isinstance(part, exp.Column)]
        if kind:
            for part in parts:
                for place in self._places(part):
                    self._found.say(place, kind)

    def _alike(self, parts: list[exp.Expr | None]) -> None:
        there = [part for part in parts if part is not None]
        places = [place for part in there for place in self._places(part)]
        kinds = [kind for part in there if (kind := self._kind(part))]
        for other in places[1:]:
            self._found.join(places[0], other)
        if not places:
            return
        first = self._found.first(places[0])
        for kind in kinds:
            self._found.say(first, kind)
        self._found.near.setdefault(first, []).extend(
            literal.this for part in there for literal in part.find_all(exp.Literal)
        )

    def _kind(self, part: exp.Expr) -> str:
        """What an expression is by itself, without regard to columns."""
        if isinstance(part, exp.Paren | exp.Alias | exp.Neg):
            return self._kind(part.this)
        if isinstance(part, exp.Literal):
            return _literal_kind(part)
        if isinstance(part, exp.Cast):
            return _cast_kind(part)
        if isinstance(part, _TIMES):
            return TEMPORAL
        if isinstance(part, exp.Boolean):
            return BOOLEAN
        return ""

    def _places(self, part: exp.Expr | None) -> list[Place]:
        """The columns of tables whose value an expression hands on unchanged."""
        if isinstance(part, exp.Column):
            return _resolve(part, self._scope, self._known, self._found)
        if isinstance(part, _HANDS_ON):
            return self._places(part.this)
        if isinstance(part, exp.Subquery) and isinstance(part.this, exp.Select) and len(part.this.selects) == 1:
            inner = next((scope for scope in self._scope.subquery_scopes if scope.expression is part.this), None)
            return _Reader(inner, self._known, self._found)._places(part.this.selects[0]) if inner else []
        return []

    def _read_star(self, star: exp.Star) -> None:
        if isinstance(star.parent, exp.Count):
            return
        of = star.parent.table if isinstance(star.parent, exp.Column) else ""
        for name, source in self._scope.selected_sources.items():
            if isinstance(source[1], exp.Table) and (not of or name == of):
                self._found.stars.add(table_name(source[1]))

    def _read_joined_names(self) -> None:
        """USING names a column of both sides."""
        if not isinstance(self._scope.expression, exp.Select):
            return
        for join in self._scope.expression.args.get("joins") or []:
            if str(join.args.get("method") or "").upper() == "NATURAL":
                raise NotDecidable("a NATURAL JOIN joins by all columns that the tables share")
            for name in join.args.get("using") or []:
                places = [
                    (table_name(source), name.name.lower())
                    for source in self._scope.sources.values()
                    if isinstance(source, exp.Table)
                ]
                for table, column in places:
                    self._found.columns.setdefault(table, {}).setdefault(column)
                    self._found.join(places[0], (table, column))


def _resolve(column: exp.Column, scope: Scope, known: Mapping[str, frozenset[str]], found: Uses) -> list[Place]:
    """The columns of tables that a column is; none for what is computed.

    Raises:
        NotDecidable: it may belong to more than one table.
    """
    name = column.name.lower()
    if isinstance(column.this, exp.Star):
        return []
    sources = {alias.lower(): source for alias, source in scope.sources.items()}
    if column.table:
        source = sources.get(column.table.lower())
        if source is None:
            return _resolve(column, scope.parent, known, found) if scope.parent else []
        return _in_source(name, source, known, found)
    own = [source for _, source in scope.selected_sources.values()]
    holding = [source for source in own if _has(source, name, known)]
    if len(holding) == 1:
        return _in_source(name, holding[0], known, found)
    if not holding and _is_alias(name, scope):
        return []
    open_ones = [source for source in own if _may_have(source, known)]
    if not holding and len(open_ones) == 1 and not _outer_has(name, scope, known):
        return _in_source(name, open_ones[0], known, found)
    if not holding and not open_ones:
        return _resolve(column, scope.parent, known, found) if scope.parent else []
    if _is_joined_name(name, scope):
        return [place for source in own for place in _in_source(name, source, known, found)][:1]
    raise NotDecidable(f"the column {name} may belong to more than one table; write the table before it")


def _has(source: exp.Expr | Scope, name: str, known: Mapping[str, frozenset[str]]) -> bool:
    if isinstance(source, Scope):
        return name in (selected.lower() for selected in _outputs(source))
    return isinstance(source, exp.Table) and name in known.get(table_name(source), ())


def _may_have(source: exp.Expr | Scope, known: Mapping[str, frozenset[str]]) -> bool:
    if isinstance(source, Scope):
        return "*" in _outputs(source)
    return isinstance(source, exp.Table) and table_name(source) not in known


def _outer_has(name: str, scope: Scope, known: Mapping[str, frozenset[str]]) -> bool:
    outer = scope.parent if scope.is_correlated_subquery or scope.is_subquery else None
    return outer is not None and any(_has(source, name, known) for source in outer.sources.values())


def _outputs(scope: Scope) -> list[str]:
    expression = scope.expression
    return list(expression.named_selects) if isinstance(expression, exp.Query) else []


def _is_alias(name: str, scope: Scope) -> bool:
    expression = scope.expression
    return isinstance(expression, exp.Select) and any(
        isinstance(projection, exp.Alias) and projection.alias.lower() == name for projection in expression.selects
    )


def _is_joined_name(name: str, scope: Scope) -> bool:
    joins = scope.expression.args.get("joins") or []
    return any(name == joined.name.lower() for join in joins for joined in join.args.get("using") or [])


def _in_source(name: str, source: exp.Expr | Scope, known: Mapping[str, frozenset[str]], found: Uses) -> list[Place]:
    if isinstance(source, exp.Table):
        found.columns.setdefault(table_name(source), {}).setdefault(name)
        return [(table_name(source), name)]
    if not isinstance(source, Scope) or not isinstance(source.expression, exp.Query):
        return []
    for place, projection in enumerate(source.expression.selects):
        if projection.alias_or_name.lower() == name:
            return _handed_on(place, source, known, found)
    inner = [part for _, part in source.selected_sources.values() if _may_have(part, known) or _has(part, name, known)]
    return _in_source(name, inner[0], known, found) if "*" in _outputs(source) and len(inner) == 1 else []


def _handed_on(place: int, source: Scope, known: Mapping[str, frozenset[str]], found: Uses) -> list[Place]:
    if isinstance(source.expression, exp.SetOperation):
        sides = source.set_operation_scopes
        return [one for side in sides for one in _handed_on(place, side, known, found)]
    selects = source.expression.selects if isinstance(source.expression, exp.Query) else []
    return _Reader(source, known, found)._places(selects[place].unalias()) if place < len(selects) else []


def _operand_kind(node: exp.Expr) -> str:
    if isinstance(node, _OF_TEXT):
        return TEXT
    if isinstance(node, _OF_NUMBERS):
        return NUMBER
    if isinstance(node, _OF_TIMES) or (isinstance(node, exp.Cast) and _cast_kind(node) == TEMPORAL):
        return TEMPORAL
    if isinstance(node, exp.And | exp.Or | exp.Not | exp.Where | exp.Having):
        return BOOLEAN
    return ""


def _literal_kind(literal: exp.Literal) -> str:
    if not literal.is_string:
        return NUMBER
    return TEMPORAL if _DATE_TEXT.match(literal.this) else TEXT


def _cast_kind(cast: exp.Cast) -> str:
    to = cast.to
    if to.is_type(*exp.DataType.TEMPORAL_TYPES):
        return TEMPORAL
    if to.is_type(*exp.DataType.TEXT_TYPES):
        return TEXT
    return NUMBER if to.is_type(*exp.DataType.NUMERIC_TYPES) else ""
