"""Quantities as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.advise.units import (
    UnitUnknown,
    bytes_per_day,
    rate_text,
    seconds,
    size_bytes,
    size_text,
    time_text,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("100ms", 0.1), ("5s", 5), ("5 seconds", 5), ("15min", 900), ("15m", 900), (".5h", 1800), ("2 Days", 172_800)],
)
def test_a_length_of_time_is_read(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"), [("2TB/day", 2e12), ("10 MB/s", 864e9), ("1GB/hour", 24e9), ("7GB/week", 1e9)]
)
def test_a_rate_is_read(text: str, expected: float) -> None:
    assert bytes_per_day(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "5", "soon", "-5s", "0s", "5 parsecs", "1h30m", "5s/day"])
def test_what_is_no_length_of_time_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(UnitUnknown, match="such as 100ms"):
        seconds(text)


@pytest.mark.parametrize("text", ["2TB", "TB/day", "2TB/fortnight", "2 days/TB", "0MB/s", "fast"])
def test_what_is_no_rate_is_refused_with_the_forms_that_are(text: str) -> None:
    with pytest.raises(UnitUnknown, match="such as 10MB/s"):
        bytes_per_day(text)


@given(st.floats(0.001, 1e9))
def test_what_is_shown_is_read_as_the_same(quantity: float) -> None:
    assert seconds(time_text(quantity)) == pytest.approx(quantity, rel=0.01)
    assert size_bytes(size_text(quantity * 1e6)) == pytest.approx(quantity * 1e6, rel=0.01)
    assert bytes_per_day(rate_text(quantity * 1e6)) == pytest.approx(quantity * 1e6, rel=0.01)
