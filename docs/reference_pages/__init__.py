"""The pages of `docs/reference/` that the code already knows, one module per page.

Nothing is said here that is said elsewhere: texts come from help texts, fields and docstrings.
"""

from pathlib import Path

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
