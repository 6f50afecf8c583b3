"""The fixtures as a user has them: the example of the guide, in a project of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dataeng_assets.settings import ROOT

GUIDE = ROOT / "docs" / "how-to" / "test-your-stream.md"
FILE = re.compile(r"^`([\w.]+)`[^`]*?(?:`defs/`[^`]*?)?:\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.server
def test_the_example_of_the_guide_runs_and_would_fail_if_a_row_were_lost(tmp_path: Path) -> None:
    files = dict(FILE.findall(GUIDE.read_text()))
    assert set(files) == {"conftest.py", "clicks.yaml", "test_clicks.py"}
    (tmp_path / "tests").mkdir()
    for name, text in files.items():
        (tmp_path / "tests" / name).write_text(text)
    wrong = files["test_clicks.py"].replace('["c1", "c3"]', '["c1", "c2", "c3"]').replace("test_", "test_wrong_")
    (tmp_path / "tests" / "test_wrong.py").write_text(wrong)
    # as the package is installed for a user, without what this session has set
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DATAENG_STATE": str(tmp_path / "state")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "test_wrong_a_click" in done.stdout
