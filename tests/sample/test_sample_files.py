"""`dataeng sample files`: what it writes, what it leaves alone, and that the examples run on it."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.sample.files import QUERY, RULES, SALES, Written, write_files

TODAY = date(2026, 11, 22)


def fates(folder: Path, today: date = TODAY) -> list[Written]:
    return [file.written for file in write_files(folder, today=today)]


def test_the_same_day_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        assert fates(tmp_path / name) == [Written.NEW] * 3
    for path in (SALES, RULES, QUERY):
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "other" / path).read_bytes()


def test_a_second_call_writes_nothing(tmp_path: Path) -> None:
    fates(tmp_path)
    assert fates(tmp_path) == [Written.SAME] * 3


def test_sales_of_an_earlier_day_are_written_anew_and_nothing_else(tmp_path: Path) -> None:
    fates(tmp_path)
    before = (tmp_path / SALES).read_bytes()
    assert fates(tmp_path, TODAY + timedelta(days=1)) == [Written.RENEWED, Written.SAME, Written.SAME]
    assert (tmp_path / SALES).read_bytes() != before


@pytest.mark.parametrize("path", [SALES, RULES, QUERY])
def test_an_edited_file_is_left_as_it_is(path: Path, tmp_path: Path) -> None:
    fates(tmp_path)
    (tmp_path / path).write_text("mine")
    assert fates(tmp_path, TODAY + timedelta(days=1)).count(Written.EDITED) == 1
    assert (tmp_path / path).read_text() == "mine"


def test_the_first_example_holds_on_the_day_the_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    told = runner.invoke(app, ["sample", "files"])
    assert told.output.splitlines() == [f"{path}: written" for path in (SALES, RULES, QUERY)]
    judged = runner.invoke(
        app, f"validate --input {SALES} --schema {RULES} --checks freshness,completeness,uniqueness".split()
    )
    assert judged.exit_code == 0, judged.output
