"""What belongs to the sample is said in one place, and nothing that stays needs it."""

import ast
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from dataeng_assets.sample.remove import (
    MARTS,
    SAMPLE,
    dependents,
    is_sample,
    plan_removal,
    project_files,
    remove,
    stays,
    without_sample_lines,
)
from dataeng_assets.settings import ROOT


@pytest.fixture(scope="module")
def files() -> list[PurePosixPath]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [PurePosixPath(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()]


@pytest.fixture(scope="module")
def kept(files: list[PurePosixPath]) -> dict[PurePosixPath, str]:
    """What is left of the files that stay."""
    texts = {}
    for path in files:
        if not is_sample(path):
            try:
                texts[path] = without_sample_lines((ROOT / path).read_text())
            except UnicodeDecodeError:
                continue
    return texts


def test_every_file_belongs_to_exactly_one_side(files: list[PurePosixPath]) -> None:
    homeless = [str(path) for path in files if not is_sample(path) and not stays(path)]
    assert homeless == [], "say in sample/remove.py whether these are the sample's"


def test_every_name_on_the_list_is_of_something(files: list[PurePosixPath]) -> None:
    places = {place for path in files for place in (path, *path.parents)}
    for pattern in SAMPLE:
        assert any(PurePosixPath("/", place).match(f"/{pattern}") for place in places), f"{pattern} names nothing"


def test_the_files_that_git_knows_are_the_files_that_are_looked_at(files: list[PurePosixPath]) -> None:
    found = {path.relative_to(ROOT).as_posix() for path in project_files(ROOT)}
    assert {path.as_posix() for path in files} <= found


def test_no_code_that_stays_imports_what_goes(files: list[PurePosixPath], kept: dict[PurePosixPath, str]) -> None:
    gone = {_module(path) for path in files if is_sample(path) and path.suffix == ".py"} - {"conftest"}
    for path, text in kept.items():
        if path.suffix == ".py":
            assert not gone & _imported(text), path


def test_no_code_that_stays_reads_a_contract_that_goes(kept: dict[PurePosixPath, str]) -> None:
    """Tests have documents of their own in `tests/contracts/documents`."""
    for path, text in kept.items():
        if path.suffix == ".py":
            assert not re.search(r"""(shop|events)("|')? ?/ ?("|')?contracts""", text), path


def test_no_model_or_test_that_stays_refers_to_a_model_that_goes(kept: dict[PurePosixPath, str]) -> None:
    names = "|".join((*MARTS, r"(stg|int)_(shop|events)__\w+"))
    for path, text in kept.items():
        if path.parts[0] == "dbt" and path.name not in {"_sources.yml", "_sources.md"}:
            assert not re.search(rf"\b({names})\b", text), path


def test_what_people_read_first_does_not_speak_of_the_sample_when_it_is_gone(
    kept: dict[PurePosixPath, str],
) -> None:
    for name in ("README.md", "Makefile", "pyproject.toml"):
        text = kept[PurePosixPath(name)]
        assert not re.search(r"\b(sample|tutorial|user_events)\b", text, re.IGNORECASE), name


def test_lines_for_the_sample_go_and_all_others_stay() -> None:
    text = "a\nb  # sample\n# sample: begins, why\nc\n# sample: ends\n<!-- sample: begins -->\nd\n"
    text += "<!-- sample: ends -->\nof a sample\n"
    assert without_sample_lines(text) == "a\nof a sample\n"
    assert without_sample_lines("no end of line") == "no end of line"


@pytest.mark.parametrize(
    "text",
    ["# sample: begins\n", "# sample: ends\n", "# sample: begins\n" * 2 + "# sample: ends\n"],
)
def test_a_block_without_its_other_end_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="sample"):
        without_sample_lines(text)


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_what_users_made_beside_the_sample_stays(tmp_path: Path) -> None:
    mine = {
        "dataeng_assets/defs/crm/defs.yaml": "type: x\n",
        "dbt/models/marts/fct_invoices.sql": "select 1\n",
        "dbt/models/staging/stg_crm__accounts.sql": "select 1\n",
        "Makefile": "demo:\n",
    }
    samples = {
        "dataeng_assets/defs/shop/defs.yaml": "type: y\n",
        "dataeng_assets/sample/__init__.py": "",
        "dbt/models/marts/fct_orders.sql": "select 1\n",
        "tests/lineage/test_a.py": "",
    }
    write(tmp_path, mine | samples)
    (tmp_path / "Makefile").write_text("demo:\nsoak: # sample\n")
    (tmp_path / "tests/lineage/__pycache__").mkdir()
    remove(plan_removal(tmp_path), tmp_path)
    left = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    generated = {name for name in left if name.startswith("dbt/models/staging/_sources.")}
    assert {name: text for name, text in left.items() if name not in generated} == mine
    assert not (tmp_path / "tests").exists()


def test_files_of_users_that_would_not_load_without_the_sample_are_named(tmp_path: Path) -> None:
    files = {
        "dataeng_assets/defs/shop/defs.yaml": "type: y\n",
        "dbt/models/marts/fct_orders.sql": "select 1\n",
        "dataeng_assets/defs/mine.py": 'dg.AssetIn(["gold", "fct_orders"])\n',
        "dataeng_assets/defs/other.py": 'dg.AssetIn(["gold", "fct_orders_of_mine"])\n',
        "dataeng_assets/defs/only_here.py": "orders = fct_orders  # sample\n",
        "dbt/models/marts/fct_mine.sql": "from {{ source('bronze_shop', 'orders') }} join {{ ref('fct_orders') }}\n",
    }
    write(tmp_path, files)
    assert dependents(plan_removal(tmp_path), tmp_path) == {
        tmp_path / "dataeng_assets/defs/mine.py": ["fct_orders"],
        tmp_path / "dbt/models/marts/fct_mine.sql": ["bronze_shop", "fct_orders"],
    }


def test_nothing_of_the_project_itself_would_not_load_without_the_sample() -> None:
    assert dependents(plan_removal(ROOT), ROOT) == {}


def _module(path: PurePosixPath) -> str:
    """The name under which a file is imported: tests stand on the path by themselves."""
    if path.parts[0] == "tests":
        return path.stem
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _imported(text: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
