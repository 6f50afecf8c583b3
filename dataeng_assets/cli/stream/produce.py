"""`dataeng stream produce`: send a file's records to a stream's topic, checked by its contract."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from dataeng_assets.streams.produce import Checked, Produced, SendingStopped, Way


def produce(
    file: Annotated[Path, typer.Argument(help="Records, one a line or row: .ndjson, .jsonl, .json, .csv or .parquet.")],
    stream: Annotated[str, typer.Option(help="Name of the stream, such as user_events.")],
    rate: Annotated[
        float | None, typer.Option(min=0.001, help="Most records a second; as fast as it goes if not given.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every line, and send nothing.")] = False,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help="Leave out lines that break the contract.")
    ] = False,
    event_timestamps: Annotated[
        bool,
        typer.Option(
            "--event-timestamps", help="Give each record its event time as timestamp, not the moment of sending."
        ),
    ] = False,
    from_line: Annotated[int, typer.Option(min=1, help="Begin at this line: the one an interrupted run told.")] = 1,
) -> None:
    """Send the records of a file, when every one of them keeps the contract. All replicas acknowledge each.

    Lines are JSON objects; for a topic in Avro or Protobuf they are encoded with the schema beside the contract, or
    with the newest one that the registry has for the topic.

    The record's key is the column that the contract carries it into, else the contract's key; the partition is chosen
    as the Java clients choose it. Within one run no record is doubled or reordered by a retry. A second run sends
    everything again, for nothing in Kafka knows what another run has sent: when one is interrupted it says with which
    --from-line the next goes on, and how many records that would double. Readers tell doubles by the contract's key.

    Exits 0 when all was sent, 1 when lines break the contract and nothing was sent, 2 when it ended half-way or could
    not begin.

    Examples:

      dataeng stream produce events.ndjson --stream user_events --dry-run

      dataeng stream produce events.csv --stream user_events --rate 500 --event-timestamps
    """
    from dataeng_assets.streams.produce import Way

    _produce(file, stream, Way(from_line, skip_invalid, event_timestamps, rate), is_dry=dry_run)


def _produce(file: Path, stream: str, way: "Way", *, is_dry: bool) -> None:
    from rich.console import Console

    from dataeng_assets.cli.progress import told_lines
    from dataeng_assets.components.kafka_topic import find_stream
    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.kafka.access import Role
    from dataeng_assets.kafka.cluster import InsecureCluster
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.settings import SettingMissing
    from dataeng_assets.streams.errors import StreamStopped
    from dataeng_assets.streams.outgoing import InputRefused
    from dataeng_assets.streams.produce import ContractBroken, SendingStopped, check
    from dataeng_assets.streams.produce import produce as send

    console = Console()
    try:
        found, cluster = find_stream(stream, role=Role.PRODUCER)
        if is_dry:
            checked = check(found, file, from_line=way.from_line)
            _show_checked(console, checked, "Nothing was sent.")
            raise typer.Exit(1 if checked.invalid else 0)
        with told_lines(f"sending {file.name}") as on_records:
            done = send(found, cluster, file, way, on_records=on_records)
    except ContractBroken as error:
        _show_checked(console, error.checked, str(error))
        raise typer.Exit(1) from error
    except SendingStopped as error:
        _show_stopped(console, error)
        raise typer.Exit(2) from error
    except (
        ContractError, InputRefused, InsecureCluster, KafkaProblem, LookupError, SettingMissing, StreamStopped
    ) as error:  # fmt: skip
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    _show(console, done)


def _show(console: "Console", done: "Produced") -> None:
    from rich.table import Table

    table = Table("partition", "records", "first offset", "last offset", box=None)
    for column in table.columns:
        column.justify = "right"
    for partition, part in sorted(done.by_partition.items()):
        table.add_row(str(partition), f"{part.records:,}", f"{part.first:,}", f"{part.last:,}")
    if done.by_partition:
        console.print(table)
    skipped = f", {done.skipped:,} lines left out" if done.skipped else ""
    console.print(f"{done.records:,} records acknowledged{skipped}.")


def _show_checked(console: "Console", checked: "Checked", said: str) -> None:
    for one in checked.first:
        console.print(f"line {one.line:,}: {one.reason}: {one.detail}", markup=False, soft_wrap=True)
    if checked.invalid > len(checked.first):
        console.print(f"… and {checked.invalid - len(checked.first):,} more.")
    good = f"{checked.lines - checked.invalid:,} of {checked.lines:,} lines keep the contract. "
    console.print(good + said, style="red" if checked.invalid else "green", markup=False, soft_wrap=True)


def _show_stopped(console: "Console", error: "SendingStopped") -> None:
    console.print(str(error), style="red", markup=False, soft_wrap=True)
    _show(console, error.produced)
    console.print(f"Go on with the same command and --from-line {error.from_line}.")
    if error.doubled:
        console.print(
            f"[yellow]{error.doubled:,} records beyond that line are acknowledged already and will stand in the topic "
            "twice;[/yellow] readers tell them by the contract's key."
        )
