"""`dataeng topics`: topics as their contracts want them, never smaller than they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from dataeng_assets.components.kafka_topic import KafkaTopicComponent
    from dataeng_assets.contracts.model import Contract
    from dataeng_assets.kafka.topics import TopicFound, TopicPlan

app = typer.Typer(no_args_is_help=True, help="Make topics what their contracts say; nothing is deleted or shrunk.")

Streams = Annotated[
    list[str] | None, typer.Argument(help="Streams whose topics are meant, such as user_events; all when not given.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of text for a person.")]


@app.command()
def plan(streams: Streams = None, as_json: AsJson = False) -> None:
    """Show how topics differ from their contracts, what `apply` would do, and what only a person may do.

    Exits as `terraform plan -detailed-exitcode` does: 0 when every topic is as its contract says, 2 when one differs
    (also where only a person may mend it), 1 when it could not be decided.

    Examples:

      dataeng topics plan

      dataeng topics plan user_events --json
    """
    from rich.console import Console

    console = Console()
    with _undecided():
        plans = [_planned(*declared) for declared in _declared(streams)]
    _print_json([_as_json(one) for one in plans]) if as_json else _show(console, plans)
    raise typer.Exit(0 if all(one.agrees for one in plans) else 2)


@app.command()
def apply(
    streams: Streams = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for programs.")] = False,
) -> None:
    """Make topics, add partitions, keep records longer and grant rights, as contracts say. Asks before it does.

    A topic is never deleted, and nothing of it is made smaller or less safe; doing it again changes nothing.

    Exits 0 when every topic is as its contract says now, 2 when something is left for a person, or was not confirmed,
    1 when the cluster could not be asked or refused.

    Examples:

      dataeng topics apply

      dataeng topics apply user_events --yes
    """
    from rich.console import Console

    from dataeng_assets.kafka.access import Role
    from dataeng_assets.kafka.topic_admin import TopicAdmin

    console = Console()
    with _undecided():
        declared = _declared(streams)
        plans = [_planned(*one) for one in declared]
        _show(console, plans)
        if any(one.steps for one in plans) and not yes and not typer.confirm("Do it?"):
            console.print("Nothing was done.")
            raise typer.Exit(2)
        for (component, contract), one in zip(declared, plans, strict=True):
            if one.steps:
                with TopicAdmin(component.cluster(Role.ADMIN)) as admin:
                    admin.apply(one, contract.topic)
                console.print(f"[green]Done[/green]: {one.topic}.")
        left = [_planned(*one) for one in declared]
    raise typer.Exit(0 if all(one.agrees for one in left) else 2)


@app.command()
def describe(streams: Streams = None, as_json: AsJson = False) -> None:
    """Show topics as they are: partitions with leader and replicas, settings, size, and how far behind our stream is.

    Exits 1 when a topic is missing or could not be asked for.

    Examples:

      dataeng topics describe user_events

      dataeng topics describe --json
    """
    from rich.console import Console

    with _undecided():
        found = [_described(component, contract) for component, contract in _declared(streams)]
    if as_json:
        _print_json([_described_json(*one) for one in found])
        return
    console = Console()
    for topic, sizes, behind in found:
        _show_topic(console, topic, sizes, behind)


@contextmanager
def _undecided() -> Iterator[None]:
    """Print an error that says what to do, and exit 1."""
    from rich.console import Console

    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.kafka.cluster import InsecureCluster
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.settings import SettingMissing
    from dataeng_assets.streams.errors import StreamStopped

    try:
        yield
    except (ContractError, InsecureCluster, KafkaProblem, LookupError, SettingMissing, StreamStopped) as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error


def _declared(streams: Sequence[str] | None) -> "list[tuple[KafkaTopicComponent, Contract]]":
    from dataeng_assets.components.kafka_topic import find_topic, find_topics

    return [find_topic(name) for name in dict.fromkeys(streams)] if streams else find_topics()


def _planned(component: "KafkaTopicComponent", contract: "Contract") -> "TopicPlan":
    from dataeng_assets.kafka.access import Role
    from dataeng_assets.kafka.topic_admin import TopicAdmin

    with TopicAdmin(component.cluster(Role.ADMIN)) as admin:
        return admin.plan(component.topic, contract.topic)


def _described(
    component: "KafkaTopicComponent", contract: "Contract"
) -> "tuple[TopicFound, dict[int, int], dict[int, int]]":
    from dataeng_assets.kafka.access import Role
    from dataeng_assets.kafka.errors import TopicMissing
    from dataeng_assets.kafka.topic_admin import TopicAdmin
    from dataeng_assets.streams.lag import lag

    with TopicAdmin(component.cluster(Role.ADMIN)) as admin:
        found = admin.find(component.topic)
        sizes = admin.sizes(component.topic)
    if found is None:
        raise TopicMissing(
            f"Kafka at {component.cluster().bootstrap} has no topic {component.topic}. "
            "`dataeng topics plan` says what making it would take."
        )
    return found, sizes, dict(lag(component.stream(contract), component.cluster()).partitions)


def _show(console: "Console", plans: "Sequence[TopicPlan]") -> None:
    from rich.markup import escape

    for one in plans:
        said = "is as its contract says" if one.agrees else "differs" if one.topic_id else "does not exist"
        console.print(f"[bold]{escape(one.topic)}[/bold] {said}.")
        for step in one.steps:
            sign, was = ("[green]+[/green]", "") if step.before is None else ("[yellow]~[/yellow]", f"{step.before} → ")
            console.print(f"  {sign} {escape(f'{step.what}: {was}{step.after}')}", soft_wrap=True)
            if step.warning:
                console.print(f"      [yellow]beware:[/yellow] {escape(step.warning)}", soft_wrap=True)
        for left in one.left_alone:
            console.print(
                f"  [red]![/red] {escape(f'{left.what}: {left.found}, wanted {left.wanted}')}", soft_wrap=True
            )
            console.print(f"      [red]never changed here:[/red] {escape(left.advice)}", soft_wrap=True)
        for note in one.notes:
            console.print(f"  [dim]{escape(note)}[/dim]", soft_wrap=True)
    counts = sum(len(one.steps) for one in plans), sum(len(one.left_alone) for one in plans)
    console.print(f"{counts[0]} to do by `dataeng topics apply`, {counts[1]} for a person.")


def _show_topic(console: "Console", topic: "TopicFound", sizes: dict[int, int], behind: dict[int, int]) -> None:
    from rich.markup import escape
    from rich.table import Table

    columns = ("partition", "earliest", "end", "leader", "replicas", "in sync", "bytes", "stream behind by")
    title = f"{escape(topic.name)}, id {topic.id}"
    table = Table(*columns, title=title, caption=_settings(topic), caption_justify="left", box=None)
    for column in table.columns:
        column.justify = "right"
    for part in topic.partitions:
        whole = set(part.in_sync) == set(part.replicas)
        in_sync = ",".join(map(str, sorted(part.in_sync)))
        table.add_row(
            str(part.index), f"{part.earliest:,}", f"{part.end:,}",
            str(part.leader) if part.leader >= 0 else "[red]none[/red]",
            ",".join(map(str, part.replicas)), in_sync if whole else f"[red]{in_sync or 'none'}[/red]",
            f"{sizes[part.index]:,}" if part.index in sizes else "unknown", f"{behind.get(part.index, 0):,}",
        )  # fmt: skip
    total = sum(part.end - part.earliest for part in topic.partitions)
    table.add_section()
    table.add_row("all", "", f"{total:,} held", "", "", "", f"{sum(sizes.values()):,}", f"{sum(behind.values()):,}")
    console.print(table)


def _settings(topic: "TopicFound") -> str:
    from rich.markup import escape

    shown = ("cleanup.policy", "retention.ms", "retention.bytes", "min.insync.replicas", "compression.type")
    names = sorted({*(name for name in shown if name in topic.configs), *topic.own_configs})
    said = [f"{name} = {topic.configs[name]}{'' if name in topic.own_configs else ' (default)'}" for name in names]
    return escape("\n".join(said))


def _as_json(one: "TopicPlan") -> dict[str, Any]:
    steps = [
        {"kind": s.kind.value, "what": s.what, "before": s.before, "after": s.after, "warning": s.warning}
        for s in one.steps
    ]
    left = [
        {"what": item.what, "found": item.found, "wanted": item.wanted, "advice": item.advice}
        for item in one.left_alone
    ]
    return {"topic": one.topic, "topic_id": one.topic_id, "steps": steps, "left_alone": left, "notes": list(one.notes)}


def _described_json(topic: "TopicFound", sizes: dict[int, int], behind: dict[int, int]) -> dict[str, Any]:
    partitions = [
        {
            "partition": part.index, "earliest": part.earliest, "end": part.end, "leader": part.leader,
            "replicas": list(part.replicas), "in_sync": list(part.in_sync), "bytes": sizes.get(part.index),
            "stream_behind": behind.get(part.index, 0),
        }
        for part in topic.partitions
    ]  # fmt: skip
    own = {name: topic.configs[name] for name in sorted(topic.own_configs)}
    return {"topic": topic.name, "topic_id": topic.id, "partitions": partitions, "own_configs": own}


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, indent=2))
