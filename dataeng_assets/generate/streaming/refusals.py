"""Why combinations and options are refused, where several streaming kinds say the same.

What one kind alone refuses stands in its own folder.
"""

from collections.abc import Mapping

from dataeng_assets.generate.matrix import Refusal
from dataeng_assets.generate.request import Destination, Source

_OF_A_SCHEDULE = ("schedule", "catchup", "retries", "retry-delay", "timeout", "email-on-failure", "notify")
ONE_MODE = "a stream of events knows one mode: streaming"


def topics_only(system: str) -> tuple[Refusal, ...]:
    """What is told to who asks a system for more than reading a topic and writing others.

    Args:
        system: its name, as a sentence begins with it.
    """
    return (
        Refusal(
            f"{system} reads topics; --type kafka-connect brings a table's changes into one", source=Source.POSTGRES
        ),
        Refusal(f"{system} reads topics of Kafka", source=Source.KINESIS),
        Refusal(f"{system} reads topics of Kafka", source=Source.PUBSUB),
        Refusal(f"{system} reads topics; --type kafka-producer sends lines to one", source=Source.FILES),
        Refusal(ONE_MODE, destination=Destination.KAFKA),
        Refusal(
            f"{system} writes topics; from there --type kafka-connect writes Iceberg, Snowflake and BigQuery, --type "
            "spark-streaming Delta and Postgres, and --type dbt --mode streaming what a warehouse takes in by itself"
        ),
    )


def of_the_warehouse(destination: Destination) -> str:
    """The command that writes how a warehouse takes in a topic by its own means."""
    return f"`dataeng generate --type dbt --source kafka --destination {destination} --mode streaming`"


def no_schedule(reason: str) -> Mapping[str, str]:
    """The options of a schedule, by their names on the command line, with why a stream does not take them."""
    return dict.fromkeys(_OF_A_SCHEDULE, reason)
