"""A kind of service, of which a state folder holds one: how it is started, ended and looked at, whichever it is.

Which kinds there are belongs in `services`; how one server is started, in `postgres`, `kafka` and `registry`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from dataeng_assets.local import packages, process
from dataeng_assets.local.process import ServiceError


class Server(Protocol):
    """A server that runs in a folder."""

    @property
    def home(self) -> Path:
        """The folder."""

    @property
    def pid(self) -> int:
        """Its process."""


_Server = TypeVar("_Server", bound=Server)
_Started_co = TypeVar("_Started_co", bound=Server, covariant=True)


class Start(Protocol[_Started_co]):
    """Starts a server in a folder, on a port or, when that is taken, on another."""

    def __call__(self, home: Path, /, *, log: Path, port: int | None) -> _Started_co:
        """The server, once it answers."""


@dataclass(frozen=True)
class Service:
    """What is known about one service.

    `state` is `running`, `not answering`, `stopped` or `external`; `address` holds no password; `logins` are the files
    that say how to log in, where that takes more than the address.
    """

    name: str
    address: str
    version: str
    state: str
    log: Path | None
    logins: tuple[Path, ...] = ()


def _nothing(_state: Path) -> None:
    """What most services need before they start."""


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[_Server]):
    """A kind of service.

    Attributes:
        name: what people call it, at the beginning of a sentence.
        variable: the setting that holds its address.
        folder: where it lives below a state folder; its log is called the same.
        port: the usual one.
        package: what its version is known by.
        needs: what has to be fetched before it starts.
        launch: starts it.
        running: the server that lives in a folder and prints to a log, whether it answers or not.
        answers: whether that one answers.
        end: ends the server of a folder; tells whether there was one.
        address: what a client is given.
        shown: the address as people may see it.
        logins: files below its folder that say how to log in, where that takes more than the address.
        prepare: what is done to a state folder before it starts.
    """

    name: str
    variable: str
    folder: str
    port: int
    package: str
    needs: Callable[[], Sequence[packages.Package]]
    launch: Start[_Server]
    running: Callable[[Path, Path], _Server | None]
    answers: Callable[[_Server], bool]
    end: Callable[[Path], bool]
    address: Callable[[_Server], str]
    shown: Callable[[_Server], str]
    logins: tuple[str, ...] = ()
    prepare: Callable[[Path], None] = _nothing

    def home(self, state: Path) -> Path:
        """Where it lives: its folder, or what that links to."""
        return (state / self.folder).resolve()

    def lives(self, state: Path) -> bool:
        """Whether it runs, or is just being started."""
        return process.lives(self.home(state))

    def start(self, state: Path) -> str:
        """Make it answer; one that runs is left alone. Gives its address.

        Raises:
            ServiceError: it did not come up, or runs and does not answer.
            PackageError: a package could not be fetched.
        """
        log, server = self._log(state), self._found(state)
        if server is None:
            self.prepare(state)
            home = self.home(state)
            former = process.record(home)
            # the port that it had last, so that addresses which people wrote down stay true
            server = self.launch(home, log=log, port=former.port if former else self.port)
        elif not self.answers(server):
            raise ServiceError(
                f"{self.name} runs (process {server.pid}) but does not answer. Its data in {server.home} is safe. "
                f"Its log: {log}. Give it a moment, or restart it: `dataeng down`, then `dataeng up`."
            )
        return self.address(server)

    def stop(self, state: Path) -> bool:
        """End it, its data safe on disk; tells whether it ran."""
        return self.end(self.home(state))

    def look(self, state: Path) -> Service:
        """What is known about it; changes nothing."""
        log, server = self._log(state), self._found(state)
        version, there = packages.version(self.package), log if log.exists() else None
        if server is None:
            return Service(self.name, "", version, "stopped", there)
        says = "running" if self.answers(server) else "not answering"
        return Service(self.name, self.shown(server), version, says, there, self.login_files(state))

    def login_files(self, state: Path) -> tuple[Path, ...]:
        """The files that say how to log in."""
        return tuple(state / self.folder / file for file in self.logins)

    def _log(self, state: Path) -> Path:
        return state / "logs" / f"{self.folder}.log"

    def _found(self, state: Path) -> _Server | None:
        return self.running(self.home(state), self._log(state))
