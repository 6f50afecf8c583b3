"""The steps of a run, as an orchestrator calls them: extract, load, check, build, clean.

Each opens what it needs and closes it again, takes and gives plain values, and may be run again.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .config import Config, read_config
from .destination import Destination
from .errors import ExtractionError
from .progress import Progress, Staged
from .staging import Staging

log = logging.getLogger(__name__)

Extract = Callable[[Config, str, Mapping[str, Progress | None], Staging, Any], list[Staged]]
OpenDestination = Callable[[str, Path, str], Destination]


class CheckFailed(ExtractionError):
    """Loaded rows break what their contract demands; the models were not built from them."""


@dataclass(frozen=True)
class Steps:
    """The steps of one pipeline.

    Attributes:
        project: the folder with `extraction.yaml`, `sql`, `checks` and `models`.
        extract_from: reads the source.
        open_destination: opens the destination.
    """

    project: Path
    extract_from: Extract
    open_destination: OpenDestination

    @property
    def config(self) -> Config:
        """What `extraction.yaml` says."""
        return read_config(self.project / "extraction.yaml")

    def extract(
        self, source: str, destination: str, staging: str, run: str, window: Any = None
    ) -> dict[str, dict[str, Any]]:
        """Read all tables into the staging folder; gives what was staged, by table.

        Args:
            source: its address.
            destination: its address; the progress is kept there.
            staging: a folder or address that every worker can read.
            run: the run's name.
            window: what is read again; None reads what no earlier run has seen.
        """
        config = self.config
        with self._opened(destination) as opened:
            opened.prepare(config)
            stored = opened.progress([table.name for table in config.tables])
        found = self.extract_from(config, source, stored, Staging(staging, run), window)
        for one in found:
            log.info("%s: %d rows staged, by %s %s", one.table, one.rows, one.method, "; ".join(one.notes))
        return {one.table: one.to_json() for one in found}

    def load(self, destination: str, staged: Mapping[str, Any]) -> dict[str, int]:
        """Merge the rows of one table, prove that they are there, and store the progress."""
        one = Staged.from_json(staged)
        with self._opened(destination) as opened:
            loaded = opened.load(self.config.table(one.table), one)
        log.info("%s: %d rows loaded and proven, %d removed", one.table, loaded.rows, loaded.removed)
        return asdict(loaded)

    def check(self, destination: str) -> dict[str, int]:
        """Count the rows that break each check; gives those that are not zero.

        Raises:
            CheckFailed: a check of severity error is broken.
        """
        broken: dict[str, int] = {}
        errors: list[str] = []
        with self._opened(destination) as opened:
            for path in sorted((self.project / "checks").glob("*/*.sql")):
                said, _, statement = path.read_text("utf-8").partition("\n")
                rows = opened.count(statement.strip().removesuffix(";"))
                if rows:
                    broken[f"{path.parent.name}/{path.stem}"] = rows
                    message = f"{path.parent.name}/{path.stem}: {rows} rows. {said.removeprefix('-- ')}"
                    log.warning(message)
                    errors += [message] if said.startswith("-- error:") else []
        if errors:
            raise CheckFailed(
                f"{' '.join(errors)} The rows are loaded, the models were not built from them. Correct the source and "
                "run again, or change the contract and generate again."
            )
        return broken

    def build(self, destination: str) -> list[str]:
        """Make the models, in the order of their file names; gives their names."""
        built = []
        with self._opened(destination) as opened:
            for path in sorted((self.project / "models").glob("*.sql")):
                _, kind, name = path.stem.split(".")
                opened.build(name, path.read_text("utf-8").strip().removesuffix(";"), kind)
                built.append(name)
        return built

    def clean(self, staging: str, run: str) -> None:
        """Remove what the run staged."""
        Staging(staging, run).remove()

    @contextmanager
    def _opened(self, address: str) -> Iterator[Destination]:
        opened = self.open_destination(address, self.project, self.config.target_schema)
        try:
            yield opened
        finally:
            opened.close()
