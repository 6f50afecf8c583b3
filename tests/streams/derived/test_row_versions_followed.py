"""While a topic is silent, row versions that come are asked for by a sensor, once, and correct the events."""

from pathlib import Path

import dagster as dg
import pytest
from bronze_kit import MINUTE, Committed, Event, stream_of
from enrich_kit import Extracted, Row

from dataeng_assets.components.derived_tables import ENRICH, following_versions, table_assets
from dataeng_assets.components.run_sensors import VERSIONS
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived.enrich import Enriched
from dataeng_assets.streams.derived.tables import publish


def test_row_versions_are_asked_for_until_a_run_with_them_has_succeeded(tmp_path: Path) -> None:
    clicks = Committed(stream_of("clicks", Lake(str(tmp_path / "lake"))))
    customers = Extracted(clicks.stream.lake)
    definition = Enriched("with_tier", customers.dimension, (("who", "customer_id"),), (("tier", "tier"),))

    def no_broker() -> None:
        pytest.fail("a sensor asks no broker")

    assets = table_assets(lambda: clicks.stream, no_broker, [definition])  # type: ignore[arg-type]  # never called
    found = following_versions(lambda: clicks.stream, assets, [definition])
    [sensor] = found.sensors or []
    assert isinstance(sensor, dg.SensorDefinition)
    with dg.DagsterInstance.ephemeral() as instance:

        def asked() -> list[dict[str, str]]:
            with dg.build_sensor_context(instance=instance) as context:
                return [dict(one.tags) for one in sensor.evaluate_tick(context).run_requests or []]

        assert asked() == []  # the stream's own run makes the table
        clicks.drain([Event(0, 0), Event(1, 600 * MINUTE, "z")])
        publish(clicks.stream, definition, clicks.topic(), "run")
        customers.extract([Row("a", "upsert", 0, 700 * MINUTE, "gold")])
        [first] = asked()
        assert first[VERSIONS] == "1"
        instance.create_run_for_job(
            job_def=dg.define_asset_job("enrich_clicks").resolve(
                asset_graph=dg.Definitions(assets=assets).resolve_asset_graph()
            ),
            tags={ENRICH: "clicks", VERSIONS: "1"},
            status=dg.DagsterRunStatus.SUCCESS,
        )
        assert asked() == []
        customers.extract([Row("a", "upsert", MINUTE, 800 * MINUTE, "silver")])
        assert [tags[VERSIONS] for tags in asked()] == ["2"]
