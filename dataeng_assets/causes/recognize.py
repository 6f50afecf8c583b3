"""Which causes the words of a log or of a failure prove, line by line. Opening files belongs in `doctor`."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from dataeng_assets.causes.patterns import PATTERNS, Pattern
from dataeng_assets.causes.skew import HINT, TaskTimes

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d|\d\d/\d\d/\d\d \d\d:\d\d:\d\d")
_BAD = re.compile(r"\b(?:ERROR|FATAL|PANIC|CRITICAL)\b|Traceback \(most recent call last\)")
EXAMPLES = 3
_STRETCH = 256 * 1024  # characters
_WORDS = {HINT} | {word for one in PATTERNS for word in (one.hint, one.only_in, one.over) if word}


@dataclass
class Hits:
    """The lines that one pattern was found in."""

    count: int = 0
    said: dict[str, tuple[int, str]] = field(default_factory=dict)
    last: int = 0

    def add(self, said: str, number: int, moment: str) -> None:
        """Count a line; of those that say something else than the others, a few are kept with number and moment."""
        self.count, self.last = self.count + 1, number
        if len(self.said) < EXAMPLES:
            self.said.setdefault(said, (number, moment))


class Judge:
    """Takes lines one by one and remembers what they prove, in bounded memory."""

    def __init__(self) -> None:
        self.lines = 0
        self.tasks = TaskTimes()
        self.hits: dict[int, Hits] = {}
        self._markers = {pattern.only_in: False for pattern in PATTERNS if pattern.only_in}
        self._over = {pattern.over for pattern in PATTERNS if pattern.over}
        self._bad = Hits()

    def take_all(self, lines: Iterable[str]) -> None:
        """Take many lines; a stretch in which nothing of interest stands is passed over at once."""
        stretch: list[str] = []
        size = 0
        try:
            for line in lines:
                stretch.append(line)
                size += len(line)
                if size >= _STRETCH:
                    taken, stretch, size = stretch, [], 0
                    self._take_stretch(taken)
        finally:  # what was read before a log breaks off counts
            self._take_stretch(stretch)

    def _take_stretch(self, stretch: Sequence[str]) -> None:
        text = "\n".join(stretch)
        if not any(word in text for word in _WORDS) and not _BAD.search(text):
            self.lines += len(stretch)
            return
        for line in stretch:
            self.take(line)

    def take(self, line: str) -> None:
        """Take one line."""
        self.lines += 1
        self.tasks.take(line, self.lines)
        for marker, seen in self._markers.items():
            if not seen and marker in line:
                self._markers[marker] = True
        for over in self._over:
            if over in line:
                self.hits = {n: hits for n, hits in self.hits.items() if PATTERNS[n].over != over}
        is_known = [
            self._match(number, pattern, line) for number, pattern in enumerate(PATTERNS) if pattern.hint in line
        ]
        if not any(is_known) and _BAD.search(line):
            self._bad.add("", self.lines, "")

    def _match(self, number: int, pattern: Pattern, line: str) -> bool:
        found = pattern.line.search(line)
        if found is None:
            return False
        moment = _MOMENT.search(line)
        words = {name: value or "unknown" for name, value in found.groupdict().items()}
        self.hits.setdefault(number, Hits()).add(pattern.says.format(**words), self.lines, moment[0] if moment else "")
        return True

    def unexplained(self) -> tuple[int, int]:
        """How many lines tell of errors that nothing here explains, and the first of them."""
        of_others = [hits for number, hits in self.hits.items() if not self._is_of_its_system(PATTERNS[number])]
        counted = [hits for hits in (self._bad, *of_others) if hits.count]
        first = min((number for hits in counted for number, _ in hits.said.values()), default=0)
        return sum(hits.count for hits in counted), first

    def _is_of_its_system(self, pattern: Pattern) -> bool:
        return not pattern.only_in or self._markers[pattern.only_in]

    def proofs(self) -> Iterator[tuple[str, str, Hits]]:
        """Cause, system and lines of each pattern that counts."""
        for number, hits in sorted(self.hits.items()):
            pattern = PATTERNS[number]
            if hits.count >= pattern.at_least and self._is_of_its_system(pattern):
                yield pattern.cause, pattern.system, hits


def causes_in(text: str) -> dict[str, tuple[str, ...]]:
    """What the words of a failure prove: proofs by cause."""
    judge = Judge()
    for line in text.splitlines():
        judge.take(line)
    found: dict[str, tuple[str, ...]] = {}
    for cause, _, hits in judge.proofs():
        found[cause] = (*found.get(cause, ()), *hits.said)
    return found
