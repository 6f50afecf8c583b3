"""Small ODCS documents, as others write them: without owner, domain, descriptions and physical types."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from dataeng_assets.contracts.checks.rule import Suite
from dataeng_assets.contracts.convert.odcs_read import read_odcs

TOP = "apiVersion: v3.1.0\nkind: DataContract\nid: theirs\nversion: 1.0.0\nstatus: active\n"
Read = Callable[[str], tuple[Suite, ...]]


@pytest.fixture(name="read")
def document_reader(tmp_path: Path) -> Read:
    def made(text: str, top: str = TOP) -> tuple[Suite, ...]:
        path = tmp_path / "theirs.yaml"
        path.write_text(top + dedent(text), encoding="utf-8")
        return read_odcs(path)

    return made


def one_column(words: str, quality: str = "") -> str:
    said = indent(dedent(words).strip(), "        ")
    entries = f"        quality:\n{indent(dedent(quality).strip(), '          ')}\n" if quality else ""
    return f"schema:\n  - name: t\n    properties:\n      - name: c\n{said}\n{entries}"


def the_table(quality: str) -> str:
    entries = indent(dedent(quality).strip(), "      ")
    return f"schema:\n  - name: t\n    properties:\n      - name: a\n      - name: b\n    quality:\n{entries}\n"
