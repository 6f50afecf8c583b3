"""What `dataeng generate` promises of its files holds for each combination that the matrix has, whichever it is."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from every_combination import COMBINATIONS, MARK, Made, Workshop, called, options, workshop
from ruff.__main__ import find_ruff_bin
from yamllint import linter
from yamllint.config import YamlLintConfig

from dataeng_assets.generate.matrix import Combination
from dataeng_assets.generate.request import Kind, Tier
from dataeng_assets.generate.written import RECORD
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.settings import ROOT
from dataeng_assets.testing.servers import new_database

pytestmark = pytest.mark.server
WRITTEN = (Tier.REVIEWED, Tier.OFFLINE)
PLACES = {str(ROOT), str(Path.home()), sys.prefix}
"""What no file may name, beside its own folder: it is true on this machine alone."""

each = pytest.mark.parametrize(
    ("kind", "combination"),
    COMBINATIONS,
    ids=[f"{kind}-{one.source}-{one.destination}-{one.mode}" for kind, one in COMBINATIONS],
)


@pytest.fixture(scope="module")
def shop(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with new_database(postgres_server) as url, workshop(url, tmp_path_factory.mktemp("every")) as found:
        yield found


def written(shop: Workshop, kind: Kind, combination: Combination) -> list[Made]:
    made = [shop.made(kind, combination, tier) for tier in WRITTEN]
    assert [one.code for one in made] == [0, 0], [one.printed for one in made]
    return made


@each
def test_no_secret_stands_in_a_file_or_is_printed(shop: Workshop, kind: Kind, combination: Combination) -> None:
    shown = called(shop.folder / "nothing", *options(kind, combination, Tier.DEPLOYS), "--diff")
    assert shown.code == 0, shown.printed
    assert len(shown.printed) > 1000
    assert MARK not in shown.printed
    for made in written(shop, kind, combination):
        assert MARK not in made.printed
        assert RECORD in made.files
        assert [name for name, text in made.files.items() if MARK in text] == []


@each
def test_the_same_call_again_changes_nothing(shop: Workshop, kind: Kind, combination: Combination) -> None:
    made = shop.made(kind, combination, Tier.REVIEWED)
    before = made.files
    again = called(made.folder, *options(kind, combination, Tier.REVIEWED))
    assert again.code == 0, again.printed
    assert "Nothing to change" in again.printed
    assert made.files == before


@each
def test_each_file_is_what_its_name_says(shop: Workshop, kind: Kind, combination: Combination) -> None:
    for made in written(shop, kind, combination):
        assert str(shop.folder) not in "".join(made.files.values())
        assert {name: found for name, text in made.files.items() if (found := faults(Path(name).suffix, text))} == {}


@cache  # many combinations share a file
def faults(suffix: str, text: str) -> list[str]:
    """What is wrong with a file whose name ends so."""
    found = [f"names {place}" for place in PLACES if place in text]
    if not text.endswith("\n"):
        found.append("its last line does not end")
    try:
        if suffix in (".yaml", ".yml"):
            found += map(str, linter.run(text, YamlLintConfig(file=str(ROOT / ".yamllint"))))
        elif suffix == ".json":
            json.loads(text)
        elif suffix == ".py":
            compile(text, suffix, "exec")
        elif suffix == ".sh":
            subprocess.run(["bash", "-n"], input=text, text=True, check=True, capture_output=True)
    except (ValueError, SyntaxError, subprocess.CalledProcessError) as error:
        found.append(repr(error))
    return found


@pytest.mark.parametrize(
    ("suffix", "text"),
    [(".yaml", "a:  1\n"), (".json", "{,}\n"), (".py", "def\n"), (".sh", "if\n"), (".md", "x"), (".md", f"{ROOT}\n")],
)
def test_a_file_with_a_fault_is_found(suffix: str, text: str) -> None:
    assert len(faults(suffix, text)) == 1


@pytest.mark.parametrize(
    "command",
    [("format", "--diff"), ("check", "--no-cache", "--select", "E,F,W,I,B,UP,ARG,AIR", "--output-format", "concise")],
    ids=["formatted", "linted"],
)
def test_a_linter_finds_nothing_in_any_program(shop: Workshop, command: tuple[str, ...]) -> None:
    programs = [
        path
        for kind, combination in COMBINATIONS
        for made in written(shop, kind, combination)
        for path in made.folder.rglob("*.py")
    ]
    assert programs
    done = subprocess.run(
        [find_ruff_bin(), *command, "--isolated", "--line-length", "120", shop.folder],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
