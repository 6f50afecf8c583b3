"""`dataeng schemas`: what a schema registry has, and a new version only if it keeps what is promised."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from dataeng_assets.contracts.compatibility.diff import Diff, FileDiff
    from dataeng_assets.contracts.compatibility.json_schema.compare import Reading
    from dataeng_assets.kafka.registry.schemas import Compatibility, Reference, RegisteredSchema, Schema, SchemaStore

app = typer.Typer(no_args_is_help=True, help="Look into a schema registry; check and register new versions.")

_Where = Annotated[
    str,
    typer.Option(
        "--registry",
        help="https://… of a registry, glue://REGION/NAME of AWS, or a folder. DATAENG_REGISTRY_URL when not given.",
    ),
]
_Stream = Annotated[str, typer.Option(help="The stream whose registry is meant, as its defs.yaml names it.")]
_Subject = Annotated[str, typer.Argument(help="The subject, such as user_events-value.")]
_File = Annotated[Path, typer.Argument(help="The new version: .avsc, .proto, or .json for JSON Schema.")]
_References = Annotated[
    list[str] | None,
    typer.Option("--reference", help="What the schema uses: NAME=SUBJECT:VERSION. May be given several times."),
]
_Promise = Annotated[
    Literal[
        "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", "NONE"
    ] | None,
    typer.Option("--compatibility", help="What is promised, instead of what the registry says of the subject."),
]  # fmt: skip
_Reading = Annotated[
    Literal["strict", "lenient"],
    typer.Option(help="JSON Schema: whether a document may hold properties that an open schema does not declare."),
]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for a program instead of text for a person.")]


@app.command("list")
def list_subjects(registry: _Where = "", stream: _Stream = "", as_json: _AsJson = False) -> None:
    """Show every subject: its versions, the number of the newest, its language, and what it promises.

    Examples:

      dataeng schemas list

      dataeng schemas list --stream user_events --json

      dataeng schemas list --registry glue://eu-central-1/shop
    """
    with _told():
        store = _store(registry, stream)
        rows = [_row(store, subject) for subject in store.subjects()]
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    _print_table(rows)


@app.command()
def show(
    subject: _Subject,
    version: Annotated[int | None, typer.Option(help="Which version; the newest when not given.")] = None,
    registry: _Where = "",
    stream: _Stream = "",
    as_json: _AsJson = False,
) -> None:
    """Print one version of a schema as its author wrote it.

    Examples:

      dataeng schemas show user_events-value

      dataeng schemas show user_events-value --version 1 > before.avsc
    """
    from dataeng_assets.kafka.registry.errors import SchemaUnknown

    with _told():
        store = _store(registry, stream)
        versions = store.versions(subject)
        if not versions:
            raise SchemaUnknown(f"There is no subject {subject}. See what it has with `dataeng schemas list`.")
        number = version if version is not None else versions[-1]
        found = store.version(subject, number)
    if as_json:
        typer.echo(json.dumps(_described(subject, number, found), indent=2, ensure_ascii=False))
        return
    typer.echo(f"{subject}, version {number}: {found.kind}, number {found.id}", err=True)
    typer.echo(found.text)


@app.command()
def check(
    subject: Annotated[str, typer.Argument(help="The subject; all when not given.")] = "",
    file: Annotated[
        Path | None, typer.Argument(help="The new version: .avsc, .proto or .json. The newest one when not given.")
    ] = None,
    reference: _References = None,
    compatibility: _Promise = None,
    reading: _Reading = "strict",
    registry: _Where = "",
    stream: _Stream = "",
    output: Annotated[
        Literal["text", "json", "markdown"], typer.Option("--format", help="How it is printed.")
    ] = "text",
) -> None:
    """Say whether a new version would keep what its subject promises. Registers nothing.

    Without a file, the newest version that is there is compared with those before it: so CI judges schemas that stand
    as files in the repository.

    Exits 0 when the promise is kept, 1 when it is not, 2 when it could not be decided: a registry that does not answer,
    a file that cannot be read, another language than before.

    Examples:

      dataeng schemas check user_events-value user_events.avsc

      dataeng schemas check --stream user_events

      dataeng schemas check orders-value order.proto --reference shop/money.proto=money:3 --compatibility FULL
    """
    from dataeng_assets.contracts.compatibility.diff import Diff
    from dataeng_assets.contracts.compatibility.json_schema.compare import Reading
    from dataeng_assets.kafka.registry.schemas import Compatibility

    promised = Compatibility(compatibility) if compatibility else None
    with _told():
        store = _store(registry, stream)
        new = _schema(file, reference) if file else None
        asked = [subject] if subject else store.subjects()
        found = Diff(tuple(_compared(store, one, new, promised, Reading(reading)) for one in asked))
    _print_diff(found, output)
    raise typer.Exit(0 if found.compatible else 1)


@app.command()
def register(
    subject: _Subject,
    file: _File,
    reference: _References = None,
    compatibility: _Promise = None,
    reading: _Reading = "strict",
    registry: _Where = "",
    stream: _Stream = "",
) -> None:
    """Make a schema the newest version of a subject, if it keeps what the subject promises.

    Exits 0 when it is registered, or was before; 1 when it breaks the promise, with every finding; 2 when it could not
    be decided. In a folder of schemas this writes the file of the next version.

    Examples:

      dataeng schemas register user_events-value user_events.avsc

      dataeng schemas register user_events-value user_events.avsc --registry dataeng_assets/defs/events/schemas
    """
    from dataeng_assets.contracts.compatibility.json_schema.compare import Reading
    from dataeng_assets.kafka.registry.errors import SchemaIncompatible
    from dataeng_assets.kafka.registry.register import register as put
    from dataeng_assets.kafka.registry.schemas import Compatibility

    promised = Compatibility(compatibility) if compatibility else None
    with _told():
        try:
            store = _store(registry, stream)
            done = put(store, subject, _schema(file, reference), compatibility=promised, reading=Reading(reading))
        except SchemaIncompatible as refused:
            typer.echo(str(refused), err=True)
            raise typer.Exit(1) from None
    typer.echo(f"{subject} has it: {done.kind}, number {done.id}.")


def _compared(
    store: "SchemaStore", subject: str, new: "Schema | None", promised: "Compatibility | None", reading: "Reading"
) -> "FileDiff":
    from dataeng_assets.contracts.compatibility.diff import FileDiff
    from dataeng_assets.contracts.compatibility.languages import Language
    from dataeng_assets.kafka.registry.errors import SchemaUnknown
    from dataeng_assets.kafka.registry.register import check as compare
    from dataeng_assets.kafka.registry.register import check_newest, compared_versions
    from dataeng_assets.kafka.registry.schemas import Kind

    versions = store.versions(subject)
    if new is None and not versions:
        raise SchemaUnknown(f"There is no subject {subject}. See what it has with `dataeng schemas list`.")
    promised = promised or store.compatibility(subject)
    before, schema = (versions[:-1], store.version(subject, versions[-1]).schema) if new is None else (versions, new)
    if new is None:
        verdict = check_newest(store, subject, compatibility=promised, reading=reading)
    else:
        verdict = compare(store, subject, new, compatibility=promised, reading=reading)
    names = {Kind.AVRO: Language.AVRO, Kind.PROTOBUF: Language.PROTOBUF, Kind.JSON: Language.JSON_SCHEMA}
    against = tuple(f"version {one}" for one in compared_versions(before, promised.mode))
    return FileDiff(subject, names[schema.kind], against, verdict)


def _store(registry: str, stream: str) -> "SchemaStore":
    from dataeng_assets.kafka.registry.opened import VARIABLE, registry_at
    from dataeng_assets.settings import SettingMissing, variable

    if stream and not registry:
        from dataeng_assets.components.kafka_topic import find_topic

        component, contract = find_topic(stream)
        return component.registry(contract)
    try:
        return registry_at(registry or variable(VARIABLE))
    except SettingMissing:
        raise LookupError(
            "It is not said where the schemas are. Name a stream with --stream, an address or a folder with "
            f"--registry, or set {VARIABLE}; `dataeng up --registry` starts a registry here and sets it."
        ) from None


def _schema(file: Path, references: list[str] | None) -> "Schema":
    from dataeng_assets.kafka.registry.repository import read_schema

    return read_schema(file, tuple(_reference(one) for one in references or ()))


def _reference(said: str) -> "Reference":
    from dataeng_assets.kafka.registry.schemas import Reference

    name, _, place = said.rpartition("=")
    subject, _, version = place.rpartition(":")
    if not (name and subject and version.isdecimal()):
        raise typer.BadParameter(f"{said!r} is no reference; write NAME=SUBJECT:VERSION")
    return Reference(name, subject, int(version))


def _row(store: "SchemaStore", subject: str) -> dict[str, object]:
    versions = store.versions(subject)
    newest = store.version(subject, versions[-1])
    promised = store.compatibility(subject)
    return {
        "subject": subject, "versions": list(versions), "id": _number(newest), "kind": newest.kind,
        "compatibility": promised,
    }  # fmt: skip


def _described(subject: str, version: int, found: "RegisteredSchema") -> dict[str, object]:
    uses = [{"name": one.name, "subject": one.subject, "version": one.version} for one in found.references]
    described = {"subject": subject, "version": version, "id": _number(found), "kind": found.kind}
    return {**described, "references": uses, "schema": found.text}


def _number(schema: "RegisteredSchema") -> int | str:
    return schema.id if isinstance(schema.id, int) else str(schema.id)


def _print_table(rows: list[dict[str, object]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("subject", "versions", "newest", "language", "promises", box=None, header_style="bold")
    for row in rows:
        versions = row["versions"]
        counted = ", ".join(map(str, versions if isinstance(versions, list) else []))
        cells = (row["subject"], counted, row["id"], row["kind"], row["compatibility"])
        table.add_row(*(escape(str(cell)) for cell in cells))
    Console().print(table if rows else "There are no schemas.")


def _print_diff(diff: "Diff", output: str) -> None:
    from rich.console import Console

    from dataeng_assets.contracts.compatibility import render

    if output == "text":
        Console(highlight=False).print(render.as_table(diff))
    else:
        typer.echo(render.as_json(diff) if output == "json" else render.as_markdown(diff))


@contextmanager
def _told() -> Iterator[None]:
    """Say what went wrong in words, and that nothing was decided."""
    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.settings import SettingMissing

    try:
        yield
    except (ContractError, KafkaProblem, SettingMissing, LookupError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
