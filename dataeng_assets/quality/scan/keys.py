"""Rules that compare rows with other rows: uniqueness and references, one pass each; order and outliers likewise."""

from collections.abc import Sequence
from typing import Any

from dataeng_assets.contracts.checks.kinds import Nulls, Ordered, References, Unique, ZScore
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.quality.inputs.opened import free_names
from dataeng_assets.quality.results import RuleResult, Sample
from dataeng_assets.quality.scan.distinct import candidates
from dataeng_assets.quality.scan.question import Facts, Question, Unanswerable, nothing, rows_result
from dataeng_assets.quality.scan.rows import require
from dataeng_assets.quality.scan.samples import MASK, Broken, samples
from dataeng_assets.quality.scan.subject import Subject


def ask_unique(rule: Rule[Unique], subject: Subject) -> Question:
    """Uniqueness, with all three numbers that tools give: groups, rows too many, rows involved. The last is judged."""
    check = rule.check
    require(subject, check.columns)

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        scope = " and ".join(_scope(rule, check.columns, check.nulls)) or "true"
        rows = f"from {subject.relation} where {scope}"
        found = candidates(subject, check.columns, rows)
        judged = found.rows
        numbers, shown = _duplicates(subject, check.columns, rows, found.condition)
        broken = numbers["rows_involved"]
        if check.nulls is Nulls.REFUSED:
            numbers["partly_missing"] = partial = _partial(rule, subject, check.columns)
            judged, broken = judged + partial, broken + partial
        return rows_result(rule, broken, judged, numbers=numbers, samples=shown)

    return Question(rule, answer)


_DUPLICATES = ("groups", "excess_rows", "rows_involved")


def _duplicates(
    subject: Subject, columns: Sequence[str], rows: str, candidates: str
) -> tuple[dict[str, int], tuple[Sample, ...]]:
    """The numbers of what is not unique, and the largest groups."""
    if not candidates:
        return dict.fromkeys(_DUPLICATES, 0), ()
    names = listed(map(quoted, columns))
    (n,) = free_names(columns, "n")
    groups = f"select {names}, count(*) as {n} {rows} and {candidates} group by {names} having count(*) > 1"
    texts = listed(f"left({quoted(name)}::varchar, 120)" for name in columns)
    found = subject.ask(
        f"select count(*) over (), sum({n} - 1) over (), sum({n}) over (), {texts}, {n} from ({groups}) as groups "
        f"order by {n} desc, {names} limit 3"
    )
    numbers = found[0][:3] if found else (0, 0, 0)
    return dict(zip(_DUPLICATES, map(int, numbers), strict=True)), tuple(
        _group(subject, columns, row[3:]) for row in found
    )


def _group(subject: Subject, columns: Sequence[str], row: Sequence[Any]) -> Sample:
    values = {n: MASK if n in subject.suite.personal else v for n, v in zip(columns, row, strict=False)}
    return Sample({}, {**values, "rows": str(row[-1])})


def _scope(rule: Rule, columns: Sequence[str], nulls: Nulls) -> list[str]:
    scope = [f"({rule.where})"] if rule.where else []
    return scope + ([f"{quoted(name)} is not null" for name in columns] if nulls is not Nulls.EQUAL else [])


def _partial(rule: Rule, subject: Subject, columns: Sequence[str]) -> int:
    """Rows that lack some of the columns, but not all."""
    missing = " + ".join(f"({quoted(name)} is null)::int" for name in columns)
    scope = f"({rule.where}) and " if rule.where else ""
    count: int = subject.ask(
        f"select count(*) from {subject.relation} where {scope}({missing}) between 1 and {len(columns) - 1}"
    )[0][0]
    return count


def ask_references(rule: Rule[References], subject: Subject) -> Question:
    """A reference to another table; to a history, exactly one version that was valid at the row's moment."""
    check = rule.check
    require(subject, [*check.columns, *([check.as_of.at] if check.as_of else [])])
    other = subject.other(check.table)
    pairs = [f"o.{quoted(to)} = t.{quoted(name)}" for name, to in zip(check.columns, check.to, strict=True)]
    judged = [f"t.{quoted(name)} is not null" for name in check.columns]
    if check.nulls is Nulls.EQUAL:
        pairs = [pair.replace(" = ", " is not distinct from ") for pair in pairs]
        judged = []
    scope = [f"({rule.where})"] if rule.where else []
    if check.as_of:
        start, end, at = (quoted(name) for name in (check.as_of.valid_from, check.as_of.valid_to, check.as_of.at))
        pairs += [f"t.{at} >= o.{start}", f"(o.{end} is null or t.{at} < o.{end})"]
        judged.append(f"t.{at} is not null")
        good = f"(select count(*) from {other} o where {' and '.join(pairs)}) = 1"
    else:
        good = f"exists (select 1 from {other} o where {' and '.join(pairs)})"

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        rows = (
            f'(select t.*, not {good} as "broken reference" from {subject.relation} t where '
            + (" and ".join([*scope, *judged]) or "true")
            + ")"
        )
        count, failing = subject.ask(f'select count(*), count(*) filter ("broken reference") from {rows}')[0]
        partial = _partial(rule, subject, check.columns) if check.nulls is Nulls.REFUSED else 0
        shown = (
            samples(subject, {rule.name: Broken('"broken reference"', failing, check.columns)}, rows) if failing else {}
        )
        return rows_result(rule, failing + partial, count + partial, samples=shown.get(rule.name, ()))

    return Question(rule, answer)


def ask_ordered(rule: Rule[Ordered], subject: Subject) -> Question:
    """Values that never fall, in the order of the input."""
    check = rule.check
    require(subject, (check.column,))
    if not subject.input.position:
        raise Unanswerable("the input has no order of its own")
    name, order = quoted(check.column), listed(map(quoted, subject.input.position))
    wrong = {(False, False): "<", (False, True): "<=", (True, False): ">", (True, True): ">="}

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        broken = f"{name} {wrong[check.descending, check.strictly]} lag({name}) over (order by {order})"
        where = " and ".join([f"{name} is not null", *([f"({rule.where})"] if rule.where else [])])
        rows = f'(select *, coalesce({broken}, false) as "out of order" from {subject.relation} where {where})'
        count, failing = subject.ask(f'select count(*), count(*) filter ("out of order") from {rows}')[0]
        shown = (
            samples(subject, {rule.name: Broken('"out of order"', failing, (check.column,))}, rows) if failing else {}
        )
        return rows_result(rule, failing, count, samples=shown.get(rule.name, ()))

    return Question(rule, answer)


def ask_z_score(rule: Rule[ZScore], subject: Subject) -> Question:
    """Values far from the mean, which is known after a first pass."""
    check = rule.check
    require(subject, (check.column,))
    name = quoted(check.column)
    scope = f"({rule.where}) and " if rule.where else ""

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        rows = f"(select * from {subject.relation} where {scope}{name} is not null)"
        count, mean, deviation = subject.ask(f"select count(*), favg({name}), stddev_samp({name}) from {rows}")[0]
        if count < 2 or not deviation:
            return nothing(rule, f"{check.column} has fewer than two different values")
        distance = f"({name} - {mean!r}) / {deviation!r}"
        far = f"{distance if check.one_sided else f'abs({distance})'} >= {check.limit!r}"
        failing = subject.ask(f"select count(*) filter ({far}) from {rows}")[0][0]
        shown = samples(subject, {rule.name: Broken(far, failing, (check.column,))}, rows) if failing else {}
        return rows_result(
            rule, failing, count, numbers={"mean": mean, "stdev": deviation}, samples=shown.get(rule.name, ())
        )

    return Question(rule, answer)
