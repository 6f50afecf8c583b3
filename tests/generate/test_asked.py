"""What is asked for in words is checked: what does not exist or contradicts itself is refused with what is nearest."""

from datetime import timedelta
from typing import Any

import pytest

from dataeng_assets.generate.asked import Asked, request_of
from dataeng_assets.generate.request import Destination, Mode, Request, RequestRefused, Source, Tier


def asked(**options: Any) -> Request:
    return request_of(Asked(**{"type": "dagster", **options}), options.get("name", "extract_shop"))


def test_what_was_not_said_is_filled_in() -> None:
    request = asked()
    assert (request.source, request.destination, request.mode) == (Source.POSTGRES, Destination.DELTA, Mode.INCREMENTAL)
    assert (request.schedule, request.tier, request.owner) == ("0 5 * * *", Tier.REVIEWED, "data")
    stream = asked(source="kafka")
    assert (stream.mode, stream.schedule) == (Mode.STREAMING, "")


def test_the_command_makes_the_same_again() -> None:
    request = asked(tables="orders,customers", schedule="0 5 * * *", tier="3")
    assert request.command == (
        "dataeng generate --type dagster --tables orders,customers --schedule '0 5 * * *' --tier 3"
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"type": "dagstr"}, "Did you mean 'dagster'?"),
        ({"type": "luigi"}, "Known: dagster, airflow"),
        ({"source": "postgre"}, "Did you mean 'postgres'?"),
        ({"destination": "snowflak"}, "Did you mean 'snowflake'?"),
        ({"mode": "incrementel"}, "Did you mean 'incremental'?"),
        ({"tier": "4"}, "3 writes files and opens no connection"),
        ({"mode": "changes"}, "does not read the database's log of changes yet. The nearest that is: --type dagster"),
        ({"destination": "snowflake"}, "--source postgres --destination delta --mode incremental"),
        ({"source": "kinesis"}, "The nearest that is: --type dagster --source"),
        ({"mode": "full", "watermark": "updated_at"}, "ask for --mode incremental"),
        ({"source": "kafka", "schedule": "0 5 * * *"}, "a stream runs all the time. Leave it out."),
        ({"source": "kafka", "schema": "public"}, "--schema has no use with --source kafka"),
        ({"schedule": "0 5 * *"}, "4 fields and not 5. An example: `0 5 * * *`"),
        ({"retries": "3"}, "--retries is not taken by --type dagster"),
        ({"catchup": "yes"}, "--catchup is not taken by --type dagster"),
        ({"name": "My Shop"}, "try 'my_shop'"),
        ({"name": "1st"}, "try 'pipeline_1st'"),
        ({"name": "class"}, "is a word of Python's own; try 'class_pipeline'"),
        ({"name": "it's"}, "try 'it_s'"),
        ({"owner": "a\nb"}, "--owner 'a\\nb' has a line break"),
        ({"tags": ","}, "--tags ',' names nothing"),
        ({"type": "airflow", "email_on_failure": "nobody"}, "is no address of mail, such as data@example.com"),
        ({"type": "airflow", "email_on_failure": " , "}, "--email-on-failure ' , ' names nothing"),
        ({"type": "airflow", "timeout": "40d"}, "--timeout '40d' is longer than a month"),
        ({"type": "airflow", "timeout": "99999999999999d"}, "is no length of time"),
        ({"type": "airflow", "retry_delay": "2h"}, "leaves no time for a second try: a run ends after --timeout 2h"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_is_nearest(options: dict[str, str], said: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        asked(**options)
    assert said in str(refused.value)


def test_of_a_long_time_the_unit_is_said() -> None:
    from dataeng_assets.generate.asked import _length

    assert _length("45m", "--timeout") == timedelta(minutes=45)
    for nonsense in ("", "5", "0s", "-1m", "5 minutes", "PT5M"):
        with pytest.raises(RequestRefused, match="such as 5m"):
            _length(nonsense, "--timeout")


@pytest.mark.parametrize("option", ["variable", "notify", "owner", "source"])
def test_an_address_with_a_login_is_refused_and_not_repeated(option: str) -> None:
    with pytest.raises(RequestRefused, match=f"--{option} was given an address with a login") as refused:
        asked(type="airflow", **{option: "postgresql://somebody:hush@db.example.com/shop"})
    assert "hush" not in str(refused.value)
