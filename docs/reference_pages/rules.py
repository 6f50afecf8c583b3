"""Contracts and every form of every rule."""

import inspect
from collections.abc import Iterable
from typing import Any

from dataeng_assets.contracts.checks.as_mapping import kind_name
from dataeng_assets.contracts.checks.kinds import Metric
from dataeng_assets.contracts.checks.names import KINDS, METRICS, UNSAID, Names
from dataeng_assets.contracts.checks.rule import NONE, Rule, Severity
from dataeng_assets.contracts.checks.words import in_words
from dataeng_assets.contracts.dbt_export import dbt_sources
from dataeng_assets.contracts.load import load_contract
from reference_pages import REFERENCE
from reference_pages.markdown import table

METRIC_WORDS = {
    Metric.ROW_COUNT: "rows",
    Metric.COLUMN_COUNT: "columns",
    Metric.NULL_SHARE: "missing values per row, 0 to 1",
    Metric.DISTINCT_COUNT: "different values that are there",
    Metric.DISTINCT_SHARE: "different values per value that is there, 0 to 1",
    Metric.MINIMUM: "smallest value",
    Metric.MAXIMUM: "largest value",
    Metric.SUM: "sum of the values",
    Metric.MEAN: "their mean",
    Metric.MEDIAN: "their median",
    Metric.QUANTILE: "the value below which that share of them lies",
    Metric.STDEV: "standard deviation of the sample",
    Metric.HOURS_OLD: "hours from the largest date or time to now",
    Metric.LATENCY_HOURS: "most hours from one time of a row to a later one",
    Metric.KL_DIVERGENCE: "divergence of the values' shares from expected ones, in nats",
}


def rules() -> str:
    """Every form of every rule, in a contract that is read here."""
    path = REFERENCE / "example-contract.yaml"
    contract = load_contract(path)
    rows = [(f"`{rule.name}`", in_words(rule.check), _aside(rule)) for rule in contract.rules]
    sources = "\n".join(line for line in dbt_sources([contract]).splitlines() if not line.startswith("#"))
    return f"""
# Contracts and their rules

A contract is an [ODCS](https://bitol-io.github.io/open-data-contract-standard/) document. This one,
[example-contract.yaml](example-contract.yaml), has every form of every rule;
[example-topic.yaml](example-topic.yaml) is a topic's. A word that is not known, or a rule that contradicts another
one, is an error with file and line; what is said and cannot be checked is told with the reason. No rule is passed over.

```yaml
{path.read_text(encoding="utf-8").strip()}
```

The rules that are read from it:

{table(("rule", "what it demands", "and"), rows)}

What it says and what is not checked:

{table(("said", "why not"), [(left.said, left.reason) for left in contract.not_executed])}

What dbt knows of bronze, written by `python -m dataeng_assets.contracts.dbt_export`; it tests nothing that the contract
demands:

```yaml
{sources}
```

## Every kind of rule

What each demands, and what others call it. In ODCS every kind can be written as `type: custom` with `engine: dataeng`;
a word of the standard's own stands here where there is one. [Bring your rules](../how-to/bring-your-rules.md) shows how
documents of others are read.

{_names(KINDS.items())}

## Every metric

What `measure` can demand of a table or a column, with bounds.

{_names(METRICS.items())}

Four tests of dbt-expectations have no counterpart, and are told when a document has them:

{table(("dbt-expectations", "why not"), [(f"`{name}`", reason) for name, reason in UNSAID.items()])}
"""


def _names(rows: Iterable[tuple[Any, Names]]) -> str:
    """A row for each kind or metric: its name, what it demands, and its names elsewhere."""
    head = ("rule", "what it demands", "ODCS", "Great Expectations", "dbt", "dbt-utils", "dbt-expectations")
    return table(head, [(*_demanded(kind), *map(_quoted_names, vars(names).values())) for kind, names in rows])


def _demanded(kind: Any) -> tuple[str, str]:
    if isinstance(kind, Metric):
        return f"`{kind.value}`", METRIC_WORDS.get(kind, "")
    return f"`{kind_name(kind)}`", " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())


def _quoted_names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _aside(rule: Rule) -> str:
    """What a rule says beside its check."""
    is_warning = rule.severity is Severity.WARNING
    said = [
        f"where `{rule.where}`" if rule.where else "",
        "" if rule.bounds == NONE else str(rule.bounds),
        "a warning" if is_warning else "",
    ]
    return ", ".join(part for part in said if part)
