"""`dataeng stream record`: keep a part of a stream's topic in a file, to be replayed in tests."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

_FORMATS = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"]


def record(
    stream: Annotated[str, typer.Argument(help="Name of the stream, such as user_events.")],
    file: Annotated[Path, typer.Argument(help="Parquet file to write; must not be there yet.")],
    since: Annotated[
        datetime | None,
        typer.Option(
            "--from",
            formats=_FORMATS,
            help="First moment (UTC) by the records' timestamps; the oldest retained if not given.",
        ),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=_FORMATS, help="Moment (UTC) at which it ends, itself not included; now if not given."
        ),
    ] = None,
) -> None:
    """Write records with partition, offset, timestamp, key, value and headers to a file, and change nothing.

    The fixture `replay_topic` sends them again to a topic of a test's own. The file holds the values as they came.

    Exits 2 when the file is there already, or the topic could not be read; no file is left then.

    Examples:

      dataeng stream record user_events events.parquet --from 2026-03-01T12:00 --to 2026-03-01T12:05
    """
    start, end = (moment and moment.replace(tzinfo=UTC) for moment in (since, until))
    _record(stream, file, start, end)


def _record(stream: str, file: Path, start: datetime | None, end: datetime | None) -> None:
    from rich.console import Console

    from dataeng_assets.cli.progress import told_lines
    from dataeng_assets.components.kafka_topic import find_stream
    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.kafka.cluster import InsecureCluster
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.kafka.recording import RecordingRefused, record_topic
    from dataeng_assets.settings import SettingMissing
    from dataeng_assets.streams.record import ranges_between

    console = Console()
    try:
        found, cluster = find_stream(stream)
        ranges = ranges_between(cluster, found.topic, start, end)
        with told_lines(f"recording {found.topic}") as on_records:
            done = record_topic(cluster, found.topic, ranges, file, on_records=on_records)
    except (ContractError, InsecureCluster, KafkaProblem, LookupError, RecordingRefused, SettingMissing) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    console.print(f"{done.records:,} records of {len(done.by_partition)} partitions, {done.bytes:,} bytes, in {file}.")
    personal = [column.name for column in found.contract.columns if column.personal]
    if personal:
        console.print(
            f"[yellow]It holds personal values ({', '.join(personal)}):[/yellow] keep it out of the repository.",
        )
