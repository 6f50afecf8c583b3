"""From the words of the command line to a request: each is checked, what was not said is filled in, and a contradiction
is refused with what is nearest. Cron expressions belong in `cron`, tables above, in `orchestration`.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr

from dataeng_assets.generate.cron import checked_cron
from dataeng_assets.generate.kinds import KINDS, KindModule, kind_module
from dataeng_assets.generate.matrix import Combination, Refused, look_up
from dataeng_assets.generate.request import (
    Destination,
    Kind,
    Mode,
    Request,
    RequestRefused,
    Source,
    Tier,
    identifier,
    word,
)

NIGHTLY = "0 5 * * *"
"""When a pipeline runs that was given no schedule: when Europe's nightly batches are done."""

_LENGTH = re.compile(r"(\d{1,9})\s*(s|m|h|d)")
_LONGEST = timedelta(days=31)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_LOGIN = re.compile(r"://[^/\s]*@|\b(password|secret|token)\s*=", re.IGNORECASE)
_VARIABLE = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_TIERS = {"1": "may deploy to development", "2": "writes for review", "3": "writes files and opens no connection"}


@dataclass(frozen=True)
class Asked:
    """The options as they were given; empty for those that were not."""

    type: str
    source: str = ""
    destination: str = ""
    mode: str = ""
    tables: str = ""
    name: str = ""
    schema: str = ""
    variable: str = ""
    watermark: str = ""
    schedule: str = ""
    catchup: str = ""
    retries: str = ""
    retry_delay: str = ""
    timeout: str = ""
    email_on_failure: str = ""
    notify: str = ""
    owner: str = ""
    tags: str = ""
    tier: str = ""

    def said(self) -> tuple[tuple[str, str], ...]:
        """The options that were given, by their names on the command line."""
        given = {name.replace("_", "-"): value for name, value in vars(self).items() if value}
        return tuple((name, "" if name == "catchup" else value) for name, value in given.items())


def request_of(asked: Asked, name: str) -> Request:
    """What the options ask for.

    Args:
        asked: the options.
        name: of the pipeline.

    Raises:
        RequestRefused: an option is unknown, or contradicts another one.
    """
    refuse_unwritable(asked)
    kind = kind_of(asked.type)
    module = kind_module(kind)
    _refuse_untaken(kind, module, asked)
    combination = combination_of(kind, module, asked)
    is_stream = combination.mode is Mode.STREAMING
    _refuse_contradictions(asked, combination)
    retry_delay = _length(asked.retry_delay, "--retry-delay") if asked.retry_delay else Request.retry_delay
    timeout = _length(asked.timeout, "--timeout") if asked.timeout else Request.timeout
    if asked.retry_delay and retry_delay >= timeout:
        raise RequestRefused(
            f"--retry-delay {asked.retry_delay} leaves no time for a second try: a run ends after "
            f"--timeout {asked.timeout or '2h'}. Ask for a shorter delay, or a longer timeout."
        )
    return Request(
        kind,
        combination.source,
        combination.destination,
        combination.mode,
        name=identifier(name, "The pipeline's name"),
        schedule=checked_cron(asked.schedule) if asked.schedule else "" if is_stream else NIGHTLY,
        catchup=bool(asked.catchup),
        retries=_count(asked.retries) if asked.retries else Request.retries,
        retry_delay=retry_delay,
        timeout=timeout,
        email_on_failure=tuple(_address(one) for one in _some(asked.email_on_failure, "--email-on-failure")),
        notify=tuple(_variable(one) for one in _some(asked.notify, "--notify")),
        owner=asked.owner.strip() or Request.owner,
        tags=_some(asked.tags, "--tags"),
        tier=tier_of(asked.tier),
        said=asked.said(),
    )


def refuse_unwritable(asked: Asked) -> None:
    """Refuse what no file may hold: an address with a login, and signs that end a line or cannot be seen.

    Raises:
        RequestRefused: names the option; a login is not repeated.
    """
    for option, value in asked.said():
        if _LOGIN.search(value):
            raise RequestRefused(
                f"--{option} was given an address with a login, and no secret may stand in a file. Keep the address in "
                "an environment variable, and name that with --variable or --notify."
            )
        if not all(sign == " " or unicodedata.category(sign)[0] not in "CZ" for sign in value):
            raise RequestRefused(
                f"--{option} {value!r} has a line break, or another sign that cannot be seen. Write it on one line, "
                "with plain spaces."
            )


def parts(given: str) -> tuple[str, ...]:
    """What stands between commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))


def tier_of(given: str) -> Tier:
    """The tier that a text names, 2 for none."""
    if given and given not in _TIERS:
        raise RequestRefused(f"--tier {given!r} is unknown: {'; '.join(f'{n} {what}' for n, what in _TIERS.items())}.")
    return Tier(int(given or Tier.REVIEWED))


def kind_of(given: str) -> Kind:
    """The kind that a text names, if it can be generated."""
    kind = word(Kind, given, "--type")
    if kind not in KINDS:
        raise RequestRefused(f"--type {kind} is not written yet. Written: {', '.join(KINDS)}.")
    return kind


def combination_of(kind: Kind, module: KindModule, asked: Asked) -> Combination:
    """What is asked of a kind, what was not said taken from the first combination that has what was.

    Raises:
        RequestRefused: a word is unknown, or there is no such combination.
    """
    source = word(Source, asked.source, "--source") if asked.source else None
    destination = word(Destination, asked.destination, "--destination") if asked.destination else None
    mode = word(Mode, asked.mode, "--mode") if asked.mode else None
    existing = [one for row in module.ROWS for one in row.combinations()]
    for one in existing:
        if source in (None, one.source) and destination in (None, one.destination) and mode in (None, one.mode):
            return one
    first = next((one for one in existing if source in (None, one.source)), existing[0])
    wanted = Combination(source or first.source, destination or first.destination, mode or first.mode)
    found = look_up(module.ROWS, module.REFUSALS, wanted)
    if isinstance(found, Refused):
        raise RequestRefused(
            f"--type {kind} {wanted} is not written: {found.reason}. "
            f"The nearest that is: --type {kind} {found.nearest}."
        )
    return wanted


def _refuse_untaken(kind: Kind, module: KindModule, asked: Asked) -> None:
    for option, _ in asked.said():
        if option in module.UNTAKEN:
            raise RequestRefused(f"--{option} is not taken by --type {kind}: {module.UNTAKEN[option]}. Leave it out.")


def _refuse_contradictions(asked: Asked, combination: Combination) -> None:
    if asked.watermark and combination.mode is not Mode.INCREMENTAL:
        raise RequestRefused(
            f"--watermark {asked.watermark} has no use with --mode {combination.mode}: only --mode incremental finds "
            "rows by a watermark. Leave --watermark out, or ask for --mode incremental."
        )
    if combination.mode is Mode.STREAMING and asked.schedule:
        raise RequestRefused("--schedule has no use with --mode streaming: a stream runs all the time. Leave it out.")
    if combination.mode is Mode.STREAMING and asked.catchup:
        raise RequestRefused("--catchup has no use with --mode streaming: it begins at the oldest event. Leave it out.")
    if asked.schema and combination.source is not Source.POSTGRES:
        raise RequestRefused(f"--schema has no use with --source {combination.source}: it is Postgres'. Leave it out.")
    if asked.retry_delay and asked.retries == "0":
        raise RequestRefused("--retry-delay has no use with --retries 0. Leave it out, or ask for --retries 1.")


def _some(given: str, option: str) -> tuple[str, ...]:
    """What stands between commas, of an option that names something when it is given."""
    found = parts(given)
    if given and not found:
        raise RequestRefused(f"{option} {given!r} names nothing. Leave it out, or name some with commas between.")
    return found


def _count(given: str) -> int:
    if not given.isdecimal() or int(given) > 100:
        raise RequestRefused(f"--retries {given!r} is no number of 0 to 100, such as 3.")
    return int(given)


def _length(given: str, option: str) -> timedelta:
    found = _LENGTH.fullmatch(given.strip().lower())
    if not found or not int(found[1]):
        raise RequestRefused(f"{option} {given!r} is no length of time: a number and s, m, h or d, such as 5m.")
    length = timedelta(**{_UNITS[found[2]]: int(found[1])})
    if length > _LONGEST:
        raise RequestRefused(f"{option} {given!r} is longer than a month: name less, such as 1d.")
    return length


def _address(given: str) -> str:
    name, address = parseaddr(given)
    if name or address != given or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", given):
        raise RequestRefused(f"--email-on-failure {given!r} is no address of mail, such as data@example.com.")
    return given


def _variable(given: str) -> str:
    if not _VARIABLE.fullmatch(given):
        raise RequestRefused(
            "--notify takes the name of a variable that holds the address, as an address often has a secret in it: "
            "SLACK_WEBHOOK_URL, for example. What was given stands in no file."
        )
    return given
