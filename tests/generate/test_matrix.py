"""The published combinations: each is there, or refused with the nearest that is."""

import pytest

from dataeng_assets.generate.kinds import KINDS, kind_module
from dataeng_assets.generate.matrix import Combination, Refused, Row, Standing, look_up
from dataeng_assets.generate.request import Destination, Kind, Mode, Source


@pytest.mark.parametrize("kind", KINDS)
def test_no_combination_stands_in_two_rows(kind: Kind) -> None:
    every = [one for row in kind_module(kind).ROWS for one in row.combinations()]
    assert len(every) == len(set(every))


@pytest.mark.parametrize("kind", KINDS)
def test_every_combination_is_there_or_refused_with_one_that_is(kind: Kind) -> None:
    module = kind_module(kind)
    for source in Source:
        for destination in Destination:
            for mode in Mode:
                found = look_up(module.ROWS, module.REFUSALS, Combination(source, destination, mode))
                if isinstance(found, Refused):
                    assert found.reason
                    assert isinstance(look_up(module.ROWS, module.REFUSALS, found.nearest), Row)


def test_the_nearest_keeps_the_source_before_the_destination_before_the_mode() -> None:
    rows = (
        Row((Source.POSTGRES,), (Destination.DELTA,), (Mode.FULL,), Standing.EXECUTED, ""),
        Row((Source.KAFKA,), (Destination.DUCKDB,), (Mode.STREAMING,), Standing.EXECUTED, ""),
    )
    found = look_up(rows, (), Combination(Source.KAFKA, Destination.DELTA, Mode.FULL))
    assert isinstance(found, Refused)
    assert found.nearest == Combination(Source.KAFKA, Destination.DUCKDB, Mode.STREAMING)
