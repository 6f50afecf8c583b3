"""Skew in a Spark log: how long the tasks of each stage took, as its scheduler tells when they end."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TASK = re.compile(r"Finished task [\d.]+ in stage (?P<stage>[\d.]+) \(TID \d+\) in (?P<milliseconds>\d+) ms")
HINT = "Finished task"
"""In every line that tells of a task."""
_FEWEST_TASKS = 8
_SLOW_MILLISECONDS = 10_000
_TIMES_THE_MEDIAN = 5
_STEPS_PER_DOUBLING = 8  # durations are counted in classes, so that memory does not follow the number of tasks
_MOST_STAGES = 10_000


@dataclass
class _Stage:
    slowest: int = 0
    slowest_line: int = 0
    tasks: int = 0
    classes: dict[int, int] = field(default_factory=dict)

    def median(self) -> float:
        passed = 0
        for step, count in sorted(self.classes.items()):
            passed += count
            if passed * 2 >= self.tasks:
                return float(2 ** (step / _STEPS_PER_DOUBLING))
        return 0.0


class TaskTimes:
    """Collects the durations of tasks, line by line."""

    def __init__(self) -> None:
        self._stages: dict[str, _Stage] = {}

    def take(self, line: str, number: int) -> None:
        """Look at a line."""
        found = _TASK.search(line) if HINT in line else None
        if found is None or (found["stage"] not in self._stages and len(self._stages) >= _MOST_STAGES):
            return
        stage = self._stages.setdefault(found["stage"], _Stage())
        milliseconds = max(1, int(found["milliseconds"]))
        stage.tasks += 1
        step = round(_STEPS_PER_DOUBLING * math.log2(milliseconds))
        stage.classes[step] = stage.classes.get(step, 0) + 1
        if milliseconds > stage.slowest:
            stage.slowest, stage.slowest_line = milliseconds, number

    def skewed(self) -> Iterator[str]:
        """Each skewed stage, in words."""
        for name, stage in self._stages.items():
            median = stage.median()
            is_slow = stage.slowest >= max(_SLOW_MILLISECONDS, median * _TIMES_THE_MEDIAN)
            if stage.tasks >= _FEWEST_TASKS and is_slow:
                yield (
                    f"stage {name}: the slowest of {stage.tasks} tasks took {stage.slowest:,} ms (line "
                    f"{stage.slowest_line}), the median about {median:,.0f} ms"
                )
