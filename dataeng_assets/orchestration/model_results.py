"""What dbt's tests found, as results like those of contracts, so that the report tells of models, too.

Running the tests belongs in `models`; keeping and showing results in `quality`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from dataeng_assets.contracts.checks.kinds import Between, Check, NoRows, NotNull, Nulls, OneOf, References, Unique
from dataeng_assets.contracts.checks.rule import Rule, Severity, Suite, SuiteColumn
from dataeng_assets.orchestration.dbt import owners, personal
from dataeng_assets.orchestration.ledger.targets import is_view, model_key
from dataeng_assets.quality.results import ColumnProfile, RuleResult, Status, TableResult

Node = Mapping[str, Any]
_STATUS = {"pass": Status.HOLDS, "fail": Status.VIOLATED, "warn": Status.VIOLATED}


def model_results(
    manifest: Node, told: Iterable[Node], rows: Mapping[str, int], pins: Mapping[str, int], *, moment: datetime
) -> dict[str, TableResult]:
    """The results of a dbt run by the dotted key of the model tested.

    The state of a table is that of the warehouse after the run. A view over the lake has no state of its own: it shows
    what it reads, and that is what was tested.

    Args:
        manifest: of the project.
        told: of `run_results.json`.
        rows: of the models that were built, by unique id; of any other nothing is known.
        pins: version of each table of the lake that the run has read, dotted.
        moment: when the run ended.
    """
    nodes = manifest["nodes"]
    tests: dict[str, list[Node]] = {}
    for result in told:
        model = tested(nodes.get(result["unique_id"], {}), nodes)
        if model in rows:
            tests.setdefault(model, []).append(result)
    return {
        ".".join(model_key(nodes[model])): _table(
            nodes,
            model,
            results,
            rows[model],
            moment,
            versions_judged(manifest, model, pins, moment=moment),
        )
        for model, results in tests.items()
    }


def versions_judged(manifest: Node, model: str, pins: Mapping[str, int], *, moment: datetime) -> dict[str, str]:
    """Which data and which contract the tests of a model judge, as checks and report name them.

    Args:
        manifest: of the project.
        model: its unique id. It has a contract version where dbt knows versions of it.
        pins: version of each table of the lake that the run has read, dotted.
        moment: when the run ended.
    """
    told = {"data_version": _version(manifest, model, pins) or f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    version = manifest["nodes"][model].get("version")
    return told if version is None else {**told, "contract_version": str(version)}


def tested(node: Node, nodes: Mapping[str, Node]) -> str:
    """The model that a test judges; empty for what is no test, or none of a model."""
    if node.get("resource_type") != "test":
        return ""
    candidates = [node.get("attached_node"), *node["depends_on"]["nodes"]]
    return next((one for one in candidates if one and nodes.get(one, {}).get("resource_type") == "model"), "")


def _version(manifest: Node, model: str, pins: Mapping[str, int]) -> str:
    """The versions of what a view shows; empty where part of that lies in the warehouse."""
    read = _read(manifest, model)
    if not read or not all(key in pins for key in read):
        return ""
    return ", ".join(f"{key} {pins[key]}" for key in sorted(read))


def _read(manifest: Node, unique: str) -> set[str]:
    """Dotted keys of the tables of the lake that a view shows, through other views; "" for what has rows itself."""
    if source := manifest["sources"].get(unique):
        return {".".join(model_key(source))}
    node = manifest["nodes"].get(unique, {})
    if node.get("resource_type") != "model" or not is_view(node):
        return {""}
    return {key for parent in node["depends_on"]["nodes"] for key in _read(manifest, parent)}


def _table(
    nodes: Mapping[str, Node],
    model: str,
    told: Iterable[Node],
    rows: int,
    moment: datetime,
    versions: Mapping[str, str],
) -> TableResult:
    node = nodes[model]
    key = ".".join(model_key(node))
    results = tuple(_result(nodes[one["unique_id"]], one) for one in told)
    suite = Suite(
        name=node["name"],
        columns=tuple(_columns(node, {one.rule.check for one in results if isinstance(one.rule.check, NotNull)})),
        rules=tuple(result.rule for result in results),
        id=key,
        version=versions.get("contract_version", ""),
        description=node.get("description", ""),
        owner=", ".join(owner.removeprefix("team:") for owner in owners(node)),
    )
    return TableResult(
        suite=suite,
        input=key,
        data_version=versions["data_version"],
        rows=rows,
        columns=tuple[ColumnProfile, ...](),
        results=results,
        judged_at=moment,
        seconds=sum(float(one.get("execution_time") or 0) for one in told),
    )


def _columns(node: Node, required: Collection[Check]) -> Iterator[SuiteColumn]:
    hidden = personal(node)
    for name, column in node["columns"].items():
        yield SuiteColumn(
            column["name"],
            physical=column.get("data_type") or "",
            nullable=NotNull(column["name"]) not in required,
            personal=name in hidden,
            description=column.get("description") or "",
        )


def _result(node: Node, told: Node) -> RuleResult:
    is_warning = node["config"].get("severity", "error").lower() == "warn"
    rule = Rule(
        _check(node),
        node["name"],
        severity=Severity.WARNING if is_warning else Severity.ERROR,
        where=node["config"].get("where") or "",
        description=node.get("description", ""),
        place=node.get("original_file_path", ""),
    )
    status = _STATUS.get(told["status"], Status.UNDECIDED)
    failing = told.get("failures")
    return RuleResult(
        rule,
        status,
        value=failing,
        failing=failing,
        reason=told.get("message") or f"dbt says {told['status']}",
        next_step="Correct the source or the model, or the test." if status is Status.VIOLATED else "",
    )


def _in_numbers(said: Node) -> bool:
    """Whether the bounds of a range are numbers; any other is an expression of SQL."""
    return all(isinstance(said.get(name), int | float | None) for name in ("min_value", "max_value"))


def _other(node: Node) -> str:
    """The model or source that a reference leads to, by its name."""
    others = (one for one in node["depends_on"]["nodes"] if one != node.get("attached_node"))
    return str(next(others, node.get("attached_node") or "")).rpartition(".")[2]


def _check(node: Node) -> Check:
    """The kind of a generic test, as far as it has a name here; any other is a query that finds nothing."""
    column = node.get("column_name") or ""
    asked = node.get("test_metadata") or {}
    match asked.get("name"), asked.get("kwargs") or {}:
        case "not_null", _ if column:
            return NotNull(column)
        case "unique", _ if column:
            return Unique((column,))
        case "accepted_range", {} as said if column and _in_numbers(said):
            is_open = said.get("inclusive") is False
            return Between(column, said.get("min_value"), said.get("max_value"), is_open, is_open)
        case "relationships", {"field": str(field)} if column:
            return References((column,), _other(node), (field,))
        case "accepted_values", {"values": [*values]} if column:
            return OneOf(column, tuple(values))
        case "unique_combination_of_columns", {"combination_of_columns": [*columns]}:
            return Unique(tuple(map(str, columns)), Nulls.EQUAL)
    return NoRows(f"dbt test --select {node['name']}")
