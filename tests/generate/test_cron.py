"""Cron expressions that can be used pass as they are; nonsense is refused with what is wrong and an example."""

import pytest

from dataeng_assets.generate.cron import checked_cron
from dataeng_assets.generate.request import RequestRefused


@pytest.mark.parametrize(
    "given", ["0 5 * * *", "*/15 * * * *", "0 0 29 2 *", "5,35 8-18/2 * jan-mar mon-fri", "0 0 31 1,2 *", "0 0 30 2 7"]
)
def test_what_can_be_used_passes(given: str) -> None:
    assert checked_cron(f"  {given.replace(' ', '   ')}") == given


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ("every day", "2 fields and not 5"),
        ("0 0 5 * * *", "6 fields and not 5"),
        ("60 5 * * *", "minute '60' lies outside 0 to 59"),
        ("0 25 * * *", "hour '25' lies outside 0 to 23"),
        ("0 5 0 * *", "day of the month '0' lies outside 1 to 31"),
        ("0 5 * foo *", "month 'foo' lies outside 1 to 12"),
        ("0 5 * * 8", "day of the week '8' lies outside 0 to 7"),
        ("0 5-3 * * *", "'5-3' runs backwards"),
        ("*/0 * * * *", "step of the minute '*/0' is nothing"),
        ("0 0 30 2 *", "day 30 never comes"),
        ("? 5 * * *", "'?' is no minute"),
    ],
)
def test_nonsense_is_refused_with_what_is_wrong_and_an_example(given: str, what: str) -> None:
    with pytest.raises(RequestRefused, match="0 5") as refused:
        checked_cron(given)
    assert what in str(refused.value)


def test_a_short_name_is_answered_with_what_it_stands_for() -> None:
    with pytest.raises(RequestRefused, match="write '0 0 \\* \\* \\*'"):
        checked_cron("@daily")
