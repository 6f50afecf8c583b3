"""The benchmark of validation runs, and its answers are those that are known."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "validate.py"


def test_ours_gives_the_answers_that_are_known(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, str(SCRIPT), "--rows", "10000", "--contestants", "ours", "--json", str(figures)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (ours,) = json.loads(figures.read_text())["results"]
    assert (ours["contestant"], ours["rows"], ours["rules"], ours["wrong"]) == ("ours", 10_000, 25, "")
    assert ours["seconds"] > 0
    assert ours["peak_megabytes"] > 0


def test_an_unknown_contestant_is_refused_by_name() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--contestants", "theirs"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no contestant 'theirs'" in done.stderr
