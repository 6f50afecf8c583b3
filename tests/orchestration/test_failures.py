"""Which failures a retry can mend: it waits longer each time, and not for what stays as it is."""

import dagster as dg
import pytest

from dataeng_assets.orchestration.failures import RETRY, PermanentFailure, named_failures
from dataeng_assets.settings import SettingMissing


class Passing(Exception):
    retryable = True


class Staying(Exception):
    retryable = False


def raised(error: Exception) -> type[BaseException]:
    with pytest.raises(Exception) as found, named_failures():  # noqa: PT011
        raise error
    return found.type


def test_what_an_error_says_of_itself_decides_and_what_is_not_known_is_retried() -> None:
    assert raised(Passing()) is Passing
    assert raised(ConnectionError()) is ConnectionError
    assert raised(Staying()) is PermanentFailure
    assert raised(SettingMissing()) is PermanentFailure


def test_a_permanent_failure_ends_the_step_at_once_and_names_its_cause() -> None:
    @dg.asset(retry_policy=RETRY)
    def broken() -> None:
        with named_failures():
            raise Staying("the contract is broken")

    result = dg.materialize([broken], raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
    said = failure.step_failure_data.user_failure_data
    assert said
    assert said.description == "Staying: the contract is broken"


def test_retries_back_off_and_scatter() -> None:
    waits = [[RETRY.calculate_delay(attempt) for _ in range(20)] for attempt in (1, 2, 3)]
    assert all(len(set(attempt)) > 1 for attempt in waits)
    middles = [sum(attempt) / len(attempt) for attempt in waits]
    assert middles == sorted(middles)
    assert max(waits[-1]) <= 60
