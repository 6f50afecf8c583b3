"""Who drains which partitions at this moment: resident workers tell each other, and the sensor, by leases.

Each worker writes a small file of its own beside the tables, again and again; one that is not renewed runs out, so a
killed worker holds nothing for long. From the files each worker decides its fair share by the same rule, gives up what
is another's and takes what nobody holds. Views may differ for a moment, and clocks by a little: a lease only saves work
that would be refused. What guards the tables is the compare-and-swap of every commit, in `ingest`.
"""

import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from dataeng_assets.lake.files import Files
from dataeng_assets.streams.stream import Stream

LEASE = timedelta(seconds=20)
RENEWED_EVERY = timedelta(seconds=2)
_SOONER = 8  # times as often while another still holds what is this worker's share: nobody drains what it gives up
_FORGOTTEN_AFTER = 10  # times the length of a lease; then its file is removed by others


@dataclass(frozen=True)
class Worker:
    """A resident worker, as its lease tells.

    Attributes:
        name: host, process and a random part; no two are the same.
        since: when it began.
        until: when its lease runs out, unless it is renewed.
        partitions: that it drains; no other worker takes them while the lease lasts.
    """

    name: str
    since: datetime
    until: datetime
    partitions: tuple[int, ...] = ()


def shares(partitions: Collection[int], workers: Iterable[Worker]) -> Mapping[str, tuple[int, ...]]:
    """Which worker should drain which partitions: each about as many, and as few as can be change hands.

    Args:
        partitions: of the topic.
        workers: with what they hold now.

    Returns:
        By worker; together they are all partitions, and no partition is two workers'.
    """
    holding = sorted(workers, key=lambda worker: (-len(worker.partitions), worker.since, worker.name))
    if not holding:
        return {}
    each, more = divmod(len(partitions), len(holding))
    room = {worker.name: each + (place < more) for place, worker in enumerate(holding)}
    free, found = set(partitions), dict[str, list[int]]()
    for worker in holding:
        found[worker.name] = sorted(free.intersection(worker.partitions))[: room[worker.name]]
        free.difference_update(found[worker.name])
    for worker in holding:
        taken = sorted(free)[: room[worker.name] - len(found[worker.name])]
        found[worker.name] += taken
        free.difference_update(taken)
    return {name: tuple(sorted(mine)) for name, mine in found.items()}


def holders(stream: Stream, now: datetime | None = None) -> Sequence[Worker]:
    """The workers whose leases have not run out, in the order in which they began."""
    moment = now or datetime.now(UTC)
    return tuple(worker for worker in _all(_files(stream)).values() if worker.until > moment)


class Lease:
    """This process's place among a stream's workers. Use it as a context: what it holds is given up at the end.

    Args:
        stream: what is drained.
        length: how long others wait for a worker that was killed.
        renewed_every: how often it is written, and others are looked at.
        clock: of the file, compared with that of others.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        length: timedelta = LEASE,
        renewed_every: timedelta = RENEWED_EVERY,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._files, self._length, self._every, self._clock = _files(stream), length, renewed_every, clock
        name = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(3)}"
        self._me = Worker(name, clock(), clock())
        self._others: tuple[Worker, ...] = ()
        self._due = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._files.remove(_file(self._me.name))

    @property
    def name(self) -> str:
        """This worker's."""
        return self._me.name

    @property
    def workers(self) -> int:
        """How many there were when it was last renewed."""
        return len(self._others) + 1

    @property
    def is_first(self) -> bool:
        """Whether this worker is the one that does what only one of them needs to do."""
        return all((self._me.since, self._me.name) < (other.since, other.name) for other in self._others)

    def partitions(self, of: Collection[int]) -> tuple[int, ...]:
        """The partitions that this worker may drain now; call it between batches.

        Args:
            of: all partitions of the topic.
        """
        if time.monotonic() >= self._due:
            has_its_share = self._renew(of)
            self._due = time.monotonic() + self._every.total_seconds() / (1 if has_its_share else _SOONER)
        return self._me.partitions

    def _renew(self, of: Collection[int]) -> bool:
        """Look at the others and write what is held; tells whether that is all that is this worker's share."""
        now = self._clock()
        found = _all(self._files)
        found.pop(self._me.name, None)
        self._others = tuple(worker for worker in found.values() if worker.until > now)
        held = {partition for worker in self._others for partition in worker.partitions}
        mine = shares(of, [self._me, *self._others])[self._me.name]
        kept = [p for p in mine if p in self._me.partitions or p not in held]
        self._me = replace(self._me, until=now + self._length, partitions=tuple(kept))
        self._files.write(_file(self._me.name), _written(self._me))
        for worker in found.values():
            if worker.until < now - _FORGOTTEN_AFTER * self._length:
                self._files.remove(_file(worker.name))
        return len(kept) == len(mine)


def _files(stream: Stream) -> Files:
    return Files(stream.lake, ("_leases", stream.domain, stream.name))


def _file(name: str) -> str:
    return f"{name}.json"


def _written(worker: Worker) -> bytes:
    return json.dumps(
        {
            "name": worker.name,
            "since": worker.since.isoformat(),
            "until": worker.until.isoformat(),
            "partitions": worker.partitions,
        }
    ).encode()


def _all(files: Files) -> dict[str, Worker]:
    """Every worker whose file is there and can be read, in the order in which they began."""
    found = [_read(content) for name in files.names() if (content := files.read(name)) is not None]
    workers = sorted((worker for worker in found if worker), key=lambda worker: (worker.since, worker.name))
    return {worker.name: worker for worker in workers}


def _read(content: bytes) -> Worker | None:
    try:
        said = json.loads(content)
        return Worker(
            str(said["name"]),
            datetime.fromisoformat(said["since"]),
            datetime.fromisoformat(said["until"]),
            tuple(int(partition) for partition in said["partitions"]),
        )
    except (ValueError, KeyError, TypeError):
        return None  # another version's; what it cannot tell it cannot hold
