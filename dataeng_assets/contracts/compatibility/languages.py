"""Which schema language a file is written in, reading it safely, and comparing versions in the same language.

Where versions come from belongs in `sources`, what a change breaks in the room of each language.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from dataeng_assets.contracts.compatibility.avro.compare import compare_avro_schemas
from dataeng_assets.contracts.compatibility.avro.document import read_schema
from dataeng_assets.contracts.compatibility.json_schema.compare import Reading, compare_json_schemas
from dataeng_assets.contracts.compatibility.json_schema.document import SchemaRefused
from dataeng_assets.contracts.compatibility.odcs.compare import compare_contracts, consumer_names
from dataeng_assets.contracts.compatibility.protobuf.compare import compare_protobuf_files
from dataeng_assets.contracts.compatibility.protobuf.document import read_protobuf
from dataeng_assets.contracts.compatibility.verdict import Change, Mode, Verdict, judge
from dataeng_assets.contracts.document import read_document
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.plain import each_once

MAX_BYTES = 10_000_000
"""A larger file is no schema that a person wrote, and not read."""

ENDINGS = frozenset((".avsc", ".json", ".proto", ".yaml", ".yml"))
"""Of files that may be contracts."""

_IS_ODCS = re.compile(rb"""\bkind["']?\s*:\s*["']?DataContract\b""")
_IS_JSON_SCHEMA = re.compile(rb'"\$schema"\s*:\s*"https?://json-schema\.org')


class Language(StrEnum):
    """A language that contracts are written in."""

    ODCS = "ODCS"
    JSON_SCHEMA = "JSON Schema"
    AVRO = "Avro"
    PROTOBUF = "Protobuf"

    @property
    def default_mode(self) -> Mode:
        """What is promised where nobody said.

        A contract is kept towards those who rely on the old one as well; for the languages of streams it is what the
        Confluent schema registry promises.
        """
        return Mode.FULL if self is Language.ODCS else Mode.BACKWARD


@dataclass(frozen=True)
class Source:
    """One version of a file.

    Attributes:
        path: where it stands; names it in messages, and its ending tells the language.
        data: what stands in it.
        given: files that it may import, by the path that an import would name.
    """

    path: Path
    data: bytes
    given: Mapping[str, bytes] = field(default_factory=dict)


def is_contract(path: PurePosixPath, data: bytes) -> bool:
    """Whether a file found in a folder is a contract: by its ending, or by what it says of itself."""
    if path.suffix in (".avsc", ".proto"):
        return True
    if path.suffix in (".yaml", ".yml"):
        return bool(_IS_ODCS.search(data))
    return path.suffix == ".json" and bool(_IS_ODCS.search(data) or _IS_JSON_SCHEMA.search(data))


def compare_documents(earlier: Sequence[Source], new: Source, *, mode: Mode | None, reading: Reading) -> Verdict:
    """Compare a new version of a file with those before it.

    Args:
        earlier: versions before the new one, oldest first.
        new: the new version.
        mode: what is promised; the language's own when it is None.
        reading: how open content of a JSON Schema is read.

    Raises:
        ContractError: a version cannot be read, or they are not all written in the same language.
    """
    language = language_of(new)
    for source in earlier:
        if language_of(source) is not language:
            raise ContractError(
                new.path, "", language, f"{language_of(source)}, as {source.path} is; compare like with like"
            )
    compare = _compare(language, reading)
    used = mode or language.default_mode
    try:
        documents = [(source.path, _read(language, source)) for source in (*earlier, new)]
        return judge(compare, documents[:-1], documents[-1], used)
    except RecursionError:
        raise _too_deep(new.path) from None


def language_of(source: Source) -> Language:
    """The language of a file.

    Raises:
        ContractError: it is none that is compared.
    """
    match source.path.suffix.lower():
        case ".avsc":
            return Language.AVRO
        case ".proto":
            return Language.PROTOBUF
        case ".yaml" | ".yml":
            return Language.ODCS
        case ".json":
            return _language_of_json(source)
    raise ContractError(source.path, "", f"the ending {source.path.suffix!r}", ".yaml, .yml, .json, .avsc or .proto")


def _language_of_json(source: Source) -> Language:
    data = _read_json(source)
    if isinstance(data, dict) and data.get("kind") == "DataContract":
        return Language.ODCS
    is_avro = isinstance(data, list) or (isinstance(data, dict) and data.get("type") in ("record", "enum", "fixed"))
    return Language.AVRO if is_avro and "$schema" not in data else Language.JSON_SCHEMA


def _compare(language: Language, reading: Reading) -> Callable[[tuple[Path, Any], tuple[Path, Any]], Iterable[Change]]:
    def compare(old: tuple[Path, Any], new: tuple[Path, Any]) -> Iterable[Change]:
        if language is Language.ODCS:
            return compare_contracts(old[1], new[1])
        if language is Language.AVRO:
            return compare_avro_schemas(old[1], new[1])
        if language is Language.PROTOBUF:
            return compare_protobuf_files(old[1], new[1])
        try:
            return compare_json_schemas(old[1], new[1], reading=reading)
        except SchemaRefused as refused:
            paths = f"{old[0]} or {new[0]}"
            raise ContractError(new[0], refused.place, f"{refused.reason} ({paths})", refused.next_step) from None

    return compare


def consumers_in(source: Source) -> tuple[str, ...]:
    """Who relies on what a file says, as far as its language can tell.

    Raises:
        ContractError: it cannot be read.
    """
    if language_of(source) is Language.ODCS:
        return consumer_names(read_document(source.path, text_of(source)))
    return ()


def _read(language: Language, source: Source) -> Any:
    if language is Language.ODCS:
        return read_document(source.path, text_of(source))
    if language is Language.PROTOBUF:
        return read_protobuf(text_of(source), source.path, source.given)
    data = _read_json(source)
    return read_schema(data, source.path) if language is Language.AVRO else data


def _read_json(source: Source) -> Any:
    try:
        return json.loads(text_of(source), object_pairs_hook=partial(each_once, source.path))
    except json.JSONDecodeError as broken:
        raise ContractError(source.path, "", broken.msg, "JSON", broken.lineno) from None
    except RecursionError:
        raise _too_deep(source.path) from None


def text_of(source: Source) -> str:
    """What stands in a file.

    Raises:
        ContractError: it is too long, or not UTF-8.
    """
    if len(source.data) > MAX_BYTES:
        raise ContractError(source.path, "", f"{len(source.data):,} bytes", f"at most {MAX_BYTES:,}")
    try:
        return source.data.decode("utf-8-sig")
    except UnicodeDecodeError as broken:
        raise ContractError(source.path, "", f"a byte that is not UTF-8 at {broken.start}", "text in UTF-8") from None


def _too_deep(path: Path) -> ContractError:
    return ContractError(path, "", "nesting without end", "at most some hundred levels")
