"""`dataeng stream run`: a resident worker, seen on a terminal or in a log."""

import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from dataeng_assets.streams.resident import Told

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LINE_EVERY = 10.0  # seconds, where there is no terminal


def run(
    stream: Annotated[str, typer.Argument(help="Name of the stream, such as user_events.", show_default=False)],
    for_: Annotated[
        str, typer.Option("--for", help="End after so long, such as 30s, 10m or 8h; never when not given.")
    ] = "",
) -> None:
    """Drain a stream for as long as this process lives, a commit every few tenths of a second.

    It does what the runs of the stream's sensor do, with connections that stay open. While it lives the sensor asks for
    no runs. Start as many as there are cores to use, on any hosts that see the lake: they share the partitions and hand
    them over when one comes or goes. Killing one at any moment loses nothing and doubles nothing.

    SIGTERM or Ctrl-C ends it after the batch that is under way; a second one at once.

    Exits 0 when it was told to end, 1 when the stream stopped and a person must decide, 2 when it could not begin.

    Examples:

      dataeng stream run user_events

      dataeng stream run user_events --for 10m
    """
    from rich.console import Console

    from dataeng_assets.components.stream_worker import work
    from dataeng_assets.contracts.checks.setting_aside import TooManyBroken
    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.lake.location import ForgetfulTable, LakeRefused
    from dataeng_assets.lake.strict import SchemaDiffers
    from dataeng_assets.settings import SettingMissing
    from dataeng_assets.streams.errors import StreamStopped

    console = Console(soft_wrap=True)
    length = _length(for_)
    no_beginning = (ContractError, ForgetfulTable, KafkaProblem, LakeRefused, LookupError, SchemaDiffers)
    try:
        with _ended_by_signals(length) as stop, _Shown(console, stream) as shown:
            work(stream, stop=stop, tell=shown.tell, trouble=shown.trouble)
    except (StreamStopped, TooManyBroken) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    except (*no_beginning, SettingMissing) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    console.print(shown.summary(), highlight=False)


def _length(text: str) -> timedelta | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no length of time; write 30s, 10m, 8h or 2d", param_hint="--for")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


@contextmanager
def _ended_by_signals(length: timedelta | None) -> Iterator[threading.Event]:
    """An event that the first signal sets, or the clock; a second signal ends the process as usual."""
    stop = threading.Event()
    timer = threading.Timer(length.total_seconds() if length else 0, stop.set)
    timer.daemon = True
    usual = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def asked(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        for number, handler in usual.items():
            signal.signal(number, handler)

    for number in usual:
        signal.signal(number, asked)
    if length:
        timer.start()
    try:
        yield stop
    finally:
        timer.cancel()
        for number, handler in usual.items():
            signal.signal(number, handler)


class _Shown:
    """A live line on a terminal, else a plain line now and then."""

    def __init__(self, console: "Console", stream: str) -> None:
        self._console, self._stream = console, stream
        self._status: Status | None = console.status(f"{stream}: starting") if console.is_terminal else None
        self._began = self._since = time.monotonic()
        self._read = self._offsets = self._batches = 0
        self._partitions: tuple[int, ...] = ()

    def __enter__(self) -> "_Shown":
        if self._status:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()

    def tell(self, told: "Told") -> None:
        if told.partitions != self._partitions:
            self._partitions = told.partitions
            names = ", ".join(map(str, told.partitions)) or "none yet"
            self._line(f"{self._stream}: draining partitions {names}; workers: {told.workers}")
        if told.batch is None:
            return
        self._read += told.batch.offsets
        self._offsets += told.batch.offsets
        self._batches += 1
        now = time.monotonic()
        if now - self._since < (0.5 if self._status else _LINE_EVERY):
            return
        line = (
            f"{self._stream}: {self._offsets / (now - self._since):,.0f} rows/s, lag {told.lag:,}, "
            f"commit {told.batch.write_seconds * 1000:.0f} ms, {self._read:,} rows in {self._batches:,} batches"
        )
        self._since, self._offsets = now, 0
        if self._status:
            self._status.update(line)
        else:
            self._line(line)

    def trouble(self, what: str) -> None:
        self._console.print(what, style="yellow", markup=False)

    def summary(self) -> str:
        return (
            f"{self._stream}: ended in good order after {time.monotonic() - self._began:,.0f} s, {self._read:,} rows "
            f"in {self._batches:,} batches."
        )

    def _line(self, text: str) -> None:
        self._console.print(text, highlight=False, markup=False)
