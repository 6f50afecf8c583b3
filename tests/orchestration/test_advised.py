"""What is advised can be generated: each command is one that `dataeng generate` takes."""

import shlex
from collections.abc import Iterator
from itertools import product

import pytest
import typer

from dataeng_assets.advise.advice import Advice, Contradicted, advise
from dataeng_assets.advise.cost import USUAL_PRICES
from dataeng_assets.advise.questions import BY_NAME
from dataeng_assets.cli import app
from dataeng_assets.generate.asked import Asked, request_of
from dataeng_assets.orchestration.advised import is_written

ALWAYS = ("postgres",)
"""Sources from which something can always be generated, whatever the destination."""


def advices() -> Iterator[Advice]:
    names = ("source", "destination", "latency", "team", "volume")
    words = (
        BY_NAME["source"].answer,
        BY_NAME["destination"].answer,
        ("100ms", "30s", "1h", "1d"),
        BY_NAME["team"].answer,
        ("1GB/day", "5TB/day"),
    )
    for values in product(*words):  # type: ignore[arg-type]  # none of these answers is a quantity
        given = dict(zip(names, values, strict=True))
        clouds = {"kinesis": "aws", "pubsub": "gcp", "redshift": "aws", "bigquery": "gcp"}
        cloud = clouds.get(given["source"]) or clouds.get(given["destination"]) or "aws"
        try:
            yield advise({**given, "cloud": cloud}, USUAL_PRICES, is_written)
        except Contradicted:
            continue


ADVICES = list(advices())


def test_each_command_that_is_advised_is_taken_by_the_command_line_and_not_refused() -> None:
    commands = {str(one.command): one.command.options for one in ADVICES if one.command}
    group = typer.main.get_command(app)
    generate = group.commands["generate"]  # type: ignore[attr-defined]
    assert commands
    for text, options in commands.items():
        words = shlex.split(text)
        assert words[:2] == ["dataeng", "generate"]
        generate.make_context("generate", words[2:])
        request_of(Asked(**options), "advised")


@pytest.mark.parametrize("source", ALWAYS)
def test_there_is_a_command_whatever_the_destination(source: str) -> None:
    of_source = [one for one in ADVICES if one.answers["source"] == source]
    assert of_source
    assert [one.answers for one in of_source if one.command is None] == []


def test_what_is_not_what_was_advised_is_remarked() -> None:
    for one in ADVICES:
        if one.command and one.command.options["destination"] != one.target:
            assert any("the nearest that is" in remark for remark in one.command.remarks)


def test_a_combination_that_does_not_exist_is_not_written() -> None:
    assert not is_written({"type": "dagster", "source": "pubsub", "destination": "kafka", "mode": "full"})
    assert is_written({"type": "dagster", "source": "postgres", "destination": "delta", "mode": "incremental"})
