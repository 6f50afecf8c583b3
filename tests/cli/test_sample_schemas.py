"""`dataeng schemas` over a folder of schemas: what it prints, and how it ends."""

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dataeng_assets.cli import app

FIRST = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "long"}]}
NOTE = {"name": "note", "type": "string"}


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["schemas", *words], env={"COLUMNS": "200"})


@pytest.fixture
def schemas(tmp_path: Path) -> str:
    return str(tmp_path / "schemas")


def file(folder: Path, *fields: dict[str, object], name: str = "new.avsc") -> str:
    (folder / name).write_text(json.dumps({**FIRST, "fields": [*FIRST["fields"], *fields]}))
    return str(folder / name)


def test_a_version_is_registered_listed_and_shown(tmp_path: Path, schemas: str) -> None:
    registered = run("register", "orders-value", file(tmp_path), "--registry", schemas)
    assert registered.exit_code == 0, registered.output
    assert (tmp_path / "schemas" / "orders-value" / "1.avsc").exists()

    [row] = json.loads(run("list", "--registry", schemas, "--json").stdout)
    assert (row["subject"], row["versions"], row["kind"]) == ("orders-value", [1], "AVRO")
    assert str(row["id"]) in registered.output
    assert "orders-value" in run("list", "--registry", schemas).stdout
    shown = run("show", "orders-value", "--registry", schemas)
    assert json.loads(shown.stdout) == FIRST, "only the schema goes where a file would take it from"


def test_a_change_that_breaks_the_promise_ends_with_1_and_writes_nothing(tmp_path: Path, schemas: str) -> None:
    run("register", "orders-value", file(tmp_path), "--registry", schemas)
    breaking = file(tmp_path, NOTE)
    refused = run("register", "orders-value", breaking, "--registry", schemas)
    assert (refused.exit_code, "note" in refused.stderr) == (1, True)
    checked = run("check", "orders-value", breaking, "--registry", schemas, "--format", "json")
    assert checked.exit_code == 1
    [found] = json.loads(checked.stdout)["contracts"]
    assert (found["against"], found["mode"], found["compatible"]) == (["version 1"], "BACKWARD", False)
    assert run("check", "orders-value", breaking, "--registry", schemas, "--compatibility", "FORWARD").exit_code == 0
    assert run("check", "orders-value", breaking, "--registry", schemas, "--compatibility", "NONE").exit_code == 0
    assert [path.name for path in (tmp_path / "schemas").rglob("*.avsc")] == ["1.avsc"]


def test_a_version_that_was_written_by_hand_is_judged_in_ci(tmp_path: Path, schemas: str) -> None:
    for subject in ("orders-value", "returns-value"):
        run("register", subject, file(tmp_path), "--registry", schemas)
    assert run("check", "--registry", schemas).exit_code == 0
    file(tmp_path / "schemas" / "orders-value", NOTE, name="2.avsc")
    judged = run("check", "--registry", schemas, "--format", "json")
    assert judged.exit_code == 1
    found = {one["path"]: one["compatible"] for one in json.loads(judged.stdout)["contracts"]}
    assert found == {"orders-value": False, "returns-value": True}
    assert run("check", "returns-value", "--registry", schemas).exit_code == 0
    (tmp_path / "schemas" / "orders-value" / "compatibility").write_text("FORWARD")
    assert run("check", "--registry", schemas).exit_code == 0


def test_what_cannot_be_decided_ends_with_2(tmp_path: Path, schemas: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAENG_ENV", "prod")
    monkeypatch.setenv("DATAENG_REGISTRY_URL", "")
    monkeypatch.setenv("DATAENG_STATE", str(tmp_path))
    run("register", "orders-value", file(tmp_path), "--registry", schemas)
    (tmp_path / "other.proto").write_text('syntax = "proto3"; message A {}')
    (tmp_path / "notes.txt").write_text("x")
    undecided = {
        "Protobuf": ("check", "orders-value", str(tmp_path / "other.proto"), "--registry", schemas),
        "notes.txt": ("check", "orders-value", str(tmp_path / "notes.txt"), "--registry", schemas),
        "no subject nothing": ("show", "nothing", "--registry", schemas),
        "no subject nowhere": ("check", "nowhere", "--registry", schemas),
        "no version 9": ("show", "orders-value", "--version", "9", "--registry", schemas),
        "use https": ("list", "--registry", "http://registry.example"),
        "holds no user": ("list", "--registry", "https://me:secret@registry.example"),
        "--stream, an address": ("list",),
        "'nobody'": ("list", "--stream", "nobody"),
        "NAME=SUBJECT:VERSION": ("check", "s", file(tmp_path), "--reference", "x", "--registry", schemas),
    }
    for told, words in undecided.items():
        ended = run(*words)
        assert ended.exit_code == 2, (words, ended.output)
        assert told in ended.stderr, (words, ended.stderr)
        assert "secret" not in ended.output


def test_a_reference_is_named_on_the_command_line(tmp_path: Path, schemas: str) -> None:
    (tmp_path / "money.proto").write_text('syntax = "proto3"; message Money { int64 cents = 1; }')
    (tmp_path / "order.proto").write_text('syntax = "proto3"; import "shop/m=1.proto"; message Order { Money a = 1; }')
    run("register", "money", str(tmp_path / "money.proto"), "--registry", schemas)
    order = ("order", str(tmp_path / "order.proto"), "--registry", schemas)
    assert run("register", *order).exit_code == 2
    assert run("register", *order, "--reference", "shop/m=1.proto=money:1").exit_code == 0
    shown = json.loads(run("show", "order", "--registry", schemas, "--json").stdout)
    assert shown["references"] == [{"name": "shop/m=1.proto", "subject": "money", "version": 1}]


def test_the_registry_of_a_stream_is_the_folder_beside_its_contracts(schemas: str) -> None:
    listed = run("list", "--stream", "user_events")
    assert (listed.exit_code, listed.stdout.strip()) == (0, "There are no schemas.")
