"""The kinds of checks, as values. A rule adds how severe one is, when it applies and what is tolerated: see `rule`.

NULL is judged by `NotNull` and `IsNull` alone: to every other check of rows a missing value is nothing to judge, and a
row in which a compared value is missing passes. NaN is a value, and lies in no range.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

Literal = str | int | float | Decimal | bool | date | datetime


class Operator(StrEnum):
    """How two columns of a row are compared."""

    LESS = "<"
    AT_MOST = "<="
    EQUAL = "="
    DIFFERENT = "<>"
    AT_LEAST = ">="
    GREATER = ">"


class Nulls(StrEnum):
    """What a missing value means to uniqueness and references."""

    IGNORED = "ignored"
    """A row with a missing value in any of the columns is not judged: SQL's UNIQUE and MATCH SIMPLE."""
    EQUAL = "equal"
    """Missing values are equal to each other: SQL's NULLS NOT DISTINCT."""
    REFUSED = "refused"
    """A row that lacks some of the values, but not all, is a violation: SQL's MATCH FULL."""


class Metric(StrEnum):
    """A number that is measured over a whole table, or over one column of it."""

    ROW_COUNT = "row_count"
    COLUMN_COUNT = "column_count"
    NULL_SHARE = "null_share"
    DISTINCT_COUNT = "distinct_count"
    DISTINCT_SHARE = "distinct_share"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SUM = "sum"
    MEAN = "mean"
    MEDIAN = "median"
    QUANTILE = "quantile"
    STDEV = "stdev"
    HOURS_OLD = "hours_old"
    """Hours from the largest value of a date or time to now."""
    LATENCY_HOURS = "latency_hours"
    """The largest number of hours from one time of a row to a later one."""
    KL_DIVERGENCE = "kl_divergence"
    """Kullback-Leibler divergence of the values' shares from expected shares, in nats."""


# -- each row by itself ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class NotNull:
    """No row lacks the value. Texts that also mean "missing" may be named."""

    column: str
    also_missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class IsNull:
    """No row has a value."""

    column: str


@dataclass(frozen=True)
class OneOf:
    """A value that is there is one of these, or, negated, none of these. Texts are compared byte by byte."""

    column: str
    values: tuple[Literal, ...]
    negated: bool = False


@dataclass(frozen=True)
class Between:
    """A value that is there lies between the bounds, which belong to the range unless they are open. NaN does not."""

    column: str
    minimum: Literal | None = None
    maximum: Literal | None = None
    minimum_open: bool = False
    maximum_open: bool = False


@dataclass(frozen=True)
class MultipleOf:
    """A number that is there is a whole multiple of the divisor."""

    column: str
    divisor: int | float | Decimal


@dataclass(frozen=True)
class Length:
    """A text that is there has so many characters (Unicode code points), a list so many elements."""

    column: str
    minimum: int | None = None
    maximum: int | None = None


@dataclass(frozen=True)
class Matches:
    """A text that is there holds a match of all the patterns (RE2), or of any of them; negated: of none.

    Patterns are searched for anywhere unless they carry `^` and `$`. RE2 has no back references and takes linear time.
    """

    column: str
    patterns: tuple[str, ...]
    any_of: bool = False
    negated: bool = False


@dataclass(frozen=True)
class Like:
    """A text that is there is matched as a whole by the SQL LIKE patterns: all, or any; negated: none."""

    column: str
    patterns: tuple[str, ...]
    any_of: bool = False
    negated: bool = False


@dataclass(frozen=True)
class Format:
    """A text that is there has the form of this name, one of `contracts.checks.formats`, or a strftime pattern."""

    column: str
    format: str


@dataclass(frozen=True)
class JsonSchema:
    """A JSON text that is there is valid under the schema, given as JSON."""

    column: str
    schema: str


@dataclass(frozen=True)
class Compare:
    """The left column of a row compared with the right one; a row that lacks either is not judged."""

    left: str
    operator: Operator
    right: str


@dataclass(frozen=True)
class TupleOneOf:
    """The values of these columns in a row are one of these tuples; a row that lacks one of them is not judged."""

    columns: tuple[str, ...]
    values: tuple[tuple[Literal | None, ...], ...]


@dataclass(frozen=True)
class SumsTo:
    """The columns of a row add up to the total; a row that lacks one of them is not judged."""

    columns: tuple[str, ...]
    total: int | float | Decimal


@dataclass(frozen=True)
class DifferInRow:
    """No two of these columns of a row are equal; a row that lacks one of them is not judged."""

    columns: tuple[str, ...]


@dataclass(frozen=True)
class Holds:
    """An SQL condition over the columns of a row is not false; where it is unknown (NULL) it is nothing to judge."""

    condition: str


@dataclass(frozen=True)
class OfType:
    """The column has this type.

    Attributes:
        logical: in the words of ODCS: string, integer, number, boolean, date, timestamp, time, object, array.
        physical: the exact type, as Postgres, DuckDB or an event contract writes it: width, precision, scale, unit and
            zone are part of it.
        nullable: whether the storage may let it be empty; None when either is fine.
    """

    column: str
    logical: str | None = None
    physical: str | None = None
    nullable: bool | None = None


# -- rows among their neighbours ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ordered:
    """Values that are there never fall (never rise when descending) in the order of the input; strictly: nor stay."""

    column: str
    descending: bool = False
    strictly: bool = False


@dataclass(frozen=True)
class ZScore:
    """No value lies further than so many standard deviations (of the sample) from the mean; one-sided: above it."""

    column: str
    limit: float
    one_sided: bool = False


@dataclass(frozen=True)
class Unique:
    """No two rows share the values of these columns."""

    columns: tuple[str, ...]
    nulls: Nulls = Nulls.IGNORED


@dataclass(frozen=True)
class AsOf:
    """A reference to the version that was valid at a moment, in `[valid_from, valid_to)`; an empty end is open."""

    at: str
    valid_from: str = "valid_from"
    valid_to: str = "valid_to"


@dataclass(frozen=True)
class References:
    """Every combination of these columns stands in the columns of the other table; `as_of`: exactly once, then."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]
    nulls: Nulls = Nulls.IGNORED
    as_of: AsOf | None = None


# -- the table as a whole ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measure:
    """A metric lies within the rule's bounds.

    Attributes:
        column: what is measured; empty for the table's own metrics. The later time for `latency_hours`.
        argument: the quantile (0 to 1) for `quantile`.
        since: the earlier time for `latency_hours`.
        shares: expected share by value for `kl_divergence`.
    """

    metric: Metric
    column: str = ""
    argument: float | None = None
    since: str = ""
    shares: tuple[tuple[Literal, float], ...] = ()


@dataclass(frozen=True)
class MostCommon:
    """The most frequent value of the column is one of these; of several equally frequent ones, all or any are."""

    column: str
    values: tuple[Literal, ...]
    ties_any: bool = False


@dataclass(frozen=True)
class DistinctValues:
    """The set of the column's values that are there is within these, holds all of these, or equals these."""

    column: str
    values: tuple[Literal, ...]
    relation: str = "within"
    """`within`, `contains` or `equals`."""


@dataclass(frozen=True)
class HasColumns:
    """The table has these columns.

    Attributes:
        ordered: also in this order.
        exactly: and no others.
    """

    columns: tuple[str, ...]
    ordered: bool = False
    exactly: bool = False


# -- more than one table, and free SQL ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reconciles:
    """A number of this table equals that of another one; the rule's bounds speak of the difference, 0 by default.

    Attributes:
        table: the other one.
        measure: `row_count`, `sum` or `hash` (order-independent, over the columns).
        columns: what is summed or hashed.
        other_columns: their names in the other table, when they differ.
    """

    table: str
    measure: str = "row_count"
    columns: tuple[str, ...] = ()
    other_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Query:
    """The single number that a query returns lies within the rule's bounds. `{table}` stands for the table."""

    sql: str


@dataclass(frozen=True)
class NoRows:
    """A query returns no row; each that it does return is a violation. `{table}` stands for the table."""

    sql: str


@dataclass(frozen=True)
class SameResult:
    """Two queries return the same rows, however they are ordered. `{table}` stands for the table."""

    sql: str
    other_sql: str


RowCheck = (
    NotNull | IsNull | OneOf | Between | MultipleOf | Length | Matches | Like | Format | JsonSchema | Compare
    | TupleOneOf | SumsTo | DifferInRow | Holds
)  # fmt: skip
"""Each row is judged by itself, so that a row can be set aside for it."""
Check = (
    RowCheck | OfType | Ordered | ZScore | Unique | References | Measure | MostCommon | DistinctValues | HasColumns
    | Reconciles | Query | NoRows | SameResult
)  # fmt: skip
