"""Schemas as files beside the contract: `schemas/<subject>/<version>.avsc`, `.proto` or `.json`.

Git keeps them, and a change of theirs is looked at like any other. What a schema uses stands beside it in
`<version>.references.json`, and what the subject promises in a file `compatibility`, which holds one word. A schema's
number follows from what it says, so that it is the same in every branch and for everybody who has the files.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote
from uuid import UUID

from dataeng_assets.kafka.registry.errors import RegistryRefused, SchemaUnknown
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, Reference, RegisteredSchema, Schema

ENDINGS = {Kind.AVRO: ".avsc", Kind.PROTOBUF: ".proto", Kind.JSON: ".json"}
"""Of the file that holds a schema, by its language."""

_KINDS = {ending: kind for kind, ending in ENDINGS.items()}
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_LEVEL = "compatibility"
_LONGEST_NAME = 200


class RepositoryRegistry:
    """The schemas of one folder. A file is read when it is asked for; numbers that were found are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_id: dict[int, RegisteredSchema] = {}

    def __repr__(self) -> str:
        return f"RepositoryRegistry({str(self._folder)!r})"

    def by_id(self, id: int | UUID) -> RegisteredSchema:  # noqa: A002  # what the registries call it
        """The schema that a record's number means; see `SchemaRegistry`."""
        if isinstance(id, UUID):
            raise SchemaUnknown(f"The schemas in {self._folder} have numbers; {id} is one of AWS Glue.")
        if id not in self._by_id:
            self._by_id = self._numbered()
        if id not in self._by_id:
            raise SchemaUnknown(
                f"No schema in {self._folder} has the number {id}. Nothing was committed. Numbers follow from what a "
                "schema says: `dataeng schemas list` shows them. Records that were written with another registry are "
                "read with that one; name its address in the topic's declaration."
            )
        return self._by_id[id]

    def version(self, subject: str, version: int) -> RegisteredSchema:
        """One version of a subject; see `SchemaRegistry`."""
        files = self._files(subject)
        if version not in files:
            known = ", ".join(map(str, files)) or "none"
            raise SchemaUnknown(
                f"There is no version {version} of {subject} in {self._folder}; there are: {known}. Nothing was read."
            )
        return self._read(files[version])

    def subjects(self) -> tuple[str, ...]:
        """The names of all subjects, in order."""
        if not self._folder.is_dir():
            return ()
        names = (unquote(path.name) for path in self._folder.iterdir() if path.is_dir())
        return tuple(sorted(name for name in names if self._files(name)))

    def versions(self, subject: str) -> tuple[int, ...]:
        """The versions of a subject, oldest first; none when there is no such subject."""
        return tuple(self._files(subject))

    def compatibility(self, subject: str) -> Compatibility:
        """What a subject promises: its own word, else that of the whole folder, else BACKWARD."""
        for file in (self._of(subject) / _LEVEL, self._folder / _LEVEL):
            if file.is_file():
                said = _text(file).strip()
                try:
                    return Compatibility(said)
                except ValueError:
                    known = ", ".join(Compatibility)
                    raise RegistryRefused(f"{file} says {said[:40]!r}. Write one of {known}.") from None
        return Compatibility.BACKWARD

    def add(self, subject: str, schema: Schema) -> RegisteredSchema:
        """Write a schema as the newest version of a subject; see `SchemaStore`."""
        files = self._files(subject)
        registered = _with_number(schema)
        for file in files.values():
            if self._read(file) == registered:
                return registered
        self._refuse_a_number_given_twice(registered)
        folder, number = self._of(subject), max(files, default=0) + 1
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f"{number}{ENDINGS[schema.kind]}"
        try:
            with new.open("x", encoding="utf-8", newline="\n") as opened:
                opened.write(registered.text)
        except FileExistsError:
            raise RegistryRefused(f"Somebody else has just written {new}. Nothing was registered. Try again.") from None
        if schema.references:
            listed = [{"name": one.name, "subject": one.subject, "version": one.version} for one in schema.references]
            _references_file(new).write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
        return registered

    def _numbered(self) -> dict[int, RegisteredSchema]:
        found: dict[int, RegisteredSchema] = {}
        for subject in self.subjects():
            for file in self._files(subject).values():
                registered = self._read(file)
                if found.setdefault(int(registered.id), registered) != registered:
                    raise _twice(file, registered)
        return found

    def _refuse_a_number_given_twice(self, registered: RegisteredSchema) -> None:
        if self._numbered().get(int(registered.id), registered) != registered:
            raise _twice(self._folder, registered)

    def _of(self, subject: str) -> Path:
        name = quote(subject, safe=" ")
        if not subject or subject.startswith(".") or len(name) > _LONGEST_NAME:
            raise RegistryRefused(
                f"{subject[:60]!r} is no subject: it names a folder, so it is not empty, not longer than "
                f"{_LONGEST_NAME} characters, and begins with no dot."
            )
        return self._folder / name

    def _files(self, subject: str) -> dict[int, Path]:
        """The file of each version, oldest first."""
        found: dict[int, Path] = {}
        for version, path in sorted(_versions_in(self._of(subject))):
            if version in found:
                raise RegistryRefused(f"{found[version]} and {path} are the same version. Keep one of them.")
            found[version] = path
        return found

    def _read(self, file: Path) -> RegisteredSchema:
        beside = _references_file(file)
        try:
            said = json.loads(_text(beside)) if beside.is_file() else []
            references = tuple(Reference(str(one["name"]), str(one["subject"]), int(one["version"])) for one in said)
        except (ValueError, KeyError, TypeError):
            raise RegistryRefused(
                f'{beside} cannot be used. Write [{{"name": ..., "subject": ..., "version": 1}}] as JSON.'
            ) from None
        return _with_number(Schema(_KINDS[file.suffix], _text(file), references))


def read_schema(file: Path, references: tuple[Reference, ...] = ()) -> Schema:
    """A file that may become a version; its ending tells the language.

    Raises:
        RegistryRefused: it is no text, or of another ending than `.avsc`, `.proto` and `.json`.
    """
    if file.suffix not in _KINDS:
        raise RegistryRefused(f"{file} is no schema by its ending. Name it {', '.join(_KINDS)} for what it is.")
    return Schema(_KINDS[file.suffix], _text(file), references)


def _versions_in(folder: Path) -> Iterator[tuple[int, Path]]:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.suffix in _KINDS and _VERSION.fullmatch(path.stem):
            yield int(path.stem), path


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")  # a line ends alike on every system, as git may change it
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryRefused(f"{file} cannot be read as UTF-8 ({error}). Nothing was read from it.") from None


def _references_file(schema: Path) -> Path:
    return schema.with_name(f"{schema.stem}.references.json")


def _with_number(schema: Schema) -> RegisteredSchema:
    """A schema with the number that follows from it: 31 bits, as the header of a record has room for."""
    text = schema.text.replace("\r\n", "\n").replace("\r", "\n")
    uses = [[one.name, one.subject, one.version] for one in schema.references]
    digest = hashlib.sha256(json.dumps([schema.kind, text, uses]).encode()).digest()
    return RegisteredSchema(int.from_bytes(digest[:4], "big") >> 1, schema.kind, text, schema.references)


def _twice(where: Path, registered: RegisteredSchema) -> RegistryRefused:
    return RegistryRefused(
        f"The number {registered.id} of {where} is that of another schema already, by an accident of one in two "
        "thousand million. Nothing was registered. Change the new schema's text a little, a blank is enough."
    )
