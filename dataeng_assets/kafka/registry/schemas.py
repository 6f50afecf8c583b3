"""What every schema registry gives, wherever it is: a schema by its number, and the versions of a subject.

Each registry has a module of its own. Whether a new version may be registered is decided in `register`, the same for
all of them; decoding records with a schema belongs in the streams.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from dataeng_assets.contracts.compatibility.verdict import Mode


class Kind(StrEnum):
    """The language of a schema, in the words of the Confluent registry."""

    AVRO = "AVRO"
    PROTOBUF = "PROTOBUF"
    JSON = "JSON"


class Compatibility(StrEnum):
    """What a subject promises those who read it, in the words of the Confluent registry."""

    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"
    NONE = "NONE"

    @property
    def mode(self) -> Mode | None:
        """What a change is compared for; None when nothing is promised."""
        return None if self is Compatibility.NONE else Mode(self.value)


@dataclass(frozen=True)
class Reference:
    """Another schema that a schema uses.

    Attributes:
        name: how the schema calls it: a full name in Avro, the path of an import in Protobuf, a URI in JSON Schema.
        subject: where it is registered.
        version: which of the versions there.
    """

    name: str
    subject: str
    version: int


@dataclass(frozen=True)
class Schema:
    """A schema as its author wrote it.

    Attributes:
        kind: its language.
        text: JSON of Avro or JSON Schema, or a `.proto` file.
        references: other schemas that it uses.
    """

    kind: Kind
    text: str
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class RegisteredSchema:
    """A schema that a registry has.

    Attributes:
        id: what a record that was written with it carries: a number, or the UUID of a version in AWS Glue.
        kind: its language.
        text: JSON of Avro or JSON Schema, or a `.proto` file.
        references: other schemas that it uses.
    """

    id: int | UUID
    kind: Kind
    text: str
    references: tuple[Reference, ...] = ()

    @property
    def schema(self) -> Schema:
        """The same without its number."""
        return Schema(self.kind, self.text, self.references)


class SchemaRegistry(Protocol):
    """What reading records takes. A schema never changes under its number, so every answer is kept."""

    def by_id(self, id: int | UUID) -> RegisteredSchema:  # noqa: A002  # what the registries call it
        """The schema that a record's number means.

        Raises:
            SchemaUnknown: there is none.
            RegistryUnreachable: no answer; trying again later is safe.
            RegistryRefused: we may not read it.
        """
        ...

    def version(self, subject: str, version: int) -> RegisteredSchema:
        """One version of a subject, counted from 1.

        Raises:
            SchemaUnknown: there is none.
            RegistryUnreachable: no answer; trying again later is safe.
            RegistryRefused: we may not read it.
        """
        ...


class SchemaStore(SchemaRegistry, Protocol):
    """What looking after schemas takes as well. Nothing here is kept: others register too."""

    def subjects(self) -> tuple[str, ...]:
        """The names of all subjects, in order."""
        ...

    def versions(self, subject: str) -> tuple[int, ...]:
        """The versions of a subject, oldest first; none when there is no such subject."""
        ...

    def compatibility(self, subject: str) -> Compatibility:
        """What a subject promises; BACKWARD where nobody said, or where a registry says NONE for nobody said."""
        ...

    def add(self, subject: str, schema: Schema) -> RegisteredSchema:
        """Make a schema the newest version of a subject; one that is there already keeps its number.

        It is not compared with those before it: `register` does that first.

        Raises:
            RegistryRefused: the registry would not have it.
        """
        ...
