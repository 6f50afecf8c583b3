"""From a contract to its ODCS 3 document: the reverse of `load`. Writing rules belongs in `convert.odcs_write`."""

from dataclasses import fields
from typing import Any

from dataeng_assets.contracts.convert.odcs_read import TOPIC
from dataeng_assets.contracts.convert.odcs_write import latency_of, written_table
from dataeng_assets.contracts.durations import duration_text
from dataeng_assets.contracts.health import HEALTH, HealthLimits, written_health
from dataeng_assets.contracts.model import Contract, EventTime
from dataeng_assets.contracts.record_format import RecordFormat, Records
from dataeng_assets.contracts.topic import PROPERTY, written_topic
from dataeng_assets.contracts.yaml_text import yaml_text


def contract_yaml(contract: Contract, *, status: str = "active", limitations: str = "") -> str:
    """The document of a contract. What `load_contract` makes of it equals the contract, its path aside.

    Args:
        contract: what to write.
        status: in ODCS' words, such as draft or active.
        limitations: what a reader should beware of.
    """
    table, sla = _written(contract)
    document: dict[str, Any] = {
        "apiVersion": "v3.2.0",
        "kind": "DataContract",
        "id": contract.id,
        "name": contract.name.replace("_", " ").strip().capitalize() or contract.name,
        "version": contract.version,
        "status": status,
        "domain": contract.domain,
        "tags": list(contract.tags),
        "team": {"name": contract.owner},
        "description": {"limitations": limitations},
        "slaProperties": sla,
        "schema": [table],
    }
    if not limitations:
        del document["description"]
    return yaml_text({name: value for name, value in document.items() if value != []})


def _written(contract: Contract) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The table, and what is promised of it: one freshness at most, which may name its column."""
    seconds = contract.freshness.total_seconds() if contract.freshness else 0
    written = written_table(contract.suite, latency=seconds, physical=TOPIC if contract.event_time else "table")
    table = dict(written.table)
    if contract.event_time:
        flow = [*_event_time(contract.event_time), *_records(contract.records)]
        table["customProperties"] = [*flow, *table.get("customProperties", [])]
    if contract.topic:
        said = {"property": PROPERTY, "value": written_topic(contract.topic)}
        table["customProperties"] = [*table.get("customProperties", []), said]
    if contract.health != HealthLimits():
        said = {"property": HEALTH, "value": written_health(contract.health)}
        table["customProperties"] = [*table.get("customProperties", []), said]
    properties = [
        {"name": column.name, **said, "tags": list(column.tags)} if column.tags else said
        for column, said in zip(contract.columns, table.pop("properties"), strict=True)
    ]
    has_latency = any(one["property"] == "latency" for one in written.sla)
    promised = [] if has_latency or not seconds else [latency_of(seconds)]
    return {**table, "properties": properties}, [*promised, *written.sla]


def _event_time(time: EventTime) -> list[dict[str, str]]:
    said = {
        "eventTime": time.column,
        "lateAfter": duration_text(time.late_after),
        "maxAhead": duration_text(time.max_ahead),
    }
    if time.allowed_lateness:
        said["allowedLateness"] = duration_text(time.allowed_lateness)
    return [{"property": name, "value": value} for name, value in said.items()]


def _records(records: Records) -> list[dict[str, Any]]:
    said: dict[str, Any] = {}
    if records.value != RecordFormat():
        said["format"] = _format(records.value)
    if records.key:
        said["key"] = {"column": records.key.column, "format": _format(records.key.format)}
    if records.time:
        said["recordTime"] = records.time
    return [{"property": name, "value": value} for name, value in said.items()]


def _format(said: RecordFormat) -> dict[str, Any]:
    """What is said beside the default; the schema's text stands in its file."""
    settings = {one.name: getattr(said, one.name) for one in fields(said) if one.name not in ("kind", "text")}
    usual = RecordFormat()
    return {"type": said.kind, **{name: one for name, one in settings.items() if one != getattr(usual, name)}}
