"""What DuckDB's errors are told as when an input is scanned: each for what it is, without a value of the data."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import explain_failure, open_input


@pytest.fixture
def explained(tmp_path: Path) -> Callable[..., str]:
    """What is told of the error that a query on an input ends with; `{}` stands for the input."""
    source = tmp_path / "texts.csv"
    source.write_text("text,number\n" + "".join(f"secret {n},{n}\n" for n in range(300)))

    def run(query: str, *settings: str) -> str:
        with connect("40MB") as connection, open_input(str(source), connection) as opened:
            for setting in ("set threads = 1", *settings):
                connection.execute(setting)
            with pytest.raises(duckdb.Error) as error:
                connection.execute(query.format(opened.relation)).fetchall()
            return str(explain_failure(error.value, opened))

    return run


MANY = "(select a.text || b.text as text from {0} a, {0} b, range(20))"


def test_too_little_memory_is_not_called_damage(explained):
    told = explained(f"select list(text) from {MANY}")
    assert "more memory was needed" in told
    assert "--checks" in told


def test_a_full_disk_names_the_folder_and_how_to_use_another(explained):
    told = explained(f"select count(*) from (from {MANY} order by md5(text))", "set max_temp_directory_size = '1MB'")
    assert "became full" in told
    assert "TMPDIR" in told


def test_what_may_not_be_read_is_told_as_a_lack_of_permission(explained):
    assert "was not allowed to read" in explained("from '/nowhere.csv'", "set enable_external_access = false")


def test_a_value_of_another_type_is_told_without_the_value(explained):
    told = explained("select cast(text as integer) from {}")
    assert "did not fit the type" in told
    assert "secret" not in told


def test_a_file_that_is_gone_is_told_as_that(explained):
    assert "it lost one of its files" in explained("from '/nowhere.csv'")
