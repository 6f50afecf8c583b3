"""Which failures a retry can mend, and why a step failed.

The libraries' named errors say so themselves (`retryable`); anything else is not known and is retried.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from dataeng_assets.settings import SettingMissing

RETRY = dg.RetryPolicy(max_retries=3, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


class PermanentFailure(dg.Failure):
    """A failure that stays until somebody acts: a broken contract, a refused type, a missing setting."""

    def __init__(self, error: Exception) -> None:
        super().__init__(description=f"{type(error).__name__}: {error}", allow_retries=False)


@contextmanager
def named_failures() -> Iterator[None]:
    """Turn errors that no retry can mend into `PermanentFailure`."""
    try:
        yield
    except SettingMissing as error:
        raise PermanentFailure(error) from error
    except Exception as error:
        if getattr(error, "retryable", True):
            raise
        raise PermanentFailure(error) from error


def reason(failed: dg.DagsterEvent) -> str:
    """Why a step failed or is tried again, in the words of the error that began it."""
    said = failed.step_retry_data if failed.is_step_up_for_retry else failed.step_failure_data
    by_us = getattr(said, "user_failure_data", None)
    if by_us and by_us.description:
        return str(by_us.description)
    error: SerializableErrorInfo | None = said.error
    while error and error.cause:
        error = error.cause
    return error.message.strip() if error else str(failed.message)
