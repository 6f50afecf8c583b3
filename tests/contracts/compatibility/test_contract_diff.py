"""`dataeng contract diff`: which versions are compared, what is printed, and that 0, 1 and 2 never mix."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from repository import Repository
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.contracts.compatibility.diff import Asked, diff_against_revision
from dataeng_assets.contracts.compatibility.git import find_revision, history
from dataeng_assets.contracts.compatibility.languages import MAX_BYTES
from dataeng_assets.contracts.compatibility.verdict import Mode


def avro(*fields: str, defaults: bool = False) -> str:
    """A record of ints."""
    default = {"default": 0} if defaults else {}
    named = [{"name": name, "type": "int", **default} for name in fields]
    return json.dumps({"type": "record", "name": "Order", "fields": named})


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["contract", "diff", *arguments])


def test_a_change_that_breaks_nobody_ends_with_0_and_says_so(repository: Repository) -> None:
    repository.write("old.avsc", avro("a"))
    repository.write("new.avsc", avro())
    shown = run("old.avsc", "new.avsc")
    assert shown.exit_code == 0
    assert shown.output.splitlines()[-1].startswith("compatible (BACKWARD): 1 change in 1 contract")


def test_a_change_that_breaks_somebody_ends_with_1_and_says_how_to_do_it_safely(repository: Repository) -> None:
    repository.write("old.avsc", avro())
    repository.write("new.avsc", avro("a"))
    shown = run("old.avsc", "new.avsc")
    assert shown.exit_code == 1
    assert "Order.a" in shown.output
    assert "default" in shown.output
    assert shown.output.splitlines()[-1] == "breaking (BACKWARD): 1 of 1 change in 1 contract"


@pytest.mark.parametrize(("mode", "code"), [("BACKWARD", 0), ("FORWARD", 1), ("FULL", 1)])
def test_the_mode_decides(repository: Repository, mode: str, code: int) -> None:
    repository.write("old.avsc", avro("a"))
    repository.write("new.avsc", avro())
    assert run("old.avsc", "new.avsc", "--mode", mode).exit_code == code


def test_what_is_here_is_compared_with_what_was_committed(repository: Repository) -> None:
    repository.write("schemas/order.avsc", avro("a"))
    repository.commit()
    assert run("schemas/order.avsc", "--against", "git:main").exit_code == 0
    repository.write("schemas/order.avsc", avro("a", "b"))
    assert run("schemas/order.avsc", "--against", "git:HEAD").exit_code == 1
    assert run("schemas", "--against", "git:main").exit_code == 1
    assert run(".", "--against", "git:main").exit_code == 1


def test_a_folder_below_the_working_folder_of_another_repository_is_found(
    repository: Repository, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other")
    other.write("order.avsc", avro("a"))
    other.commit()
    other.write("order.avsc", avro("b"))
    assert run(str(other.root / "order.avsc"), "--against", "git:main").exit_code == 1


def test_a_removed_contract_breaks_everybody_and_a_new_one_nobody(repository: Repository) -> None:
    old = repository.write("schemas/order.avsc", avro("a"))
    repository.commit()
    repository.write("schemas/refund.avsc", avro("a"))
    added = run("schemas", "--against", "git:main", "--format", "json")
    assert added.exit_code == 0
    assert "contract_added" in added.output
    old.unlink()
    for gone in ("schemas", "schemas/order.avsc"):
        shown = run(gone, "--against", "git:main", "--format", "json")
        assert shown.exit_code == 1
        assert "contract_removed" in shown.output


def test_a_new_contract_that_is_broken_is_not_taken_for_a_good_one(repository: Repository) -> None:
    repository.commit()
    repository.write("schemas/refund.avsc", '{"type": "recor"}')
    assert run("schemas", "--against", "git:main").exit_code == 2


def test_what_git_ignores_and_what_is_no_contract_is_left_alone(repository: Repository) -> None:
    repository.write(".gitignore", "build/\n")
    repository.write("order.avsc", avro("a"))
    repository.write("defs.yaml", "type: [not, a, contract\n")
    repository.write("settings.json", "{")
    repository.commit()
    repository.write("build/copy.avsc", "{")
    assert run(".", "--against", "git:main").exit_code == 0


def test_a_renamed_contract_is_compared_with_what_it_was(repository: Repository) -> None:
    repository.write("purchase.avsc", avro("a", "b", "c"))
    repository.commit()
    repository.git("mv", "purchase.avsc", "order.avsc")
    repository.commit()
    repository.write("order.avsc", avro("a", "b", "c", "d"))
    shown = run("order.avsc", "--against", "git:HEAD~1", "--format", "json")
    assert shown.exit_code == 1
    assert json.loads(shown.output)["contracts"][0]["against"][0].endswith(":purchase.avsc")


def test_a_transitive_mode_looks_at_every_version_since(repository: Repository) -> None:
    first = avro("a", "b", "c", "d")
    repository.write("purchase.avsc", first)
    repository.commit()
    repository.git("tag", "v1")
    repository.git("mv", "purchase.avsc", "order.avsc")
    repository.commit()
    repository.write("order.avsc", avro("a", "b", "c"))
    repository.commit()
    # d comes back as another type, which the last version cannot know
    repository.write("order.avsc", first.replace('"d", "type": "int"', '"d", "type": "string", "default": ""'))
    assert run("order.avsc", "--against", "git:HEAD").exit_code == 0
    assert run("order.avsc", "--against", "git:v1", "--mode", "BACKWARD_TRANSITIVE").exit_code == 1
    revision = find_revision("v1", repository.root)
    names = [str(path) for _, path in history(revision, Path("order.avsc"))]
    assert names == ["purchase.avsc", "order.avsc", "order.avsc"]


def test_several_earlier_versions_are_all_compared(repository: Repository) -> None:
    repository.write("v1.avsc", avro("a"))
    repository.write("v2.avsc", avro())
    repository.write("v3.avsc", avro("a").replace('"int"', '"string", "default": ""'))
    assert run("v2.avsc", "v3.avsc").exit_code == 0
    assert run("v1.avsc", "v2.avsc", "v3.avsc", "--mode", "BACKWARD_TRANSITIVE").exit_code == 1
    assert run("v1.avsc", "v2.avsc", "v3.avsc").exit_code == 1
    refused = run("v1.avsc", "v2.avsc", "v3.avsc", "--mode", "BACKWARD")
    assert (refused.exit_code, "BACKWARD_TRANSITIVE" in refused.output) == (2, True)


def test_two_folders_are_compared_file_by_file(repository: Repository) -> None:
    repository.write("old/a.avsc", avro("x"))
    repository.write("old/inner/b.avsc", avro("x"))
    repository.write("new/a.avsc", avro("x"))
    repository.write("new/inner/b.avsc", avro("y"))
    repository.write("new/c.avsc", avro("y"))
    found = json.loads(run("old", "new", "--format", "json").output)
    assert {one["path"]: one["compatible"] for one in found["contracts"]} == {
        "a.avsc": True, "inner/b.avsc": False, "new/c.avsc": True,
    }  # fmt: skip


def test_files_of_a_folder_may_import_one_another_at_each_version(repository: Repository) -> None:
    repository.write("proto/shop/money.proto", 'syntax = "proto3"; package shop; message Money { int64 cents = 1; }')
    repository.write(
        "proto/shop/order.proto",
        'syntax = "proto3"; package shop; import "shop/money.proto"; message Order { Money price = 1; }',
    )
    repository.commit()
    assert run("proto", "--against", "git:main").exit_code == 0
    repository.write("proto/shop/money.proto", 'syntax = "proto3"; package shop; message Money { int32 cents = 1; }')
    assert run("proto", "--against", "git:main").exit_code == 1
    alone = run("proto/shop/order.proto", "--against", "git:main")
    assert (alone.exit_code, "shop/money.proto" in alone.output) == (2, True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("new.avsc", b"{", "JSON"),
        ("new.avsc", b"\xff\xfe{", "not UTF-8"),
        ("new.avsc", b'{"type": "record", "type": "enum"}', "second time"),
        ("new.avsc", b"[" * 100_000 + b"]" * 100_000, "nest"),
        ("new.json", b"[" * 100_000 + b"]" * 100_000, "nest"),
        ("new.avsc", b" " * (MAX_BYTES + 1), "at most"),
        ("new.avsc", b'"strin"', "string"),
        ("new.json", b'{"type": "object"}', "like with like"),
        ("new.txt", b"a", ".avsc"),
        ("new.json", b'{"kind": "DataContract"}', "like with like"),
        ("new.proto", b'syntax = "proto3";', "like with like"),
        ("new.avsc", None, "No such file"),
    ],
)
def test_what_cannot_be_read_ends_with_2_and_a_message(
    repository: Repository, name: str, content: bytes | None, said: str
) -> None:
    repository.write("old.avsc", avro())
    if content is not None:
        (repository.root / name).write_bytes(content)
    shown = run("old.avsc", name)
    assert shown.exit_code == 2
    assert said in shown.output
    assert "Traceback" not in shown.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["order.avsc", "--against", "git:nowhere"], "no revision 'nowhere'"),
        (["order.avsc", "--against", "git:--output=x"], "is no revision"),
        (["order.avsc", "--against", "git:"], "git:main"),
        (["order.avsc", "--against", "svn:trunk"], "git:main"),
        (["order.avsc", "order.avsc", "--against", "git:main"], "give one file"),
        (["missing.avsc", "--against", "git:main"], "no contract at missing.avsc"),
        (["empty", "--against", "git:main"], "no contract at empty"),
        (["empty", "order.avsc"], "empty cannot be read"),
        (["order.avsc", "empty"], "is a folder"),
        (["empty", "empty"], "no contract in"),
        (["order.avsc"], "one version only"),
        (["/", "--against", "git:main"], "git"),
    ],
)
def test_what_cannot_be_found_ends_with_2_and_a_message(
    repository: Repository, arguments: list[str], said: str
) -> None:
    repository.write("order.avsc", avro("a"))
    repository.commit()
    (repository.root / "empty").mkdir()
    shown = run(*arguments)
    assert shown.exit_code == 2
    assert said in shown.output
    assert not (repository.root / "x").exists()


def test_where_there_is_no_git_the_message_says_so(repository: Repository) -> None:
    repository.write("order.avsc", avro("a"))
    command = "from dataeng_assets.cli import app; app(['contract', 'diff', 'order.avsc', '--against', 'git:main'])"
    environment = {**os.environ, "PATH": str(repository.root)}
    done = subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True, text=True)
    assert (done.returncode, "git is not installed" in done.stderr) == (2, True)


def test_names_from_a_file_cannot_draw_on_the_terminal_nor_write_html(repository: Repository) -> None:
    def schema(kind: str) -> dict[str, Any]:
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {NASTY: {"type": kind}}}

    repository.write("old.json", json.dumps(schema("string")))
    repository.write("new.json", json.dumps(schema("integer")))
    for form in ("text", "markdown"):
        shown = run("old.json", "new.json", "--format", form)
        assert shown.exit_code == 1
        assert "\x1b" not in shown.output
    assert "<script>" not in shown.output


NASTY = "a\x1b[31m|<script>[red]"


def test_a_file_whose_name_is_no_text_is_compared_like_any_other(repository: Repository) -> None:
    path = os.fsencode(repository.root) + b"/caf\xe9 *.avsc"
    Path(os.fsdecode(path)).write_text(avro("a"))
    repository.commit()
    Path(os.fsdecode(path)).write_text(avro("a", "b"))
    for form in ("text", "json", "markdown"):
        shown = run(".", "--against", "git:main", "--format", form)
        assert (shown.exit_code, "caf" in shown.output) == (1, True)


def test_contracts_without_a_change_stand_in_one_line(repository: Repository) -> None:
    for name in "abc":
        repository.write(f"{name}.avsc", avro("a"))
    repository.commit()
    for form in ("text", "markdown"):
        assert "a.avsc, b.avsc, c.avsc" in run(".", "--against", "git:main", "--format", form).output


def test_a_remote_reference_is_refused(repository: Repository) -> None:
    for name in ("old", "new"):
        repository.write(f"{name}.json", json.dumps({"$ref": f"https://example.org/{name}.json"}))
    shown = run("old.json", "new.json")
    assert (shown.exit_code, "example.org" in shown.output) == (2, True)


def test_the_result_for_machines_has_every_change(repository: Repository) -> None:
    repository.write("old.avsc", avro("a"))
    repository.write("new.avsc", avro("b"))
    found = json.loads(run("old.avsc", "new.avsc", "--format", "json").output)
    (contract,) = found["contracts"]
    assert (found["compatible"], contract["language"], contract["mode"]) == (False, "Avro", "BACKWARD")
    forbidden = {change["place"]: (change["kind"], change["forbidden"]) for change in contract["changes"]}
    assert forbidden == {"Order.b": ("field_added", True), "Order.a": ("field_removed", False)}


def odcs(version: str, *columns: str, more: str = "") -> str:
    """A contract of integers, with somebody who relies on it."""
    listed = "".join(
        f"\n      - {{name: {name}, logicalType: integer, description: number {name}}}" for name in columns
    )
    return f"""
apiVersion: v3.2.0
kind: DataContract
id: shop.orders
version: {version}
customProperties:
  - property: consumers
    value: [{{name: finance, columns: [amount]}}]
schema:
  - name: orders
    properties:{listed or " []"}
{more}"""


def test_a_contract_names_the_consumers_whom_a_change_concerns(repository: Repository) -> None:
    path = repository.write("defs/orders.yaml", odcs("1.0.0", "id", "amount"))
    repository.commit()
    repository.write("defs/orders.yaml", odcs("1.0.0", "id"))
    shown = run("defs", "--against", "git:main")
    assert shown.exit_code == 1
    assert shown.output.splitlines()[-1] == "breaking (FULL): 1 of 2 changes in 1 contract; concerned: finance"
    assert "2.0.0" in shown.output
    path.unlink()
    gone = json.loads(run("defs", "--against", "git:main", "--format", "json").output)
    assert gone["contracts"][0]["changes"][0]["affected"] == ["finance"]


@pytest.mark.parametrize(
    "more",
    [
        "tags: !!python/object/apply:os.mkdir [here]",
        "tags: &a [x, x]\nservers: [*a, *a]",
        "tags: [" * 20_000,
        "stauts: active",
        "id: again",
        "tags: [\x07]",
    ],
)
def test_a_contract_with_tags_bombs_or_unknown_keys_ends_with_2(repository: Repository, more: str) -> None:
    repository.write("old.yaml", odcs("1.0.0", "id"))
    repository.write("new.yaml", odcs("1.0.0", "id", more=more))
    for pair in (("old.yaml", "new.yaml"), ("new.yaml", "old.yaml")):
        shown = run(*pair)
        assert shown.exit_code == 2
        assert "new.yaml" in shown.output
    assert not (repository.root / "here").exists()


def test_a_mode_that_nobody_named_is_the_languages_own(repository: Repository) -> None:
    repository.write("order.avsc", avro("a"))
    repository.commit()
    (one,) = diff_against_revision("main", repository.root, Asked()).files
    assert one.verdict.mode is Mode.BACKWARD
