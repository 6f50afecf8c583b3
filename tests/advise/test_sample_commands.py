"""Each command that is advised is run to its end over the sample shop, and writes a pipeline."""

import shlex
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dataeng_assets.advise.advice import Contradicted, advise
from dataeng_assets.advise.command import Command
from dataeng_assets.advise.cost import USUAL_PRICES
from dataeng_assets.cli import app
from dataeng_assets.generate.request import Destination, Source
from dataeng_assets.orchestration.advised import is_written
from tests.advise.test_decide import CASES


def advised() -> Iterator[Command]:
    """The commands of the usual cases, and of every source with every destination, fresh or once a day."""
    asked = [case for cases in CASES for case in cases]
    asked += [
        {"source": source.value, "destination": destination.value, "latency": latency}
        for source, destination, latency in product(Source, Destination, ("1min", "1d"))
    ]
    for given in asked:
        try:
            advice = advise(given, USUAL_PRICES, is_written)
        except Contradicted:
            continue
        if advice.command is not None:
            yield advice.command


COMMANDS = {
    tuple(command.options[name] for name in ("type", "source", "destination", "mode")): command for command in advised()
}


def test_commands_of_most_kinds_are_advised() -> None:
    assert len(COMMANDS) >= 20
    assert {kind for kind, *_ in COMMANDS} >= {"dagster", "airflow", "dbt", "spark-streaming", "flink-sql", "ksqldb"}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=["-".join(named) for named in COMMANDS])
def test_what_is_advised_can_be_generated(command: Command, tmp_path: Path) -> None:
    words = shlex.split(str(command))[1:]
    done = CliRunner().invoke(app, [*words, "--tier", "3", "--output", str(tmp_path / "made")])
    assert done.exit_code == 0, done.output
    made = [file.name for file in (tmp_path / "made").rglob("*") if file.is_file()]
    assert "README.md" in made
    assert len(made) >= 3
