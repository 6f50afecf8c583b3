"""The calendar, against Python's."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from dbt_runs import Warehouse, messages

from dataeng_assets.lake.location import Lake

pytestmark = pytest.mark.warehouse


def test_every_day_of_fifty_years_is_what_pythons_calendar_says(
    tmp_path: Path, make_warehouse: Callable[..., Warehouse]
) -> None:
    warehouse = make_warehouse(Lake(str(tmp_path / "lake")))
    result = warehouse.dbt("build", "--select", "dim_dates")
    assert result.success, messages(result)
    found = warehouse.query("""
        select
            date_day, year_number, quarter_of_year, month_of_year, day_of_month, day_of_year, iso_year, iso_week,
            day_of_week, iso_week_label, quarter_label, month_label, month_name, day_name, first_day_of_week,
            first_day_of_month, last_day_of_month, is_weekend, is_first_of_month, is_last_of_month
        from marts.dim_dates order by date_day
    """)
    assert len(found) == (date(2050, 1, 1) - date(2000, 1, 1)).days
    for offset, row in enumerate(found):
        day = date(2000, 1, 1) + timedelta(days=offset)
        quarter, tomorrow = (day.month + 2) // 3, day + timedelta(days=1)
        first = day.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        assert row == (
            *(day, day.year, quarter, day.month, day.day, int(f"{day:%j}"), *day.isocalendar()),
            *(f"{day:%G-W%V}", f"{day.year}-Q{quarter}", f"{day:%Y-%m}", f"{day:%B}", f"{day:%A}"),
            *(day - timedelta(days=day.weekday()), first, last),
            *(day.weekday() >= 5, day.day == 1, tomorrow.month != day.month),
        )
