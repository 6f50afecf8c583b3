"""Whether a new version of a schema may be registered, and registering it: the same for every registry.

The comparison itself is the contracts' own. A registry may have a check of its own too; it can only refuse more.
"""

from pathlib import Path

from dataeng_assets.contracts.compatibility.json_schema.compare import Reading
from dataeng_assets.contracts.compatibility.languages import Source, compare_documents
from dataeng_assets.contracts.compatibility.verdict import Mode, Verdict
from dataeng_assets.kafka.registry.errors import SchemaIncompatible
from dataeng_assets.kafka.registry.references import used_by, whole_text
from dataeng_assets.kafka.registry.repository import ENDINGS
from dataeng_assets.kafka.registry.schemas import Compatibility, RegisteredSchema, Schema, SchemaStore


def check(
    registry: SchemaStore,
    subject: str,
    schema: Schema,
    *,
    compatibility: Compatibility | None = None,
    reading: Reading = Reading.STRICT,
) -> Verdict:
    """Compare a schema with the versions that a subject has.

    Args:
        registry: where they are.
        subject: the subject; a new one has nothing to be compared with.
        schema: the new version.
        compatibility: what is promised; what the registry says of the subject when None.
        reading: how open content of a JSON Schema is read.

    Returns:
        All changes, and whether the promise allows them. Where nothing is promised there are none, but the schema has
        been read.

    Raises:
        ContractError: one of them cannot be read, or they are not written in the same language.
        KafkaProblem: the registry does not answer, or a reference leads nowhere.
    """
    return _compared(registry, subject, schema, registry.versions(subject), compatibility, reading)


def check_newest(
    registry: SchemaStore,
    subject: str,
    *,
    compatibility: Compatibility | None = None,
    reading: Reading = Reading.STRICT,
) -> Verdict:
    """Compare the newest version of a subject with those before it: somebody may have written it as a file by hand.

    Arguments, result and errors are those of `check`.
    """
    *before, newest = registry.versions(subject)
    schema = registry.version(subject, newest).schema
    return _compared(registry, subject, schema, tuple(before), compatibility, reading)


def _compared(
    registry: SchemaStore,
    subject: str,
    schema: Schema,
    before: tuple[int, ...],
    compatibility: Compatibility | None,
    reading: Reading,
) -> Verdict:
    mode = (compatibility or registry.compatibility(subject)).mode
    against = compared_versions(before, mode)
    earlier = [_source(registry, registry.version(subject, one).schema, f"{subject}/{one}") for one in against]
    new = _source(registry, schema, f"{subject}/{max(before, default=0) + 1}")
    return compare_documents(earlier, new, mode=mode or Mode.BACKWARD, reading=reading)


def compared_versions(versions: tuple[int, ...], mode: Mode | None) -> tuple[int, ...]:
    """The versions that a new one is compared with: all, the last, or none where nothing is promised."""
    if mode is None:
        return ()
    return versions if mode.is_transitive else versions[-1:]


def register(
    registry: SchemaStore,
    subject: str,
    schema: Schema,
    *,
    compatibility: Compatibility | None = None,
    reading: Reading = Reading.STRICT,
) -> RegisteredSchema:
    """Make a schema the newest version of a subject, if it keeps what the subject promises.

    One that the subject has already keeps its number, and nothing is written.

    Raises:
        SchemaIncompatible: it breaks the promise; holds every finding. Nothing was registered.
        ContractError: it cannot be read, or is written in another language than the versions before it.
        KafkaProblem: the registry does not answer, or would not have it.
    """
    for version in reversed(registry.versions(subject)):
        known = registry.version(subject, version)
        if known.schema == schema:
            return known
    verdict = check(registry, subject, schema, compatibility=compatibility, reading=reading)
    if not verdict.compatible:
        raise SchemaIncompatible(subject, verdict.mode, verdict.breaking)
    return registry.add(subject, schema)


def _source(registry: SchemaStore, schema: Schema, name: str) -> Source:
    """A schema as the comparison takes it, with what it uses."""
    used = used_by(registry, schema)
    text = whole_text(schema, used)
    given = {name: one.text.encode() for name, one in used.items()}
    return Source(Path(f"{name}{ENDINGS[schema.kind]}"), text.encode(), given)
