"""The platform's promises by name, and what the head of a generated file says of them.

Which of them a kind keeps is decided by the kind, for the pipeline at hand.
"""

from collections.abc import Mapping
from enum import StrEnum
from textwrap import wrap

from dataeng_assets.generate.request import Request

_WIDTH = 110


class Promise(StrEnum):
    """What the platform holds for its own tables, each in a sentence."""

    ONE_SNAPSHOT = "All tables of a run are read in one snapshot."
    LATE_COMMITS = "A row whose transaction commits after a run has passed its watermark is read by the next run."
    PROVED_DELIVERY = "What was written is compared with what was read, before it is committed."
    NO_SILENT_CASTS = "No value changes its type or is rounded without an error."
    IDEMPOTENT = "Running the same window or batch again changes nothing."
    DELETES = "A row that was deleted in the source is seen."
    EXACTLY_ONCE = "Each event reaches the destination exactly once."
    NOTHING_DROPPED = "An event that cannot be read or comes too late is kept apart, with the reason."
    BOUNDED_MEMORY = "Memory follows the size of a batch and not of the table."
    NO_SECRETS = "No secret stands in a file; each is read from the environment or a secret store."


def head(request: Request, kept: Mapping[Promise, str], comment: str = "#") -> str:
    """The first lines of a generated file: what made it, how to make it again, what holds and what does not.

    Args:
        request: what was asked for.
        kept: each promise that this pipeline could keep, with nothing where it holds, and else why not.
        comment: the sign that begins a comment in the file.
    """
    lines = [f"Written by `{request.command}`.", "Change the contracts or the options and run it again."]
    for promise, reason in kept.items():
        lines.append(f"Does not hold: {promise} {reason}" if reason else f"Holds: {promise}")
    broken = [part for line in lines for part in wrap(line, _WIDTH, subsequent_indent="  ", break_long_words=False)]
    return "\n".join(f"{comment} {line}" for line in broken) + "\n"
