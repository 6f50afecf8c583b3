"""Environments of their own for the peers of the benchmarks."""

import hashlib
import subprocess
import sys
from pathlib import Path


def environment(requirements: Path, folder: Path) -> Path:
    """The Python of an environment, which is made when it is not there in these versions.

    Args:
        requirements: its packages, in a file `requirements-NAME.txt` or a lock `requirements-NAME.lock`.
        folder: where environments are kept.
    """
    name = requirements.stem.removeprefix("requirements-")
    version = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = folder.absolute() / f"{name}-{version}"
    python, ready = place / "bin" / "python", place / "ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--requirement", str(requirements)], check=True)
        ready.touch()
    return python
