"""The numbers that follow once it is decided what is built: windows, watermarks, checkpoints, schedules.

Each is where to begin, with its reason; measure, then change it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from dataeng_assets.advise.questions import Answers
from dataeng_assets.advise.units import DAY, HOUR, MINUTE, SECOND, time_text

_WINDOWS = (MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, DAY)
_SCHEDULES = (
    (DAY, "0 5 * * *"),
    (12 * HOUR, "0 5,17 * * *"),
    (6 * HOUR, "0 */6 * * *"),
    (4 * HOUR, "0 */4 * * *"),
    (3 * HOUR, "0 */3 * * *"),
    (2 * HOUR, "0 */2 * * *"),
    (HOUR, "0 * * * *"),
    (30 * MINUTE, "*/30 * * * *"),
    (15 * MINUTE, "*/15 * * * *"),
    (10 * MINUTE, "*/10 * * * *"),
    (5 * MINUTE, "*/5 * * * *"),
    (2 * MINUTE, "*/2 * * * *"),
    (MINUTE, "* * * * *"),
)
_LONGEST_CHECKPOINT = 10 * MINUTE
_SHORTEST_CHECKPOINT = SECOND / 10


@dataclass(frozen=True)
class Setting:
    """A number to begin with."""

    name: str
    value: str
    why: str


def settings(answers: Answers, chosen: Mapping[str, str], target: str) -> Mapping[str, tuple[Setting, ...]]:
    """What to set, by the name of the decision that it belongs to.

    Args:
        answers: all answers.
        chosen: the option of each decision, by name.
        target: the destination that was decided.
    """
    return {
        "processing": tuple(_processing(answers, chosen)),
        "window": tuple(_window(answers, chosen)),
        "state-backend": tuple(_state(answers, chosen)),
        "delivery": tuple(_delivery(chosen, target)),
    }


def schedule(latency: float) -> str:
    """The cron line whose runs follow each other twice within a latency: a result is as old as interval and run."""
    return next((cron for interval, cron in _SCHEDULES if interval <= latency / 2), _SCHEDULES[-1][1])


def runs_per_day(latency: float) -> float:
    """How often that is."""
    return DAY / next((interval for interval, _ in _SCHEDULES if interval <= latency / 2), _SCHEDULES[-1][0])


def checkpoint_interval(answers: Answers, chosen: Mapping[str, str]) -> float:
    """Seconds between checkpoints: half of what may be lost in a restart, and no longer than results may wait.

    What came since the last checkpoint is read again after a crash; the other half is for starting anew and for loading
    the state. A sink with transactions shows its records when the checkpoint ends.
    """
    longest = min(_LONGEST_CHECKPOINT, float(answers["recovery"]) / 2)
    if chosen["delivery"] == "exactly-once":
        longest = min(longest, float(answers["latency"]))
    return max(_SHORTEST_CHECKPOINT, longest)


def _processing(answers: Answers, chosen: Mapping[str, str]) -> Iterator[Setting]:
    latency = float(answers["latency"])
    if chosen["processing"] == "batch":
        yield Setting(
            "schedule",
            f"`{schedule(latency)}`",
            f"a result is as old as the interval and the run together, at most {time_text(latency)}",
        )
    elif chosen["processor"] == "platform":
        how = "`dataeng stream run`, a resident worker" if latency <= MINUTE else "the topic's sensor starts runs"
        yield Setting("how it runs", how, f"fresh within {time_text(latency)}")
    elif chosen["processor"] == "warehouse-native":
        yield Setting("target lag", time_text(latency), "what the warehouse is asked to keep")
    elif chosen["processor"] == "spark":
        yield Setting("trigger interval", time_text(latency / 2), "a record waits for one batch and is in the next")


def _window(answers: Answers, chosen: Mapping[str, str]) -> Iterator[Setting]:
    latency, lateness = float(answers["latency"]), float(answers["lateness"])
    if chosen["processing"] == "batch":
        yield Setting("read again", time_text(lateness), "each run reads what may have come late since the last one")
        return
    if chosen["window"] in ("tumbling", "sliding"):
        length = next((one for one in _WINDOWS if one >= latency), _WINDOWS[-1])
        yield Setting("window length", time_text(length), "the shortest usual one that is not shorter than the latency")
    if chosen["window"] == "session":
        yield Setting("session gap", "30 min", "what web analytics takes for the end of a visit")
    watermark = min(latency, lateness)
    yield Setting("watermark delay", time_text(watermark), "how long a window waits for what comes late")
    if lateness > watermark:
        yield Setting(
            "allowed lateness",
            time_text(lateness - watermark),
            "what is later than results may wait corrects them afterwards",
        )


def _state(answers: Answers, chosen: Mapping[str, str]) -> Iterator[Setting]:
    if chosen["state-backend"] == "tables":
        return
    if chosen["processor"] in ("kafka-streams", "ksqldb"):
        latency = float(answers["latency"])
        interval = min(latency, 0.1 if chosen["delivery"] == "exactly-once" else 30.0)
        yield Setting("commit interval", time_text(interval), "state and offsets are committed together, in topics")
        yield Setting(
            "standby replicas", "1", f"so that a restart takes less than {time_text(float(answers['recovery']))}"
        )
        return
    interval = checkpoint_interval(answers, chosen)
    recovery = time_text(float(answers["recovery"]))
    yield Setting(
        "checkpoint interval",
        time_text(interval),
        f"after a crash at most that much is read again, half of the {recovery} that are allowed"
        + (", and results appear with each checkpoint" if chosen["delivery"] == "exactly-once" else ""),
    )
    kept = float(answers["lateness"]) + (DAY if chosen["window"] == "session" else HOUR)
    yield Setting("state is kept for", time_text(kept), "the window and what may come late, else it grows for ever")


_EXACTLY_ONCE = {
    "platform": "rows and the next offset are one commit of the Delta table",
    "warehouse-native": "offset tokens of the warehouse's own streaming interface",
    "spark": "the checkpoint's batch number, written with the batch (txnAppId and txnVersion in Delta)",
    "flink": "two-phase commit: transactions that end with a checkpoint",
    "kafka-streams": "`processing.guarantee=exactly_once_v2`",
    "ksqldb": "`processing.guarantee=exactly_once_v2`",
    "beam": "a sink that writes by a record's own id, or Dataflow's exactly-once mode",
}


def _delivery(chosen: Mapping[str, str], target: str) -> Iterator[Setting]:
    if chosen["delivery"] == "exactly-once":
        yield Setting("by means of", _EXACTLY_ONCE[chosen["processor"]], "data and progress are written together")
        if target == "kafka":
            yield Setting("readers", "`isolation.level=read_committed`", "else they see what was aborted")
    elif chosen["delivery"] == "by-key":
        yield Setting("by means of", "MERGE or replaced partitions, by the contract's key", "a retry changes nothing")
