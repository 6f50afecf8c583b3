"""A source that cannot be reached says so, without a word of the password."""

import psycopg
import pytest

from dataeng_assets.postgres.connect import address, connect
from dataeng_assets.postgres.errors import SourceAway, SourceRefused

PASSWORD = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        (f"postgresql://u:{PASSWORD}@127.0.0.1:1/shop", SourceAway),
        (f"postgresql://u:{PASSWORD}@nowhere.invalid:5432/shop", SourceAway),
        (f"postgresql://u:{PASSWORD} {PASSWORD}@127.0.0.1:1/shop", SourceRefused),
        (f"host=127.0.0.1 password='{PASSWORD}", SourceRefused),
        (f"postgresql://u:{PASSWORD}@127.0.0.1:badport/shop", SourceRefused),
    ],
)
def test_an_address_that_leads_nowhere_is_named_without_its_password(url, kind):
    with pytest.raises(kind) as raised:
        connect(url, "test")
    assert PASSWORD not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.retryable == (kind is SourceAway)


def test_an_address_shows_host_port_and_database_only():
    assert address(f"postgresql://u:{PASSWORD}@db.example:5433/shop?sslmode=require") == "db.example:5433/shop"
    assert address(f"host=db.example user=u password='{PASSWORD}") == "the source"


@pytest.mark.server
@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"dbname": "no_such_database"}, {"user": "no_such_user"}])
def test_a_server_that_refuses_us_is_not_asked_again(database, wrong):
    url = psycopg.conninfo.make_conninfo(database, **wrong)
    with pytest.raises(SourceRefused, match="refused the connection") as raised:
        connect(url, "test")
    assert not raised.value.retryable
    password = psycopg.conninfo.conninfo_to_dict(url).get("password")
    assert not password or str(password) not in str(raised.value)


@pytest.mark.server
def test_a_session_prints_text_that_does_not_depend_on_the_servers_settings(database):
    with psycopg.connect(database, autocommit=True) as admin:
        name = admin.info.dbname
        for setting in (
            "TimeZone = 'Asia/Tokyo'",
            "DateStyle = 'German'",
            "extra_float_digits = -5",
            "bytea_output = escape",
        ):
            admin.execute(f"ALTER DATABASE {name} SET {setting}")
        admin.execute(f"ALTER DATABASE {name} SET statement_timeout = '200ms'")
    with connect(database, "test") as connection:
        connection.execute("SELECT pg_sleep(0.4)")
        row = connection.execute(
            "SELECT '2026-01-31 00:00:00+00'::timestamptz::text, 0.1::float8::text, '\\xff'::bytea::text,"
            " '1 mon'::interval::text, current_setting('row_security'), current_setting('application_name')"
        ).fetchone()
    assert row == ("2026-01-31 00:00:00+00", "0.1", "\\xff", "P1M", "off", "test")
