"""Windows as `defs.yaml` declares them: what loads, what is refused by name, and what Dagster shows."""

import dagster as dg
import pytest
import yaml
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import create_defs_folder_sandbox

from dataeng_assets.components import KafkaTopicComponent
from dataeng_assets.components.declared_windows import WindowsOptions, in_words

COUNTS = {"records": "count"}
ATTRIBUTES = {"topic": "crm", "domain": "crm", "bootstrap_variable": "DATAENG_KAFKA_BOOTSTRAP"}
VISITS = {
    "name": "visits",
    "kind": "session",
    "gap": "PT30M",
    "by": ["user_id"],
    "where": "event_type <> 'changed'",
    "aggregates": {"records": "count", "kinds": "distinct(event_type)", "about": "approx_distinct(event_id)"},
}


def options(**given: object) -> WindowsOptions:
    return WindowsOptions.model_validate({"name": "w", "aggregates": COUNTS, **given})


def definitions(**more: object) -> dg.Definitions:
    with create_defs_folder_sandbox() as sandbox:
        path = sandbox.scaffold_component(component_cls=KafkaTopicComponent, defs_path="crm")
        declared = {"type": "dataeng_assets.components.KafkaTopicComponent", "attributes": {**ATTRIBUTES, **more}}
        (path / "defs.yaml").write_text(yaml.safe_dump(declared, sort_keys=False))
        with sandbox.load_component_and_build_defs(defs_path=path) as (_, found):
            return found


def test_each_table_of_windows_is_an_asset_with_a_check_and_its_columns() -> None:
    found = definitions(windows=[VISITS])
    spec = next(one for one in found.resolve_all_asset_specs() if one.key.path[-1] == "crm_visits")
    assert spec.key.path == ["silver", "crm", "crm_visits"]
    assert "sessions, which end when nothing comes for 0:30:00 by user_id" in str(spec.description)
    columns = [column.name for column in spec.metadata["dagster/column_schema"].columns]
    assert columns == [
        "window_start", "window_end", "user_id", "records", "kinds", "about", "about_sketch", "window_date",
    ]  # fmt: skip
    checks = found.resolve_asset_graph().asset_check_keys
    assert any(key.asset_key == spec.key for key in checks)


def test_a_topic_may_have_no_windows_by_event_type() -> None:
    found = definitions(window_minutes=0, windows=[VISITS])
    keys = {spec.key.path[-1] for spec in found.resolve_all_asset_specs() if spec.key.path[0] == "silver"}
    assert keys == {"crm_visits"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"by": ["nobody"]}, "no column 'nobody'"),
        ({"where": "user_id >"}, "is no condition over an event"),
        ({"where": "random() < 0.5"}, "random is not a function whose result hangs on its arguments alone"),
        ({"where": "year(user_id) = 1"}, "does not fit the columns"),
        ({"aggregates": {"total": "sum(event_type)"}}, "sum needs numbers"),
        ({"aggregates": {"window_end": "count"}}, "the name window_end is taken"),
        ({"name": "5m"}, "two windows of crm are called 5m"),
    ],
)
def test_windows_that_cannot_be_computed_are_refused_when_they_are_loaded(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ComponentTreeException) as stopped:
        definitions(windows=[{**VISITS, **wrong}])
    assert said in str(stopped.value.__cause__)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "tumbling"}, "say size"),
        ({"kind": "session", "gap": "PT1M", "size": "PT1M"}, "size belongs to another kind"),
        ({"kind": "tumbling", "size": "five"}, "size is 'five'"),
        ({"kind": "sliding", "size": "PT1M", "every": "PT2M"}, "at most the size"),
        ({"kind": "sliding", "size": "P1D", "every": "PT1S"}, "more than 1000 windows"),
        ({"kind": "session", "gap": "P2D"}, "at most `longest`"),
        ({"kind": "global", "every": "PT1H", "count": 0}, "one event at least"),
        ({"kind": "tumbling", "size": "PT1M", "aggregates": {"a": "median(x)"}}, "is no aggregate"),
        ({"kind": "tumbling", "size": "PT1M", "aggregates": {"a": "quantile(x, 2)"}}, "a share above 0"),
        ({"kind": "tumbling", "size": "PT1M", "aggregates": {"a": "sum(x, y)"}}, "does not name a column"),
    ],
)
def test_a_declaration_that_says_too_little_or_too_much_is_refused_by_name(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        options(**given)


def test_every_kind_is_said_in_words() -> None:
    assert in_words(options(kind="tumbling", size="PT5M").windows()) == "tumbling windows of 0:05:00"
    assert "one every 0:01:00" in in_words(options(kind="sliding", size="PT5M", every="PT1M").windows())
    shown = in_words(options(kind="global", every="P1D", count=3, until="a = 1").windows())
    assert shown == "panes that end with 3 events or an event with a = 1 or the time, after 1 day, 0:00:00 at most"
