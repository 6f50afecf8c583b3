"""Each published combination is shown by a test that exists: those of other systems stand with the sample."""

import re

import pytest

from dataeng_assets.generate.kinds import KINDS, kind_module
from dataeng_assets.generate.matrix import Row, Standing
from dataeng_assets.generate.request import Kind
from dataeng_assets.settings import ROOT

ROWS = [(kind, row) for kind in KINDS for row in kind_module(kind).ROWS]


@pytest.mark.parametrize(("kind", "row"), ROWS, ids=[f"{kind}-{number}" for number, (kind, _) in enumerate(ROWS)])
def test_the_test_that_a_row_names_is_there(kind: Kind, row: Row) -> None:
    path, _, name = row.shown_by.partition("::")
    assert (ROOT / path).exists(), row.shown_by
    assert re.search(rf"^def {re.escape(name)}\(", (ROOT / path).read_text(), re.MULTILINE), row.shown_by


def test_what_is_executed_and_what_is_parsed_are_two_tests() -> None:
    shown = {standing: {row.shown_by for _, row in ROWS if row.standing is standing} for standing in Standing}
    assert not shown[Standing.EXECUTED] & shown[Standing.PARSED]
