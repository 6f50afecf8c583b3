"""What is advised can be generated: each command is one that `dataeng generate` takes."""

import shlex
from itertools import product

import pytest
import typer

from dataeng_assets.advise.command import Command, build_command
from dataeng_assets.advise.contradictions import completed, is_consistent
from dataeng_assets.advise.decide import decide, target
from dataeng_assets.advise.questions import BY_NAME, USUAL, read_answers
from dataeng_assets.cli import app
from dataeng_assets.generate.asked import Asked, request_of
from dataeng_assets.orchestration.advised import is_written

ALWAYS = ("postgres", "kafka")
"""Sources from which something can always be generated, whatever the destination."""

CLOUDS = {"kinesis": "aws", "pubsub": "gcp", "redshift": "aws", "bigquery": "gcp"}
Asking = tuple[str, ...]


def advised(source: str, destination: str, latency: str, team: str, volume: str) -> tuple[str, Command | None] | None:
    """The destination that is decided and the command; nothing where the answers contradict each other."""
    cloud = CLOUDS.get(source) or CLOUDS.get(destination) or "aws"
    said = {"source": source, "destination": destination, "latency": latency, "team": team, "volume": volume}
    answers, _ = completed(read_answers({**said, "cloud": cloud}), USUAL)
    if not is_consistent(answers):
        return None
    chosen = {one.decision.name: one.chosen.option.name for one in decide(answers)}
    goes_to = target(answers, chosen["storage"])
    return goes_to, build_command(answers, chosen, goes_to, is_written)


@pytest.fixture(scope="module")
def commands() -> dict[Asking, tuple[str, Command | None]]:
    asked = product(
        BY_NAME["source"].answer,  # type: ignore[arg-type]  # is no quantity
        BY_NAME["destination"].answer,  # type: ignore[arg-type]  # is no quantity
        ("100ms", "30s", "1d"),
        ("sql", "jvm"),
        ("1GB/day", "5TB/day"),
    )
    return {one: found for one in asked if (found := advised(*one))}


def test_each_command_that_is_advised_is_taken_by_the_command_line_and_not_refused(
    commands: dict[Asking, tuple[str, Command | None]],
) -> None:
    found = {str(command): command.options for _, command in commands.values() if command}
    assert found
    group = typer.main.get_command(app)
    generate = group.commands["generate"]  # type: ignore[attr-defined]  # dataeng is a group
    for text, options in found.items():
        words = shlex.split(text)
        assert words[:2] == ["dataeng", "generate"]
        generate.make_context("generate", words[2:])
        request_of(Asked(**options), "advised")


@pytest.mark.parametrize("source", ALWAYS)
def test_there_is_a_command_whatever_the_destination(
    source: str, commands: dict[Asking, tuple[str, Command | None]]
) -> None:
    of_source = {asked: command for asked, (_, command) in commands.items() if asked[0] == source}
    assert of_source
    assert [asked for asked, command in of_source.items() if command is None] == []


def test_another_destination_than_was_decided_is_remarked(commands: dict[Asking, tuple[str, Command | None]]) -> None:
    for goes_to, command in commands.values():
        if command and command.options["destination"] != goes_to:
            assert any(f"to {goes_to}" in remark for remark in command.remarks)


def test_a_combination_that_does_not_exist_is_not_written() -> None:
    assert not is_written({"type": "dagster", "source": "pubsub", "destination": "kafka", "mode": "full"})
    assert is_written({"type": "dagster", "source": "postgres", "destination": "delta", "mode": "incremental"})
