"""What Dagster is told of a publication: rows, the check, and nothing personal."""

from dataclasses import replace

import dagster as dg
import pytest
from bronze_kit import MINUTE, Event
from window_kit import aggregates, bronze

from dataeng_assets.components.stream_results import window_results
from dataeng_assets.lake.append import append
from dataeng_assets.streams.windows.definition import Windows
from dataeng_assets.streams.windows.kinds import Grid, Kind, Panes, Session

TOLD = aggregates({"records": "count", "secret": "max(n)", "about": "approx_distinct(n)"})
KINDS = [Grid(5 * MINUTE, 5 * MINUTE), Session(5 * MINUTE), Panes(5 * MINUTE, count=1)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_publication_tells_its_rows_and_a_row_that_stands_twice_fails_the_check(kind: Kind) -> None:
    windows = Windows("w", kind, TOLD, ("who",))
    with bronze() as of:
        of.drain([Event(0, 0, who="a", n=77), Event(0, 0, who="b"), Event(0, 0, who="b"), Event(0, 60 * MINUTE)])
        report = of.publish(windows)
        columns = tuple(replace(column, personal=column.name == "n") for column in of.stream.contract.columns)
        private = replace(of.stream, contract=replace(of.stream.contract, columns=columns))
        result, check = window_results(private, report, windows)
        assert isinstance(result, dg.MaterializeResult)
        assert result.asset_key == dg.AssetKey(["silver", "events", "clicks_w"])
        assert result.metadata is not None
        assert result.metadata["rows_computed"] == report.rows == len(of.rows(windows)) > 0
        assert "77" not in str(result.metadata["preview"])
        assert "secret" not in str(result.metadata["preview"])
        assert check.passed

        table = of.stream.lake.open(report.key)
        append(table, table.to_pyarrow_dataset().to_table(), transactions={})
        _, check = window_results(of.stream, report, windows)
        assert not check.passed
