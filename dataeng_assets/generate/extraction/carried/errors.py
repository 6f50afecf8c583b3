"""What can go wrong, as a task sees it. Each message says what happened, what is safe, and what to do next."""


class ExtractionError(Exception):
    """The run cannot go on; running it again without a change gives the same."""


class Retryable(ExtractionError):
    """Trying again may well mend it."""


class Refused(ExtractionError):
    """The source holds, or is, something that cannot be carried exactly; nothing was written."""


class Superseded(ExtractionError):
    """Another run has loaded this table since this one read it; nothing of this run was written."""


class NotProven(Retryable):
    """What arrived is not what was sent; nothing was committed, or no progress was stored."""
