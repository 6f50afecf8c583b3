"""Taking the sample out of the project: what belongs to it, stated once, and what stays.

A file belongs to the sample when `SAMPLE` names it or a folder above it; everything else stays, and lies where `STAYS`
says. A file that stays may have lines for the sample's sake: one that ends in `# sample`, or those from a line with
`sample: begins` to one with `sample: ends`. They go too. What the sample wrote on this machine belongs in `data`.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from dataeng_assets.contracts.dbt_export import export

MARTS = (
    "agg_conversion_funnel", "agg_customer_value", "agg_daily_revenue", "dim_categories", "dim_customers", "dim_dates",
    "dim_products", "fct_inventory_daily", "fct_order_items", "fct_orders", "fct_payments", "fct_shipments",
    "fct_user_sessions",
)  # fmt: skip

SAMPLE = (
    "benchmarks/sample_*",
    "dataeng_assets/cli/sample.py",
    "dataeng_assets/defs/events",
    "dataeng_assets/defs/examples.py",
    "dataeng_assets/defs/shop",
    "dataeng_assets/sample",
    "dbt/models/exposures.yml",
    "dbt/models/intermediate/*_events*",
    "dbt/models/intermediate/*_shop*",
    "dbt/models/intermediate/_intermediate.yml",
    *(f"dbt/models/marts/{mart}.*" for mart in MARTS),
    "dbt/models/staging/*_events*",
    "dbt/models/staging/*_shop*",
    "dbt/models/staging/_sources_streams.yml",
    "docs/how-to/remove-the-sample.md",
    "docs/images",
    "docs/screenshots",
    "docs/tutorial.md",
    "requirements-*.lock",
    "tests/*/test_sample_*",
    "tests/*/*/test_sample_*",
    "tests/interop",
    "tests/lineage",
    "tests/orchestration/graph.txt",
    "tests/own_project",
    "tests/sample",
    "tests/soak",
    "tests/warehouse/compiled.py",
    "tests/warehouse/small_shop.py",
    "tests/warehouse/test_daily_models.py",
    "tests/warehouse/test_dbt_plugin.py",
    "tests/warehouse/test_history_join.py",
    "tests/whole_platform.py",
)
"""Files and folders of the sample."""

STAYS = (
    "*.lock", "*.md", "*.toml", "*.yaml", ".*", "LICENSE", "Makefile", "benchmarks", "dataeng_assets/*.py",
    "dataeng_assets/advise", "dataeng_assets/analyze", "dataeng_assets/causes", "dataeng_assets/cli",
    "dataeng_assets/components", "dataeng_assets/contracts", "dataeng_assets/defs", "dataeng_assets/doctor",
    "dataeng_assets/extract", "dataeng_assets/generate", "dataeng_assets/kafka", "dataeng_assets/lake",
    "dataeng_assets/local", "dataeng_assets/orchestration", "dataeng_assets/postgres", "dataeng_assets/quality",
    "dataeng_assets/streams", "dataeng_assets/testing", "dbt/*.yml", "dbt/macros", "dbt/models", "dbt/tests/generic",
    "docs/*.md", "docs/*.py", "docs/decisions", "docs/explanation", "docs/how-to", "docs/reference",
    "docs/reference_pages", "docs/runbook", "scripts", "tests/*.py", "tests/advise", "tests/analyze",
    "tests/benchmarks", "tests/cli", "tests/components", "tests/contracts", "tests/docs", "tests/doctor",
    "tests/extract", "tests/generate", "tests/kafka", "tests/lake", "tests/local", "tests/orchestration",
    "tests/postgres", "tests/quality", "tests/streams", "tests/testing", "tests/warehouse", "data", "queries",
    "schemas",
)  # fmt: skip
"""Where everything else lies; a file of the sample in one of these folders is the sample's all the same."""

_LINE = re.compile(r"\s*(#|--|<!--)\s*sample\s*(-->)?$")
_BEGINS = re.compile(r"^\s*(#|--|<!--)\s*sample: begins\b")
_ENDS = re.compile(r"^\s*(#|--|<!--)\s*sample: ends\b")
_WORD = re.compile(r"\w+")
_NOT_OURS = {"__pycache__", "logs", "target"}


@dataclass(frozen=True)
class Removal:
    """What goes: whole files, and lines of files that stay."""

    files: tuple[Path, ...]
    edited: dict[Path, str]


def plan_removal(root: Path) -> Removal:
    """What removing the sample from a project would change; changes nothing."""
    files, edited = [], {}
    for path in project_files(root):
        if is_sample(path.relative_to(root)):
            files.append(path)
        else:
            before = _text(path)
            after = without_sample_lines(before)
            if after != before:
                edited[path] = after
    return Removal(tuple(files), edited)


def remove(removal: Removal, root: Path) -> None:
    """Do what was planned, and write anew what is generated; folders that nothing is left in go with their files."""
    for path, text in removal.edited.items():
        path.write_text(text, encoding="utf-8")
    for path in removal.files:
        path.unlink()
    folders = {folder for path in removal.files for folder in path.parents if root in folder.parents}
    for folder in sorted(folders, reverse=True):
        if {found.name for found in folder.iterdir()} <= {"__pycache__"}:
            shutil.rmtree(folder)
    models = root / "dbt" / "models" / "staging"
    models.mkdir(parents=True, exist_ok=True)
    for path, text in export(root / "dataeng_assets" / "defs", models).items():
        path.write_text(text, encoding="utf-8")
    if (root / "docs" / "generate.py").exists():
        # by a process of its own: this one has the sample's commands loaded
        environment = {**os.environ, "PYTHONPATH": str(root)}
        subprocess.run([sys.executable, "docs/generate.py"], cwd=root, env=environment, check=True)


def dependents(removal: Removal, root: Path) -> dict[Path, list[str]]:
    """Assets and models that stay and name models or tables that go: without these they would not load."""
    gone = {path.stem for path in removal.files if path.suffix == ".sql"}
    gone |= {f"bronze_{path.parent.name}" for path in removal.files if path.name == "defs.yaml"}
    places = root / "dataeng_assets" / "defs", root / "dbt" / "models"
    generated = export(places[0], places[1] / "staging")
    found = {
        path: sorted(gone & set(_WORD.findall(removal.edited[path] if path in removal.edited else _text(path))))
        for place in places
        for path in project_files(place)
        if path not in removal.files and path not in generated
    }
    return {path: names for path, names in found.items() if names}


def is_sample(path: PurePath) -> bool:
    """Whether a file or folder, by its path from the root, belongs to the sample."""
    return _is_named(path, SAMPLE)


def stays(path: PurePath) -> bool:
    """Whether a file, by its path from the root, lies where what is not the sample's lies."""
    return _is_named(path, STAYS) and not is_sample(path)


def without_sample_lines(text: str) -> str:
    """A text without the lines that are there for the sample's sake.

    Raises:
        ValueError: a block begins twice, or does not end.
    """
    kept: list[str] = []
    inside = False
    for line in text.splitlines(keepends=True):
        if _BEGINS.search(line) or _ENDS.search(line):
            if inside == bool(_BEGINS.search(line)):
                raise ValueError(f"`sample: begins` and `sample: ends` do not take turns at: {line.strip()}")
            inside = not inside
        elif not inside and not _LINE.search(line.rstrip("\n")):
            kept.append(line)
    if inside:
        raise ValueError("`sample: begins` without `sample: ends`")
    return "".join(kept)


def project_files(root: Path) -> Iterator[Path]:
    """The files of a project, in order: not what is installed, generated or written while it runs."""
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(
            name for name in names if name not in _NOT_OURS and (not name.startswith(".") or name in (".ci", ".github"))
        )
        yield from (here / name for name in sorted(files) if (here / name).is_file())


def uncommitted(root: Path) -> str | None:
    """What git would lose, as it says it; empty when all is committed, None when the project is not in git."""
    done = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"], cwd=root, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None


def _is_named(path: PurePath, patterns: Sequence[str]) -> bool:
    """Whether one of the patterns is of the path, or of a folder above it."""
    rooted = [PurePosixPath("/", place.as_posix()) for place in (path, *path.parents)]
    return any(place.match(f"/{pattern}") for place in rooted for pattern in patterns)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
