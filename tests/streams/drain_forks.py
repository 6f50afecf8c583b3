"""Drains in processes of their own that can be stopped and killed at chosen and at random moments.

One process imports everything once and forks for each drain, so that a thousand take minutes. Run as a program it is
that process; `Forks` is the other end of its pipe.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from stream_kit import COLUMNS, KNOWN, Topic, column, contract, quarantining, stream

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.strict import SchemaDiffers
from dataeng_assets.streams import ingest, rewind
from dataeng_assets.streams.derived import publish as derived_publish
from dataeng_assets.streams.derived.interval_join.definition import IntervalJoin, Side
from dataeng_assets.streams.derived.interval_join.publish import publish_join
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.errors import RoutingChanged, StreamStopped
from dataeng_assets.streams.restore import go_back, to_moment, to_savepoint
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows import publish_windows

WIDER = (*COLUMNS, column("beta", "boolean", nullable=True))
DEPLOYMENTS: Mapping[str, Callable[[Stream], Stream]] = {
    "first": lambda events: events,
    "wider": lambda events: replace(events, contract=contract(WIDER)),
    "stricter": lambda events: quarantining(replace(events, contract=contract(WIDER)), KNOWN),
}
"""Contracts by the order in which a table can have them: a column is added, then a rule."""

JOINED = ("silver", "events", "joined")
_MINUTE = 60_000_000
JOIN = IntervalJoin(
    "joined",
    Side(("user_id",), (("left_id", "event_id"),)),
    Side(("user_id",), (("right_id", "event_id"),)),
    before=5 * _MINUTE,
    after=10 * _MINUTE,
    keeps="left",
)

COMMITS = {"drain": ingest, "restore": rewind, "reset": rewind}
ROUTING_CHANGED, STOPPED = 3, 4


@dataclass(frozen=True)
class Point:
    """Where a process ends or stops by itself: at its n-th commit.

    `before` and `after` it; `files`: when its first data file appears; `log`: when anything appears in the table's log;
    `answer`: the commit is made and its answer lost; `stop`: halted before it, until it is continued.
    """

    what: str = ""
    at: int = 0


class Forks:
    """Starts processes and ends them. Use it as a context; all that it started end with it."""

    def __enter__(self) -> Self:
        program = [sys.executable, str(Path(__file__))]
        self._server = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(30)

    def start(
        self,
        events: Stream,
        topic: Topic,
        *,
        batch_records: int = 20,
        point: Point = Point(),
        deployment: str = "first",
        task: str = "drain",
        right: tuple[Stream, Topic] | None = None,
    ) -> int:
        """Start a drain, a publication of `windows`, or a `join` with a stream on its right; gives the process id.

        `restore ID` and `reset TIME` go back; their commits are the intent, then one per table, main last.
        """
        return int(
            self._ask(
                do="start",
                task=task,
                name=events.name,
                lake=events.lake.uri,
                topic=topic.name,
                bootstrap=topic.bootstrap,
                batch_records=batch_records,
                point=[point.what, point.at],
                deployment=deployment,
                right=[right[0].name, right[1].name] if right else None,
            )
        )

    def wait(self, pid: int) -> int | str:
        """Its exit code, or minus the signal that ended it; `stopped` if it halted."""
        return self._ask(do="wait", pid=pid)

    def go_on(self, pid: int) -> None:
        """Let one that has halted go on."""
        self._ask(do="signal", pid=pid, number=signal.SIGCONT)

    def kill(self, pid: int) -> bool:
        """End one at once; tells whether it was still at work."""
        return bool(self._ask(do="signal", pid=pid, number=signal.SIGKILL))

    def _ask(self, **order: Any) -> Any:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(order) + "\n")
        self._server.stdin.flush()
        return json.loads(self._server.stdout.readline())


class _Children:
    """What was started, and how it ended."""

    def __init__(self) -> None:
        self.alive: set[int] = set()
        self._ended: dict[int, int] = {}

    def obey(self, order: Mapping[str, Any]) -> int | str | bool:
        if order["do"] == "start":
            pid = os.fork()
            if not pid:
                work(order)
            self.alive.add(pid)
            return pid
        pid = order["pid"]
        if order["do"] == "wait":
            return self._look(pid, os.WUNTRACED)
        if self._look(pid, os.WNOHANG) != "":
            return False
        os.kill(pid, order["number"])
        return order["number"] != signal.SIGKILL or self._look(pid, 0) == -signal.SIGKILL

    def _look(self, pid: int, options: int) -> int | str:
        """How it ended or that it halted; an empty text when neither."""
        if pid in self._ended:
            return self._ended[pid]
        found, status = os.waitpid(pid, options)
        if not found:
            return ""
        if os.WIFSTOPPED(status):
            return "stopped"
        self.alive.remove(pid)
        self._ended[pid] = os.waitstatus_to_exitcode(status)
        return self._ended[pid]


def serve() -> None:
    children = _Children()
    try:
        for line in sys.stdin:
            print(json.dumps(children.obey(json.loads(line))), flush=True)
    finally:
        for pid in children.alive:
            os.kill(pid, signal.SIGKILL)


def work(order: Mapping[str, Any]) -> None:
    """What a process does; never returns."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    code = 1
    try:
        topic = Topic(order["bootstrap"], order["topic"])
        events = DEPLOYMENTS[order["deployment"]](replace(stream(Lake(order["lake"]), topic.name), name=order["name"]))
        if order["point"][0]:
            end_at(*order["point"], commits_of=COMMITS.get(order["task"].split()[0], derived_publish))
        if order["task"] == "join":
            right, other = order["right"]
            both = (events, topic.cluster), (replace(stream(events.lake, other), name=right), topic.cluster)
            publish_join(JOINED, JOIN, *both, run_id=str(os.getpid()))
        elif order["task"] == "windows":
            publish_windows(events, topic.cluster, run_id=str(os.getpid()))
        elif order["task"] != "drain":
            what, to = order["task"].split()
            decide = to_savepoint(to) if what == "restore" else to_moment(datetime.fromisoformat(to))
            go_back(events, topic.cluster, decide, reason="a test", asked_by="tests")
        else:
            size = order["batch_records"]
            drain(events, topic.cluster, run_id=str(os.getpid()), budget=timedelta(minutes=5), batch_records=size)
        code = 0
    except RoutingChanged:
        code = ROUTING_CHANGED
    except (StreamStopped, SchemaDiffers) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        code = STOPPED
    finally:
        if code == 1:
            traceback.print_exc()
        os._exit(code)


def end_at(what: str, at: int, commits_of: Any) -> None:
    """Replace what a module commits by, so that the process ends at its n-th commit."""
    numbers = itertools.count(1)

    def ending(real: Callable[..., int]) -> Callable[..., int]:
        def commit(table: Any, *arguments: Any, **named: Any) -> int:
            if next(numbers) != at:
                return real(table, *arguments, **named)
            begin_to_end(what, Path(table.table_uri.removeprefix("file://")))
            version = real(table, *arguments, **named)
            if what == "answer":
                raise OSError("connection reset by peer")
            if what != "stop":
                os.kill(os.getpid(), signal.SIGKILL)
            return version

        return commit

    for name in ("append", "replace_range", "restore_version", "remove_rows"):
        if hasattr(commits_of, name):
            setattr(commits_of, name, ending(getattr(commits_of, name)))


def begin_to_end(what: str, folder: Path) -> None:
    """What comes before the commit to a table."""
    if what == "stop":
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    elif what in ("files", "log"):
        watched = (folder, "part-*.parquet") if what == "files" else (folder / "_delta_log", "*")
        threading.Thread(target=end_at_a_new_file, args=watched, daemon=True).start()


def end_at_a_new_file(folder: Path, pattern: str) -> None:
    before = set(folder.rglob(pattern))
    while not set(folder.rglob(pattern)) - before:
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    serve()
