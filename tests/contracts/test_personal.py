import duckdb
import pytest

from dataeng_assets.contracts.checks.sql import literal
from dataeng_assets.contracts.personal import is_doubtful_name, is_usual_name, written_as_sql


@pytest.mark.parametrize(
    "name", ["email", "E-Mail", "PhoneNumber", "phone_number", "ip", "client_ip", "billing address", "FirstName", "zip"]
)
def test_usual_names_of_personal_columns_are_known_however_they_are_spelled(name: str) -> None:
    assert is_usual_name(name)
    assert is_doubtful_name(name)


@pytest.mark.parametrize("name", ["address_id", "email_count", "shipped_at", "zipper", "amount", "status", "recipe"])
def test_what_only_counts_dates_or_numbers_such_things_is_none(name: str) -> None:
    assert not is_doubtful_name(name)


@pytest.mark.parametrize(
    ("name", "table", "doubtful"),
    [
        ("name", "raw_customers", True),
        ("name", "", True),
        ("name", "products", False),
        ("name", "raw_supplies", False),
        ("name", "product_categories", False),
        ("StoreName", "orders", False),
        ("customer_name", "products", True),
        ("email", "products", True),
        ("review", "products", True),
    ],
)
def test_a_name_is_in_doubt_unless_it_is_that_of_a_thing(name: str, table: str, doubtful: bool) -> None:
    assert is_doubtful_name(name, table) is doubtful


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("ada@mail.example", "e-mail addresses"),
        ("10.0.0.1", "IP addresses"),
        ("2001:db8::1", "IP addresses"),
        ("+4930123456", "phone numbers"),
        ("+49 (30) 123-456", "phone numbers"),
        ("(030) 123 456", "phone numbers"),
        ("030/123456", "phone numbers"),
        ("DE89 3704 0044 0532 0130 00", "bank accounts (IBAN)"),
        ("GB82WEST12345698765432", "bank accounts (IBAN)"),
        ("2026-01-31", None),
        ("00123456", None),
        ("SKU-0012", None),
        ("1.2.3", None),
        ("0.5", None),
        ("", None),
    ],
)
def test_what_a_text_looks_like(text: str, what: str | None) -> None:
    conditions = written_as_sql(literal(text))
    with duckdb.connect() as connection:
        found = [name for name, sql in conditions.items() if connection.execute(f"select {sql}").fetchall()[0][0]]
    assert found == ([what] if what else [])
