"""Writing the declaration of a source: its `defs.yaml`, and one contract per table beside it.

What stands in it is decided in `discover`; how it becomes assets belongs to the component that it names.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dataeng_assets.contracts.write import contract_yaml
from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.extract.discover import Discovered

COMPONENT = "dataeng_assets.components.PostgresTablesComponent"
_REASONS = {
    "url_variable": "names the variable that holds the address: in the environment or in .env, never here",
    "watermark": "moves whenever a row changes; a table without such a column is read whole, by `mode: full`",
}


class DeclaredOtherwise(Exception):
    """A folder declares something else than what was discovered."""


@dataclass(frozen=True)
class Written:
    """What became of the files.

    Attributes:
        new: those that were written.
        kept: those that were there and were left as they are.
        unsaid: what a `defs.yaml` that was kept does not say of new tables, as `tables:` would.
    """

    new: tuple[Path, ...]
    kept: tuple[Path, ...]
    unsaid: Mapping[str, Mapping[str, str]]


def url_variable_of(source: str) -> str:
    """The usual name of the variable that holds a source's address."""
    return f"DATAENG_{source.upper()}_URL"


def write_declaration(found: Discovered, folder: Path, url_variable: str, *, overwrite: bool = False) -> Written:
    """Write what was discovered; a file that is there stays as it is, unless it is to be overwritten.

    Raises:
        DeclaredOtherwise: the folder is another source's.
    """
    if not overwrite:
        _refuse_another(folder / "defs.yaml", found)
    files = {folder / "defs.yaml": source_yaml(found, url_variable)}
    for contract in found.contracts:
        gaps = [left for left in found.left_out if left.name.startswith(f"{contract.name}.")]
        limitations = " ".join(
            f"Without {left.name.partition('.')[2]} ({left.reason.partition(';')[0]})." for left in gaps
        )
        files[contract.path] = contract_yaml(contract, status="draft", limitations=limitations)
    kept = () if overwrite else tuple(path for path in files if path.exists())
    new = tuple(path for path in files if path not in kept)
    for path in new:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    return Written(new, kept, _unsaid(folder / "defs.yaml", found, new) if folder / "defs.yaml" in kept else {})


def _unsaid(path: Path, found: Discovered, new: Collection[Path]) -> dict[str, dict[str, str]]:
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))["attributes"]
    said = declared.get("tables") or {}
    differing = found.options(declared.get("watermark", "updated_at"))
    fresh = {contract.name for contract in found.contracts if contract.path in new}
    return {name: options for name, options in differing.items() if name in fresh and name not in said}


def _refuse_another(path: Path, found: Discovered) -> None:
    if not path.exists():
        return
    declared = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    attributes = declared.get("attributes") or {}
    said = (declared.get("type"), attributes.get("source"), attributes.get("db_schema", "public"))
    if said != (COMPONENT, found.source, found.schema):
        raise DeclaredOtherwise(
            f"{path} declares something else than the tables of {found.schema} under the name {found.source}. Nothing "
            "was written. Give the source another name with --name, or its folder another place with --output."
        )


def source_yaml(found: Discovered, url_variable: str) -> str:
    """The `defs.yaml` of what was discovered."""
    attributes: dict[str, Any] = {
        "source": found.source,
        "url_variable": url_variable,
        "db_schema": found.schema,
    }
    if found.watermark:
        attributes["watermark"] = found.watermark
    differing = found.options(found.watermark)
    if differing:
        attributes["tables"] = differing
    return declaration(f"The tables of {found.schema}, as `dataeng discover` found them; yours to change.", attributes)


def declaration(title: str, attributes: Mapping[str, Any]) -> str:
    """A `defs.yaml` with its reasons as comments."""
    lines = yaml_text({"type": COMPONENT, "attributes": dict(attributes)}).splitlines()
    said = [f"# {title}"]
    for line in lines:
        reason = _REASONS.get(line.strip().partition(":")[0]) if line.startswith("  ") and line[2] != " " else None
        said += [f"  # {reason}", line] if reason else [line]
    return "\n".join(said) + "\n"
