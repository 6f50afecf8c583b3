"""What `dg scaffold defs` writes for a join: one of two streams that are declared, which loads at once."""

from typing import Any

import click
import dagster as dg

from dataeng_assets.components.kafka_topic import find_topics
from dataeng_assets.components.scaffold import is_plain_yaml, write
from dataeng_assets.contracts.model import Contract

_JOIN = """\
# Events of two streams that have equal keys and lie near each other in time.
type: {{type}}
attributes:
  # of the table: [silver, <domain of the left stream>, {{name}}]
  name: {{name}}
  # the stream whose events the rows are about
  left:
    stream: {left}
    # equals the key of the other side; several columns in the same order on both
    key: [{key}]
    # names in the table, each with a column of the stream; all columns, as left_<column>, without this
    # columns: {{{{order: order_id}}}}
  # the stream that is looked up
  right:
    stream: {right}
    key: [{key}]
  # how much earlier than its left event a right one may be
  before: PT0S
  # how much later it may be
  after: PT1H
  # inner for pairs alone; left for left events without any, too
  keeps: inner
"""


class IntervalJoinScaffolder(dg.Scaffolder[Any]):
    """A join of the first two streams that are declared, or of the only one with itself, by a column that both have."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write the join into its folder.

        Raises:
            UsageError: no stream is declared, or the first two have no column in common.
        """
        if not is_plain_yaml(request):
            return
        declared = find_topics(request.target_path.parent)
        if not declared:
            raise click.UsageError(
                f"A join needs streams, and none is declared in {request.target_path.parent}. Nothing was written. "
                "Scaffold a KafkaTopicComponent first."
            )
        (left, mine), (right, theirs) = declared[0], declared[min(1, len(declared) - 1)]
        text = _JOIN.format(left=left.stream_name, right=right.stream_name, key=_shared(mine, theirs))
        write(request, "defs.yaml", text)


def _shared(left: Contract, right: Contract) -> str:
    """A column that can be a key of both."""
    kinds = {column.name: column.type for column in right.columns}
    for column in left.columns:
        if kinds.get(column.name) == column.type and column.type.family in ("integer", "text", "date"):
            return column.name
    raise click.UsageError(
        f"{left.name} and {right.name} have no column in common that could be a key. Nothing was written. Write the "
        "declaration by hand: docs/explanation/joins.md."
    )
