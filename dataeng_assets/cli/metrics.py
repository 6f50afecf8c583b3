"""`dataeng metrics`: the state of all streams for Prometheus, over HTTP or in a file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dataeng_assets.streams.health.state import StreamState

app = typer.Typer(no_args_is_help=True, help="Show Prometheus how the streams are doing.")


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 9464,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every network.")] = "127.0.0.1",
) -> None:
    """Answer Prometheus until Ctrl-C: each scrape looks at tables and broker anew, and writes nothing.

    Examples:

      dataeng metrics serve

      dataeng metrics serve --port 9000 --host 0.0.0.0
    """
    import threading

    from prometheus_client import CollectorRegistry, start_http_server

    from dataeng_assets.streams.health.exposition import Streams

    states = _looking()
    registry = CollectorRegistry()
    registry.register(Streams(states))
    try:
        server, _ = start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        typer.secho(
            f"Port {port} of {host} is not to be had ({error.strerror}). Name another: --port.", fg="red", err=True
        )
        raise typer.Exit(2) from error
    typer.echo(f"http://{host}:{server.server_port}/metrics")
    threading.Event().wait()


@app.command()
def write(
    file: Annotated[Path, typer.Argument(help="A file whose name ends in .prom, in the folder of the collector.")],
) -> None:
    """Write the metrics into a file for the textfile collector of a node exporter; it appears whole or not at all.

    Examples:

      dataeng metrics write /var/lib/node_exporter/dataeng.prom
    """
    from dataeng_assets.streams.health.exposition import write_textfile

    if not file.parent.is_dir():
        typer.secho(f"There is no folder {file.parent}. Nothing was written.", fg="red", err=True)
        raise typer.Exit(2)
    write_textfile(_looking()(), file)


def _looking() -> "Callable[[], Iterator[StreamState]]":
    """A way to look at all streams again and again; what it needs is loaded now, as a scrape has no time for it."""
    from dataeng_assets.components.kafka_topic import find_topics
    from dataeng_assets.streams.health.state import state

    topics = find_topics()
    return lambda: (state(component.stream(contract), component.cluster) for component, contract in topics)
