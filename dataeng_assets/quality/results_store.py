"""Results of all tables over time, kept in one Delta table: a row per rule and judgement, and one for the table itself.

Each judgement is kept once, however often it is recorded. What a row says in words was written when it was recorded,
so that it can be shown when the contract has changed since. Metrics over time belong in `anomalies.history`.
"""

import contextlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from dataeng_assets.contracts.checks.rule import Consumer, NotExecuted
from dataeng_assets.lake.append import Superseded, append, progress
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.quality.results import Overall, RuleResult, Sample, TableResult
from dataeng_assets.quality.written.view import RuleView, view
from dataeng_assets.quality.written.words import Outcome

KEY = ("quality", "results")
_FIELDS: list["pa.Field[Any]"] = [
    pa.field("table_key", pa.string(), nullable=False),
    pa.field("judged_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("run_id", pa.string(), nullable=False),
    pa.field("partition", pa.string(), nullable=False),
    pa.field("rule", pa.string()),
    pa.field("status", pa.string(), nullable=False),
    pa.field("severity", pa.string()),
    pa.field("value", pa.float64()),
    pa.field("text", pa.string()),
    pa.field("judged", pa.int64()),
    pa.field("failing", pa.int64()),
    pa.field("numbers", pa.string()),
    pa.field("reason", pa.string()),
    pa.field("samples", pa.string()),
    pa.field("rows", pa.int64()),
    pa.field("freshest", pa.timestamp("us", tz="UTC")),
    pa.field("contract_id", pa.string(), nullable=False),
    pa.field("contract_version", pa.string(), nullable=False),
    pa.field("data_version", pa.string(), nullable=False),
    pa.field("details", pa.string(), nullable=False),
]
SCHEMA = pa.schema(_FIELDS)
"""`rule` is NULL in the row of the table itself, whose status is the overall one; `rows` and `freshest` stand there."""
BY_HAND = "by hand "
"""What the name of a run begins with that was a person's own question, and no run of the platform."""
_APP = "quality_results"
_ATTEMPTS = 20
_FILES = 50
"""So many files make one: each judgement adds one, and whoever reads opens them all."""


@dataclass(frozen=True)
class JudgedColumn:
    """A column as the contract has it, and as it was found.

    Attributes:
        type: as the input delivered it; empty when it has no such column.
        nulls: rows without a value; None when it has no such column.
        contract_type: as the contract writes it; empty when the contract does not name it.
    """

    name: str
    type: str = ""
    nulls: int | None = None
    contract_type: str = ""
    nullable: bool = True
    personal: bool = False
    description: str = ""


@dataclass(frozen=True)
class Judgement:
    """What became of one table in one run, as it was recorded.

    Attributes:
        table_key: dotted, such as `marts.fct_orders`.
        partition: that was judged; empty for the whole table.
        freshest: the column of time, with its largest value.
        rules: in the order of the contract.
    """

    table_key: str
    judged_at: datetime
    run_id: str
    partition: str
    overall: Overall
    rows: int
    input: str
    data_version: str
    contract_id: str
    contract_version: str
    rules: tuple[RuleView, ...] = ()
    freshest: tuple[str, datetime] | None = None
    description: str = ""
    owner: str = ""
    seconds: float = 0.0
    key: tuple[str, ...] = ()
    columns: tuple[JudgedColumn, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    not_executed: tuple[NotExecuted, ...] = ()
    sla: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_by_hand(self) -> bool:
        """Whether a person has asked for it, and no run of the platform."""
        return self.run_id.startswith(BY_HAND)


def record(lake: Lake, results: Mapping[str, TableResult], *, run_id: str, partition: str = "") -> int:
    """Keep results. Recording the same ones again in a run, as a retry does, adds nothing; another verdict is another.

    Args:
        lake: where they are kept.
        results: by the dotted key of the table.
        run_id: of the run that judged them.
        partition: that was judged; empty for the whole table.

    Returns:
        How many tables were added now.

    Raises:
        Superseded: others were quicker again and again; nothing was written.
    """
    for attempt in range(_ATTEMPTS):
        table = lake.create(KEY, SCHEMA, description="Results of all rules of all tables over time.")
        new = {key: result for key, result in results.items() if not _is_kept(table, key, result, run_id, partition)}
        if not new:
            return 0
        rows = [row for key, result in new.items() for row in _rows(key, result, run_id, partition)]
        try:
            append(
                table,
                pa.Table.from_pylist(rows, schema=SCHEMA),
                transactions={_APP: (progress(table, _APP) or 0) + 1},
                metadata={"run_id": run_id},
            )
        except Superseded:
            if attempt == _ATTEMPTS - 1:
                raise
            continue
        _compact(table)
        return len(new)
    raise AssertionError("the last attempt returns or raises")


def read(lake: Lake, *, since: datetime | None = None) -> list[Judgement]:
    """All judgements that were recorded, oldest first; none where nothing was ever recorded.

    Args:
        lake: where they are kept.
        since: of what is older nothing is told.
    """
    try:
        table = lake.open(KEY)
    except TableMissing:
        return []
    wanted = None if since is None else pc.field("judged_at") >= pa.scalar(since, SCHEMA.field("judged_at").type)
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in table.to_pyarrow_dataset().to_table(filter=wanted).to_pylist():
        groups[tuple(row[name] for name in ("judged_at", "table_key", "partition", "run_id"))].append(row)
    return [_judgement(groups[group]) for group in sorted(groups)]


def _is_kept(table: DeltaTable, key: str, result: TableResult, run_id: str, partition: str) -> bool:
    same = (
        (pc.field("table_key") == _text(key))
        & (pc.field("run_id") == run_id)
        & (pc.field("data_version") == _text(result.data_version))
        & (pc.field("contract_version") == _text(result.suite.version))
        & (pc.field("partition") == partition)
        & pc.field("rule").is_null()
        & (pc.field("status") == result.overall.value)
    )
    return bool(table.to_pyarrow_dataset().count_rows(filter=same))


def _rows(key: str, result: TableResult, run_id: str, partition: str) -> Iterator[dict[str, Any]]:
    common = {
        "table_key": _text(key),
        "judged_at": result.judged_at,
        "run_id": run_id,
        "partition": partition,
        "contract_id": _text(result.suite.id or result.suite.name),
        "contract_version": _text(result.suite.version),
        "data_version": _text(result.data_version),
    }
    yield common | {
        "status": result.overall.value,
        "rows": result.rows,
        "freshest": result.freshest[1] if result.freshest else None,
        "details": json.dumps(_table_details(result)),
    }
    for one in result.results:
        yield common | _rule_row(one)


def _rule_row(result: RuleResult) -> dict[str, Any]:
    shown = view(result)
    is_text = isinstance(result.value, str) or (
        isinstance(result.value, int) and abs(result.value) > sys.float_info.max
    )
    samples = [{"identity": dict(one.identity), "values": dict(one.values)} for one in result.samples]
    kept_apart = {"name", "outcome", "reason", "samples"}
    return {
        "rule": _text(result.rule.name),
        "status": result.status.value,
        "severity": result.rule.severity.value,
        "value": None if is_text or result.value is None else float(result.value),
        "text": _text(str(result.value)) if is_text else None,
        "judged": result.judged,
        "failing": result.failing,
        "numbers": json.dumps(dict(result.numbers)),
        "reason": _text(result.reason),
        "samples": json.dumps(samples),
        "details": json.dumps(
            {"outcome": shown.outcome.value}
            | {name: value for name, value in vars(shown).items() if name not in kept_apart}
        ),
    }


def _table_details(result: TableResult) -> dict[str, Any]:
    suite = result.suite
    return {
        "input": result.input,
        "seconds": result.seconds,
        "freshest_column": result.freshest[0] if result.freshest else None,
        "description": suite.description,
        "owner": suite.owner,
        "key": suite.key,
        "sla": dict(suite.sla),
        "columns": [asdict(column) for column in _columns(result)],
        "consumers": [asdict(consumer) for consumer in suite.consumers],
        "not_executed": [asdict(one) for one in result.not_executed],
        "rules": [one.rule.name for one in result.results],
    }


def _columns(result: TableResult) -> Iterator[JudgedColumn]:
    """Those of the contract in its order, then those that it does not name."""
    found = {column.name: column for column in result.columns}
    for column in result.suite.columns:
        there = found.pop(column.name, None)
        yield JudgedColumn(
            column.name,
            there.type if there else "",
            there.nulls if there else None,
            column.physical or column.logical,
            column.nullable,
            column.personal,
            column.description,
        )
    for there in found.values():
        yield JudgedColumn(there.name, there.type, there.nulls)


def _judgement(rows: Iterable[Mapping[str, Any]]) -> Judgement:
    by_rule = {row["rule"]: row for row in rows}
    table = by_rule.pop(None)
    told = json.loads(table["details"])
    order = {_text(name): place for place, name in enumerate(told["rules"])}
    freshest = (told["freshest_column"], table["freshest"]) if told["freshest_column"] is not None else None
    return Judgement(
        **{name: table[name] for name in ("table_key", "judged_at", "run_id", "partition", "rows", "data_version")},
        overall=Overall(table["status"]),
        contract_id=table["contract_id"],
        contract_version=table["contract_version"],
        freshest=freshest,
        rules=tuple(_rule(by_rule[name]) for name in sorted(by_rule, key=lambda name: order.get(name, len(order)))),
        columns=tuple(JudgedColumn(**column) for column in told["columns"]),
        consumers=tuple(Consumer(one["name"], tuple(one["columns"]), one["contact"]) for one in told["consumers"]),
        not_executed=tuple(NotExecuted(**one) for one in told["not_executed"]),
        key=tuple(told["key"]),
        **{name: told[name] for name in ("input", "seconds", "description", "owner", "sla")},
    )


def _rule(row: Mapping[str, Any]) -> RuleView:
    told = json.loads(row["details"])
    return RuleView(
        name=row["rule"],
        outcome=Outcome(told.pop("outcome")),
        columns=tuple(told.pop("columns")),
        figures=tuple((name, value) for name, value in told.pop("figures")),
        reason=row["reason"],
        samples=tuple(Sample(one["identity"], one["values"]) for one in json.loads(row["samples"])),
        **told,
    )


def _text(value: str) -> str:
    """Half a pair of UTF-16 is no text, and no file could hold it."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _compact(table: DeltaTable) -> None:
    if len(table.file_uris()) > _FILES:
        # another writer's compaction in between has done the work
        with contextlib.suppress(CommitFailedError):
            compact(table)
