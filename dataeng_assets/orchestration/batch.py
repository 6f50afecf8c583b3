"""Which days a batch asks for."""

from datetime import date, timedelta

from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.partitions import newest_day
from dataeng_assets.settings import Settings


def batch_days(source: str) -> tuple[date, date]:
    """Yesterday and today; every day when nothing of the source has been copied yet, so that none is missing."""
    settings = Settings.load()
    today = newest_day()
    first = today - timedelta(days=1) if Lake.current().tables(("bronze", source)) else settings.first_day
    return max(first, settings.first_day), today
