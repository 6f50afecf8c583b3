"""Rules about arithmetic and types of what is computed."""

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.facts import ColumnFacts, Facts, TableFacts
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.rule import Example, Hit, Rule
from dataeng_assets.analyze.statement import Statement
from dataeng_assets.analyze.terms import bare, column_facts, columns, is_constant

_TIMES = ("_at", "_ts", "timestamp", "_time", "datetime")


def _division_by_zero(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Div, exp.Mod):
        divisor = bare(node.expression)
        while isinstance(divisor, exp.Cast):
            divisor = bare(divisor.this)
        if is_constant(divisor) and not isinstance(divisor, exp.AggFunc):
            continue
        if divisor.find(exp.Nullif, exp.Case, exp.If, exp.Query, exp.Greatest) or _is_guarded(node):
            continue
        if isinstance(divisor, exp.Count) and isinstance(divisor.this, exp.Star):
            continue  # a group has rows, and over no rows what is divided is NULL
        if not isinstance(divisor, (exp.Column, exp.AggFunc, exp.Sub, exp.Add, exp.Mul)):
            continue
        message = f"`{statement.written(divisor)}` may be 0. Divide by `nullif({statement.written(divisor)}, 0)`."
        yield Hit(statement.place(node), message, node)


def _is_guarded(node: exp.Expr) -> bool:
    """Whether a condition of a CASE or of WHERE names the divisor."""
    divisor = {column.name.lower() for column in node.expression.find_all(exp.Column)}
    around = node.find_ancestor(exp.Case, exp.If, exp.SafeDivide)
    if around is not None:
        return True
    select = node.parent_select
    tests = [select.args.get(part) for part in ("where", "having", "qualify")] if select is not None else []
    return any(
        divisor & {column.name.lower() for column in condition.find_all(exp.Column)}
        for test in tests
        if test is not None
        for condition in test.find_all(exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
    )


def _integer_division(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Div):
        left, right = _value(node.this), _value(node.expression)
        if all(_is_whole(side) for side in (left, right)) and any(
            isinstance(side, exp.Count) for side in (left, right)
        ):
            message = "Both sides are whole numbers, so the fraction is cut off."
            yield Hit(statement.place(node), message, node)


def _value(node: exp.Expr) -> exp.Expr:
    node = bare(node)
    return bare(node.this) if isinstance(node, exp.Nullif) else node


def _is_whole(node: exp.Expr) -> bool:
    return isinstance(node, exp.Count) or (isinstance(node, exp.Literal) and node.is_int)


def _between_end(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for query in statement.queries:
        for node in query.own(exp.Between):
            column = bare(node.this)
            if not isinstance(column, exp.Column) or not _is_midnight(node.args["high"]):
                continue
            known = column_facts(column, query, facts)
            if known is not None and known.type:
                timed = known.type.lower().startswith(("timestamp", "datetime"))
            else:
                timed = column.name.lower().endswith(_TIMES) or column.name.lower() == "ts"
            if timed:
                message = "BETWEEN includes its end: midnight of the last day, but nothing else of that day."
                yield Hit(statement.place(node), message, node)


def _is_midnight(node: exp.Expr) -> bool:
    """Whether it is a day, or the midnight at which a day begins, written down."""
    literal = node.this if isinstance(node, (exp.Cast, exp.Date, exp.Timestamp, exp.TsOrDsToDate)) else node
    if not isinstance(literal, exp.Literal) or not literal.is_string:
        return False
    day, _, time = literal.name.replace("T", " ").partition(" ")
    return len(day) == 10 and day[4:5] == day[7:8] == "-" and not time.strip("0:. Z")


def _redundant_cast(statement: Statement, facts: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Cast):
        inner = bare(node.this)
        if isinstance(inner, exp.Cast) and inner.to == node.to and type(inner) is type(node):
            message = f"The value already has the type {node.to.sql(dialect=statement.engine.dialect)}."
            yield Hit(statement.place(node), message, node)
    for query in statement.queries:
        for cast in query.own(exp.Cast):
            known = column_facts(cast.this, query, facts) if isinstance(cast.this, exp.Column) else None
            if known is None or not known.type:
                continue
            wanted = cast.args["to"].sql(dialect=statement.engine.dialect).lower()
            if wanted == known.type.lower():
                told = (f"{statement.written(cast.this)} has the type {known.type}.",)
                message = f"`{statement.written(cast.this)}` already has the type {wanted}."
                yield Hit(statement.place(cast), message, cast, told)


def _sum_as_count(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Count):
        if isinstance(node.this, exp.Case) and isinstance(default := node.this.args.get("default"), exp.Literal):
            message = f"COUNT counts the ELSE {default.name}, too, as it is not NULL: every row is counted."
            yield Hit(statement.place(node, until=(TokenType.R_PAREN,)), message, node)


def _avg_of_coalesce(statement: Statement, _: Facts) -> Iterator[Hit]:
    for node in statement.all(exp.Sum):
        if isinstance(bare(node.this), exp.Coalesce) and columns(node.this):
            inner = bare(node.this)
            zero = inner.expressions[0] if len(inner.expressions) == 1 else None
            if isinstance(zero, exp.Literal) and zero.name == "0" and isinstance(bare(inner.this), exp.Column):
                message = (
                    "SUM leaves NULLs out by itself; over no rows it is NULL all the same. Put COALESCE around SUM."
                )
                yield Hit(statement.place(node), message, node)


_TYPED = Facts(
    {"orders": TableFacts("orders", columns={"order_id": ColumnFacts("bigint"), "status": ColumnFacts("string")})}
)
_RAISES = "The statement fails on the first row whose divisor is 0, often months after it was written."

RULES = (
    Rule(
        id="division-by-zero",
        title="Division by what may be zero",
        severity=Severity.INFO,
        engines=frozenset(Engine) - {Engine.DUCKDB},
        example=Example(
            bad="select order_id, amount / items as price from orders",
            good="select order_id, amount / nullif(items, 0) as price from orders",
        ),
        why={
            None: _RAISES,
            Engine.SPARK: f"With ANSI mode, the default since Spark 4: {_RAISES[0].lower()}{_RAISES[1:]}",
        },
        when_not="A constraint keeps the divisor from being 0.",
        find=_division_by_zero,
        effect="NULL for such rows, which can be counted and explained.",
    ),
    Rule(
        id="integer-division",
        title="Share computed with whole numbers",
        severity=Severity.ERROR,
        engines=frozenset({Engine.POSTGRES, Engine.REDSHIFT}),
        example=Example(
            bad="select count(shipped_at) / nullif(count(*), 0) as share from orders",
            good="select count(shipped_at)::numeric / nullif(count(*), 0) as share from orders",
            engine=Engine.POSTGRES,
        ),
        why={None: "Whole numbers divide to whole numbers here: every share below 1 becomes 0."},
        when_not="The whole number is what is wanted.",
        find=_integer_division,
        effect="The share, with its fraction.",
    ),
    Rule(
        id="between-timestamps",
        title="BETWEEN days on a timestamp",
        severity=Severity.WARNING,
        example=Example(
            bad="select order_id from orders where ordered_at between '2026-03-01' and '2026-03-31'",
            good="select order_id from orders where ordered_at >= '2026-03-01' and ordered_at < '2026-04-01'",
        ),
        why={
            None: "A day without a time is its midnight, so the last day is missing but for its first instant; with "
            "the next day as the end, its midnight is counted in both periods."
        },
        when_not="The column holds days without a time.",
        find=_between_end,
        effect="Each row is in exactly one period.",
    ),
    Rule(
        id="redundant-cast",
        title="Cast to the type a value has",
        severity=Severity.INFO,
        example=Example(
            bad="select cast(order_id as bigint) as order_id from orders",
            good="select cast(status as bigint) as code from orders",
            facts=_TYPED,
        ),
        why={
            None: "It does nothing today, hides a change of the type tomorrow, and in a filter may keep statistics "
            "from being used."
        },
        when_not="The type is promised to whoever reads the result, and the source may change.",
        find=_redundant_cast,
        effect="The column is read as it is.",
    ),
    Rule(
        id="count-of-case-else",
        title="COUNT over a CASE with ELSE",
        severity=Severity.ERROR,
        example=Example(
            bad="select count(case when status = 'open' then 1 else 0 end) as open_orders from orders",
            good="select count(case when status = 'open' then 1 end) as open_orders from orders",
        ),
        why={None: "COUNT counts what is not NULL, and 0 is not NULL: the number is that of all rows."},
        when_not="Never; all rows are counted by COUNT(*).",
        find=_sum_as_count,
        effect="The rows that were meant are counted.",
    ),
    Rule(
        id="sum-of-coalesce",
        title="COALESCE inside SUM",
        severity=Severity.INFO,
        example=Example(
            bad="select sum(coalesce(amount, 0)) as amount from orders",
            good="select coalesce(sum(amount), 0) as amount from orders",
        ),
        why={
            None: "It runs for each row for nothing, and gives NULL where there are no rows, which it seems to prevent."
        },
        when_not="A group that has only NULLs is to give 0, and one without rows does not exist.",
        find=_avg_of_coalesce,
        effect="One COALESCE per group, and 0 for no rows.",
    ),
)
