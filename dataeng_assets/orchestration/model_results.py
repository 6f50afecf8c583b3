"""What dbt's tests found, as results like those of contracts, so that the report tells of models, too.

Running the tests belongs in `models`; keeping and showing results in `quality`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from dataeng_assets.contracts.checks.kinds import Check, NoRows, NotNull, Unique
from dataeng_assets.contracts.checks.rule import Rule, Severity, Suite, SuiteColumn
from dataeng_assets.orchestration.dbt import owners
from dataeng_assets.orchestration.ledger.targets import model_key
from dataeng_assets.quality.results import ColumnProfile, RuleResult, Status, TableResult

Node = Mapping[str, Any]
_STATUS = {"pass": Status.HOLDS, "fail": Status.VIOLATED, "warn": Status.VIOLATED}


def model_results(
    nodes: Mapping[str, Node], told: Iterable[Node], rows: Mapping[str, int], *, moment: datetime
) -> dict[str, TableResult]:
    """The results of a dbt run by the dotted key of the model tested.

    A view holds no rows of its own: what its tests say is told in Dagster alone.

    Args:
        nodes: of the manifest.
        told: of `run_results.json`.
        rows: of the tables that were built, by unique id.
        moment: when the run ended; it names the state of the warehouse that was tested.
    """
    tests: dict[str, list[Node]] = {}
    for result in told:
        model = _tested(nodes, result)
        if model in rows:
            tests.setdefault(model, []).append(result)
    return {
        ".".join(model_key(nodes[model])): _table(nodes, model, results, rows[model], moment)
        for model, results in tests.items()
    }


def _tested(nodes: Mapping[str, Node], result: Node) -> str:
    """The model that a test judges; empty for what is no test, or none of a model."""
    node = nodes.get(result["unique_id"], {})
    if node.get("resource_type") != "test":
        return ""
    candidates = [node.get("attached_node"), *node["depends_on"]["nodes"]]
    return next((one for one in candidates if one and nodes.get(one, {}).get("resource_type") == "model"), "")


def _table(nodes: Mapping[str, Node], model: str, told: Iterable[Node], rows: int, moment: datetime) -> TableResult:
    node = nodes[model]
    key = ".".join(model_key(node))
    results = tuple(_result(nodes[one["unique_id"]], one) for one in told)
    columns = node["columns"].values()
    suite = Suite(
        name=node["name"],
        columns=tuple(SuiteColumn(c["name"], physical=c.get("data_type") or "") for c in columns),
        rules=tuple(result.rule for result in results),
        id=key,
        description=node.get("description", ""),
        owner=", ".join(owner.removeprefix("team:") for owner in owners(node)),
    )
    return TableResult(
        suite=suite,
        input=key,
        data_version=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        rows=rows,
        columns=tuple[ColumnProfile, ...](),
        results=results,
        judged_at=moment,
        seconds=sum(float(one.get("execution_time") or 0) for one in told),
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


def _check(node: Node) -> Check:
    """The kind of a generic test, as far as it has a name here; any other is a query that finds nothing."""
    column = node.get("column_name") or ""
    match (node.get("test_metadata") or {}).get("name"):
        case "not_null" if column:
            return NotNull(column)
        case "unique" if column:
            return Unique((column,))
    return NoRows(f"dbt test --select {node['name']}")
