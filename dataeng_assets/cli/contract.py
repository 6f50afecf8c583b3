"""`dataeng contract`: what a change means before it reaches anyone, contracts in other forms, and a first one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from dataeng_assets.cli.contract_convert import convert
from dataeng_assets.cli.contract_infer import infer

if TYPE_CHECKING:
    from dataeng_assets.contracts.compatibility.diff import Diff

app = typer.Typer(no_args_is_help=True, help="Compare, convert and propose contracts.")
app.command()(convert)
app.command()(infer)

Modes = Literal["BACKWARD", "FORWARD", "FULL", "BACKWARD_TRANSITIVE", "FORWARD_TRANSITIVE", "FULL_TRANSITIVE"]


_Versions = Annotated[
    list[Path], typer.Argument(help="Earlier versions, oldest first, then the new one; files, or two folders.")
]
_Against = Annotated[str, typer.Option(help="Compare with what git has instead: git:main, git:HEAD~1, git:v1.2.0.")]
_Mode = Annotated[
    Modes | None,
    typer.Option(
        help="What is promised. FULL by default for ODCS, where consumers rely on the old contract and stored rows "
        "must keep the new one; BACKWARD for Avro, Protobuf and JSON Schema, as in the Confluent registry."
    ),
]
_Reading = Annotated[
    Literal["strict", "lenient"],
    typer.Option(help="JSON Schema: whether a document may hold properties that an open schema does not declare."),
]
_Printed = Annotated[Literal["text", "json", "markdown"], typer.Option("--format", help="How the result is printed.")]


@app.command()
def diff(
    versions: _Versions,
    against: _Against = "",
    mode: _Mode = None,
    reading: _Reading = "strict",
    output: _Printed = "text",
) -> None:
    """Say what changed between versions of a contract, whom that breaks, and the safe way to the same end.

    Reads ODCS (.yaml, .json), JSON Schema (.json), Avro (.avsc) and Protobuf (.proto). BACKWARD: readers with the new
    version can read what was written under the old one. FORWARD: readers with the old version can read what is written
    under the new one. FULL: both. With _TRANSITIVE, the new version is compared with all earlier ones.

    Exits 0 when the mode allows every change, 1 when it does not, 2 when it could not be decided: a file that cannot
    be read, no git, no such revision.

    Examples:

      dataeng contract diff old/orders.yaml new/orders.yaml

      dataeng contract diff dataeng_assets/defs --against git:main

      dataeng contract diff v1.avsc v2.avsc v3.avsc --mode FULL_TRANSITIVE

      dataeng contract diff schemas --against git:v1.2.0 --format markdown > changes.md
    """
    from dataeng_assets.contracts.compatibility.diff import Asked, diff_against_revision, diff_paths, revision_name
    from dataeng_assets.contracts.compatibility.git import Undecided
    from dataeng_assets.contracts.compatibility.json_schema.compare import Reading
    from dataeng_assets.contracts.compatibility.verdict import Mode
    from dataeng_assets.contracts.errors import ContractError

    asked = Asked(Mode(mode) if mode else None, Reading(reading))
    *earlier, new = versions
    try:
        if against:
            found = diff_against_revision(revision_name(against, earlier), new, asked)
        else:
            found = diff_paths(earlier, new, asked)
    except (ContractError, Undecided) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    _print(found, output)
    raise typer.Exit(0 if found.compatible else 1)


def _print(found: "Diff", output: str) -> None:
    from rich.console import Console

    from dataeng_assets.contracts.compatibility import render

    if output == "text":
        Console(highlight=False).print(render.as_table(found))
    else:
        typer.echo(render.as_json(found) if output == "json" else render.as_markdown(found))
