"""The classic names in `scripts/`: each is `dataeng`, from any folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from dataeng_assets.settings import ROOT

NAMES = {
    "pipeline_orchestrator.py": "generate",
    "data_quality_validator.py": "validate",
    "etl_performance_optimizer.py": "analyze",
}


def called(script: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / script), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("script", "command"), NAMES.items())
def test_a_classic_name_is_the_command_from_any_folder(script: str, command: str, tmp_path: Path) -> None:
    shown = called(script, command, "--help", folder=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"dataeng {command}" in shown.stdout


def test_arguments_and_the_exit_code_pass_through(tmp_path: Path) -> None:
    shown = called("data_quality_validator.py", "validate", "--input", "not there.csv", folder=tmp_path)
    assert shown.returncode == 2
    assert "not there.csv" in shown.stderr
