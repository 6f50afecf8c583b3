"""Schemas as files: what a person writes there, and what numbers they get."""

from pathlib import Path

import pytest

from dataeng_assets.kafka.registry.errors import RegistryRefused, SchemaIncompatible
from dataeng_assets.kafka.registry.register import register
from dataeng_assets.kafka.registry.repository import RepositoryRegistry
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, Reference, Schema

TEXT = '{"type": "record", "name": "Order", "fields": [\n{"name": "id", "type": "long"}]}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "schemas" / "orders-value").mkdir(parents=True)
    return tmp_path / "schemas"


def test_files_written_by_hand_are_versions(folder: Path) -> None:
    (folder / "orders-value" / "1.avsc").write_text(TEXT)
    (folder / "orders-value" / "2.avsc").write_text('"string"')
    (folder / "orders-value" / "10.avsc").write_text('"int"')
    (folder / "orders-value" / "README.md").write_text("why")
    registry = RepositoryRegistry(folder)
    assert registry.subjects() == ("orders-value",)
    assert registry.versions("orders-value") == (1, 2, 10)
    assert registry.version("orders-value", 10).text == '"int"'


def test_what_is_registered_is_a_file_that_git_can_keep(folder: Path) -> None:
    registry = RepositoryRegistry(folder)
    used = (Reference("money.proto", "money", 1),)
    registry.add("money", Schema(Kind.PROTOBUF, 'syntax = "proto3"; message Money {}'))
    registry.add("orders-value", Schema(Kind.PROTOBUF, 'syntax = "proto3"; import "money.proto";', used))
    written = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert written == ["money/1.proto", "orders-value/1.proto", "orders-value/1.references.json"]
    assert RepositoryRegistry(folder).version("orders-value", 1).references == used


def test_a_number_is_the_same_for_everybody_however_their_lines_end(folder: Path, tmp_path: Path) -> None:
    number = RepositoryRegistry(folder).add("orders-value", Schema(Kind.AVRO, TEXT)).id
    other = tmp_path / "other" / "another-subject"
    other.mkdir(parents=True)
    (other / "7.avsc").write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
    assert RepositoryRegistry(tmp_path / "other").version("another-subject", 7).id == number
    assert isinstance(number, int)
    assert 0 <= number < 2**31, "the header of a record has room for it"


def test_a_schema_that_appears_later_is_found(folder: Path) -> None:
    registry, other = RepositoryRegistry(folder), RepositoryRegistry(folder)
    registry.add("orders-value", Schema(Kind.AVRO, '"int"'))
    assert registry.by_id(registry.version("orders-value", 1).id).text == '"int"'
    later = other.add("orders-value", Schema(Kind.AVRO, '"long"'))
    assert registry.by_id(later.id) == later


def test_the_promise_is_a_word_in_a_file_of_the_subject_or_of_all(folder: Path) -> None:
    registry = RepositoryRegistry(folder)
    assert registry.compatibility("orders-value") is Compatibility.BACKWARD
    (folder / "compatibility").write_text("FORWARD\n")
    assert registry.compatibility("orders-value") is Compatibility.FORWARD
    (folder / "orders-value" / "compatibility").write_text("FULL_TRANSITIVE\n")
    assert registry.compatibility("orders-value") is Compatibility.FULL_TRANSITIVE
    register(registry, "orders-value", Schema(Kind.AVRO, '"int"'))
    with pytest.raises(SchemaIncompatible, match="FULL_TRANSITIVE"):
        register(registry, "orders-value", Schema(Kind.AVRO, '"long"'))
    (folder / "orders-value" / "compatibility").write_text("BACKWARDS")
    with pytest.raises(RegistryRefused, match="BACKWARDS"):
        registry.compatibility("orders-value")


def test_one_version_in_two_languages_is_refused(folder: Path) -> None:
    (folder / "orders-value" / "1.avsc").write_text('"int"')
    (folder / "orders-value" / "1.json").write_text("{}")
    with pytest.raises(RegistryRefused, match=r"1\.json"):
        RepositoryRegistry(folder).versions("orders-value")


@pytest.mark.parametrize("content", ["{", "[1]", '[{"name": "x"}]', "null"])
def test_references_that_cannot_be_used_are_named(folder: Path, content: str) -> None:
    (folder / "orders-value" / "1.avsc").write_text('"int"')
    (folder / "orders-value" / "1.references.json").write_text(content)
    with pytest.raises(RegistryRefused, match=r"1\.references\.json"):
        RepositoryRegistry(folder).version("orders-value", 1)


@pytest.mark.parametrize("subject", ["", ".", "..", ".git", "../outside", "a/../../b", "x\0y", "y" * 5000])
def test_no_subject_leads_out_of_the_folder(folder: Path, subject: str) -> None:
    registry = RepositoryRegistry(folder)
    try:
        registry.add(subject, Schema(Kind.AVRO, '"int"'))
    except RegistryRefused:
        return
    [written] = [path for path in folder.rglob("*") if path.is_file()]
    assert written.parent.parent == folder
    assert registry.subjects() == (subject,)
    assert [path.name for path in folder.parent.iterdir()] == ["schemas"]


def test_references_in_a_circle_come_to_an_end(folder: Path) -> None:
    registry = RepositoryRegistry(folder)
    registry.add("a", Schema(Kind.PROTOBUF, 'import "b";', (Reference("b", "b", 1),)))
    registry.add("b", Schema(Kind.PROTOBUF, 'import "a";', (Reference("a", "a", 1),)))
    with pytest.raises(RegistryRefused, match="no end"):
        register(registry, "c", Schema(Kind.PROTOBUF, 'import "a";', (Reference("a", "a", 1),)))


def test_a_text_with_other_line_ends_is_the_same_schema(folder: Path) -> None:
    registry = RepositoryRegistry(folder)
    written = registry.add("orders-value", Schema(Kind.AVRO, TEXT.replace("\n", "\r\n")))
    assert registry.version("orders-value", 1) == written == registry.add("orders-value", Schema(Kind.AVRO, TEXT))


def test_one_name_for_two_schemas_is_refused(folder: Path) -> None:
    registry = RepositoryRegistry(folder)
    registry.add("a", Schema(Kind.AVRO, '"int"'))
    registry.add("b", Schema(Kind.AVRO, '"long"'))
    with pytest.raises(RegistryRefused, match="means two schemas"):
        register(registry, "c", Schema(Kind.AVRO, '"x"', (Reference("x", "a", 1), Reference("x", "b", 1))))
