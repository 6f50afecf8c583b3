"""From a contract to its ODCS 3 document: the reverse of `load`. Writing rules belongs in `convert.odcs_write`."""

from datetime import timedelta
from typing import Any

from dataeng_assets.contracts.convert.odcs_read import TOPIC
from dataeng_assets.contracts.convert.odcs_write import latency_of, written_table
from dataeng_assets.contracts.model import Contract, EventTime
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
        table["customProperties"] = [*_event_time(contract.event_time), *table.get("customProperties", [])]
    properties = [
        {"name": column.name, **said, "tags": list(column.tags)} if column.tags else said
        for column, said in zip(contract.columns, table.pop("properties"), strict=True)
    ]
    has_latency = any(one["property"] == "latency" for one in written.sla)
    promised = [] if has_latency or not seconds else [latency_of(seconds)]
    return {**table, "properties": properties}, [*promised, *written.sla]


def _event_time(time: EventTime) -> list[dict[str, str]]:
    said = {"eventTime": time.column, "lateAfter": _duration(time.late_after), "maxAhead": _duration(time.max_ahead)}
    return [{"property": name, "value": value} for name, value in said.items()]


def _duration(length: timedelta) -> str:
    """ISO 8601, such as P1D, PT10M or PT0S."""
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{length.microseconds:06}".rstrip("0") if length.microseconds else ""
    parts = ((hours, f"{hours}H"), (minutes, f"{minutes}M"), (seconds or fraction, f"{seconds}{fraction}S"))
    days, time = f"{length.days}D" if length.days else "", "".join(text for value, text in parts if value)
    return f"P{days}{'T' if time else ''}{time}" if days or time else "PT0S"
