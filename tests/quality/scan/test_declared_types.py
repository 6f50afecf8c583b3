from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataeng_assets.contracts.checks.kinds import OfType
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.results import Status
from dataeng_assets.quality.scan.judge import judge


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC"])
def test_a_timestamp_of_every_unit_is_a_timestamp(tmp_path: Path, unit: str, zone: str | None) -> None:
    path = tmp_path / "times.parquet"
    pq.write_table(pa.table({"at": pa.array([1, None], pa.timestamp(unit, zone))}), path)
    suite = Suite("times", rules=(Rule(OfType("at", "timestamp"), "type"),))
    with connect() as connection, open_input(str(path), connection) as opened:
        assert judge(connection, opened, suite).results[0].status is Status.HOLDS
