"""Files against a folder: what is ours is kept up to date, what a person wrote is theirs."""

import json
import resource
from pathlib import Path, PurePosixPath

import pytest

from dataeng_assets.generate.pipeline import Generated
from dataeng_assets.generate.request import RequestRefused
from dataeng_assets.generate.written import RECORD, State, compared, left_over, placed, write

MAIN = PurePosixPath("dags/extract_shop.py")


def generated(**texts: str) -> Generated:
    files = {PurePosixPath(name): text for name, text in {"dags/extract_shop.py": "dag\n", **texts}.items()}
    return Generated(MAIN, files)


def states(made: Generated, folder: Path, name: str = "extract_shop") -> dict[str, State]:
    return {file.path.relative_to(folder).as_posix(): file.state for file in compared(made, folder, name)}


def written(made: Generated, folder: Path, *overwrite: str, name: str = "extract_shop") -> list[str]:
    paths = [folder / one for one in overwrite]
    return [file.path.name for file in write(compared(made, folder, name), folder, name, overwrite=paths)]


def test_the_same_twice_changes_nothing(tmp_path: Path) -> None:
    made = generated(**{"README.md": "read\n"})
    assert written(made, tmp_path) == ["README.md", "extract_shop.py"]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert set(states(made, tmp_path).values()) == {State.SAME}
    assert written(made, tmp_path) == []
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_we_wrote_follows_its_input_and_shows_the_difference(tmp_path: Path) -> None:
    written(generated(**{"a.sql": "one\n"}), tmp_path)
    changed = generated(**{"a.sql": "two\n"})
    (file,) = (file for file in compared(changed, tmp_path, "extract_shop") if file.state is State.CHANGED)
    assert file.diff().splitlines()[-2:] == ["-one", "+two"]
    assert written(changed, tmp_path) == ["a.sql"]


def test_what_a_person_edited_stays_until_it_may_be_overwritten(tmp_path: Path) -> None:
    made = generated(**{"a.sql": "one\n"})
    written(made, tmp_path)
    (tmp_path / "a.sql").write_text("mine\n")
    assert states(made, tmp_path)["a.sql"] is State.KEPT  # nothing new for it
    newer = generated(**{"a.sql": "two\n"})
    assert states(newer, tmp_path)["a.sql"] is State.EDITED
    assert written(newer, tmp_path) == []
    assert (tmp_path / "a.sql").read_text() == "mine\n"
    assert written(newer, tmp_path, "a.sql") == ["a.sql"]
    assert states(newer, tmp_path)["a.sql"] is State.SAME


def test_a_file_that_was_there_before_is_a_persons(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine\n")
    made = generated(**{"README.md": "ours\n"})
    assert states(made, tmp_path)["README.md"] is State.EDITED
    assert written(made, tmp_path) == ["extract_shop.py"]
    assert (tmp_path / "README.md").read_text() == "mine\n"


def test_two_pipelines_in_one_folder_leave_each_others_files(tmp_path: Path) -> None:
    written(generated(**{"README.md": "of the first\n"}), tmp_path)
    second = Generated(PurePosixPath("b.py"), {PurePosixPath("b.py"): "b\n", PurePosixPath("README.md"): "second\n"})
    assert written(second, tmp_path, name="second") == ["b.py"]
    assert (tmp_path / "README.md").read_text() == "of the first\n"
    assert set(json.loads((tmp_path / RECORD).read_text())) == {"extract_shop", "second"}


def test_what_is_no_longer_generated_is_told_and_stays(tmp_path: Path) -> None:
    written(generated(**{"old.sql": "old\n"}), tmp_path)
    assert left_over(generated(), tmp_path, "extract_shop") == [tmp_path / "old.sql"]
    written(generated(), tmp_path)
    assert left_over(generated(), tmp_path, "extract_shop") == [tmp_path / "old.sql"]


def test_a_broken_record_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("[1")
    with pytest.raises(RequestRefused, match="cannot be read"):
        compared(generated(), tmp_path, "extract_shop")


def test_a_folder_that_cannot_be_written_to_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "dags").write_text("a file where a folder should be")
    with pytest.raises(RequestRefused, match=r"cannot be written: .*--output"):
        written(generated(), tmp_path)


def test_a_call_that_fails_halfway_leaves_its_files_known_as_its_own(tmp_path: Path) -> None:
    (tmp_path / "dags").write_text("a file where a folder should be")
    with pytest.raises(RequestRefused):
        written(generated(**{"a.sql": "one\n"}), tmp_path)
    assert (tmp_path / "a.sql").read_text() == "one\n"
    (tmp_path / "dags").unlink()
    newer = generated(**{"a.sql": "two\n"})
    assert states(newer, tmp_path) == {"a.sql": State.CHANGED, "dags/extract_shop.py": State.NEW}
    assert written(newer, tmp_path) == ["a.sql", "extract_shop.py"]


def test_a_disk_that_is_full_leaves_the_former_file(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("mine\n")
    made = generated(**{"a.sql": "one\n"})
    written(made, tmp_path, "a.sql")
    (tmp_path / "a.sql").chmod(0o755)
    longer = generated(**{"a.sql": "two\n" * 20_000})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(RequestRefused, match=r"a\.sql cannot be written: File too large"):
            written(longer, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "a.sql").read_text() == "one\n"
    assert states(longer, tmp_path)["a.sql"] is State.CHANGED
    assert {path.name for path in tmp_path.iterdir()} == {RECORD, "a.sql", "dags"}
    assert written(longer, tmp_path) == ["a.sql"]
    assert (tmp_path / "a.sql").stat().st_mode & 0o777 == 0o755


def test_a_folder_in_the_place_of_a_file_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "README.md").mkdir()
    with pytest.raises(RequestRefused, match=r"README\.md cannot be read: Is a directory\. Nothing was written"):
        compared(generated(**{"README.md": "ours\n"}), tmp_path, "extract_shop")


@pytest.mark.parametrize(
    ("name", "program", "why"),
    [
        ("json.py", "", "Python imports json by that name"),
        ("airflow.py", "from airflow.sdk import dag\n", "Python imports airflow by that name"),
        ("task.py", "from airflow.sdk import task\ndef task(): ...\n", "task is something else in its program"),
        ("load.py", "def load(): ...\ndef load(): ...\n", "load is something else in its program"),
    ],
)
def test_a_file_with_a_name_that_its_program_needs_is_refused(
    tmp_path: Path, name: str, program: str, why: str
) -> None:
    made = generated(**{"dags/extract_shop.py": program})
    with pytest.raises(RequestRefused, match=f"{why}. Try {name.removesuffix('.py')}_pipeline.py"):
        placed(made, tmp_path / name)
    placed(made, tmp_path / "extract_source.py")


def test_a_file_that_is_no_text_counts_as_edited(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xff\xfe\x00")
    assert states(generated(**{"README.md": "ours\n"}), tmp_path)["README.md"] is State.EDITED


def paths(made: Generated, output: Path) -> tuple[Path, set[str]]:
    folder, moved = placed(made, output)
    return folder, {str(path) for path in moved.files}


def test_a_folder_receives_all(tmp_path: Path) -> None:
    made = generated(**{"dags/x.sql": "", "README.md": ""})
    assert paths(made, tmp_path) == (tmp_path, {"dags/extract_shop.py", "dags/x.sql", "README.md"})


def test_a_file_receives_the_pipeline_and_the_rest_lies_beside_it(tmp_path: Path) -> None:
    made = generated(**{"dags/x.sql": "", "README.md": ""})
    assert paths(made, tmp_path / "mine.py") == (tmp_path, {"mine.py", "x.sql", "README.md"})


@pytest.mark.parametrize(
    ("main", "output", "like"),
    [("extract.py", "mine.txt", "NAME.py"), ("extract.py", "v1.2", "NAME.py"), ("dbt_project.yml", "x.yml", "dbt_pro")],
)
def test_a_file_that_its_system_would_not_find_is_refused(tmp_path: Path, main: str, output: str, like: str) -> None:
    made = Generated(PurePosixPath(main), {PurePosixPath(main): ""})
    with pytest.raises(RequestRefused, match=f"is called {like}"):
        placed(made, tmp_path / output)
    (tmp_path / output).mkdir()
    assert placed(made, tmp_path / output)[0] == tmp_path / output


def test_a_file_in_a_folder_called_as_the_pipelines_own_leaves_the_rest_in_its_place(tmp_path: Path) -> None:
    made = generated(**{"dags/x.sql": "", "README.md": ""})
    folder, files = paths(made, tmp_path / "dags" / "extract_source.py")
    assert (folder, files) == (tmp_path, {"dags/extract_source.py", "dags/x.sql", "README.md"})
