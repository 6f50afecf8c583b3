"""The workflow and the hooks are run as they stand, in repositories of a test's own."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from repository import Repository

from dataeng_assets.settings import ROOT

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: shop.orders
version: {version}
schema:
  - name: orders
    properties:
      - {{name: amount, logicalType: {kind}}}
"""
PATH = "dataeng_assets/defs/shop/contracts/orders.yaml"
TOOLS = str(Path(sys.executable).parent)


@pytest.fixture
def clone(tmp_path: Path) -> Repository:
    """A clone of a repository whose main branch has one contract."""
    origin = Repository(tmp_path / "origin")
    origin.write(PATH, CONTRACT.format(version="1.0.0", kind="integer"))
    origin.write("dataeng_assets/defs/shop/defs.yaml", "type: a component\n")
    origin.commit()
    subprocess.run(["git", "clone", "--quiet", str(origin.root), str(tmp_path / "clone")], check=True)
    return Repository(tmp_path / "clone")


def run(command: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """As GitHub runs a step whose shell is bash."""
    variables = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}", **environment}
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    return subprocess.run(shell, cwd=folder, env=variables, capture_output=True, text=True)


def workflow() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows/contracts.yml").read_text())
    return loaded


def compare_step() -> dict[str, Any]:
    steps = workflow()["jobs"]["diff"]["steps"]
    (step,) = [step for step in steps if "dataeng contract diff" in step.get("run", "")]
    assert step["shell"] == "bash"
    return dict(step)


def test_the_workflow_lets_a_harmless_change_pass_and_blocks_one_that_breaks_somebody(
    clone: Repository, tmp_path: Path
) -> None:
    summary = tmp_path / "summary.md"
    step = compare_step()["run"]
    harmless = run(step, clone.root, GITHUB_STEP_SUMMARY=str(summary))
    assert harmless.returncode == 0, harmless.stderr
    clone.write(PATH, CONTRACT.format(version="1.1.0", kind="string"))
    clone.commit()
    breaking = run(step, clone.root, GITHUB_STEP_SUMMARY=str(summary))
    assert breaking.returncode == 1, breaking.stderr
    assert "## Contracts: breaking" in summary.read_text()
    assert "orders.amount" in summary.read_text()


def test_the_workflow_fails_where_nothing_could_be_decided(clone: Repository, tmp_path: Path) -> None:
    clone.git("remote", "remove", "origin")
    undecided = run(compare_step()["run"], clone.root, GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    assert (undecided.returncode, "origin/main" in undecided.stderr) == (2, True)


def test_the_workflow_asks_for_reading_alone_and_pins_what_it_uses() -> None:
    assert workflow()["permissions"] == {"contents": "read"}
    steps = workflow()["jobs"]["diff"]["steps"]
    used = [step["uses"].split("@") for step in steps if "uses" in step]
    assert used
    assert all(owner.startswith("actions/") and version.startswith("v") for owner, version in used)
    assert steps[0]["with"]["persist-credentials"] is False


@pytest.mark.parametrize("kind", ["integer", "string"])
def test_the_hook_for_other_repositories_blocks_a_change_that_breaks_somebody(clone: Repository, kind: str) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["id"], hook["pass_filenames"]) == ("dataeng-contract-diff", False)
    clone.write(PATH, CONTRACT.format(version="1.1.0", kind=kind))
    done = run(f"{hook['entry']} {shlex.join(hook['args'])}", clone.root)
    assert done.returncode == (0 if kind == "integer" else 1), done.stderr


def test_the_hook_of_this_repository_runs_in_it() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (hook,) = [one for one in config["repos"][0]["hooks"] if one["id"] == "dataeng-contract-diff"]
    program, *arguments = shlex.split(hook["entry"])
    assert program == ".venv/bin/dataeng"
    assert arguments == ["contract", "diff", "dataeng_assets/defs", "--against", "git:HEAD"]
    assert not hook["pass_filenames"]


@pytest.mark.parametrize(
    ("check", "name"), [("manifest", ".pre-commit-hooks.yaml"), ("config", ".pre-commit-config.yaml")]
)
def test_pre_commit_takes_the_files(check: str, name: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pre_commit", f"validate-{check}", str(ROOT / name)])
    assert done.returncode == 0


def test_the_commands_of_the_page_run_as_written(clone: Repository) -> None:
    clone.write(PATH, CONTRACT.format(version="1.1.0", kind="integer"))
    clone.commit()
    page = (ROOT / "docs/how-to/change-a-contract.md").read_text()
    commands = re.findall(r"^dataeng .*$", page, re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        done = run(command, clone.root)
        assert done.returncode == 0, (command, done.stderr)
    assert (clone.root / "changes.json").exists()
