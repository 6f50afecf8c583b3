"""Which columns probably tell who a person is, by their names and by how their values are written.

A guess for whoever proposes a contract; a person has the last word. One column too many only means that its values are
not shown. What a contract declares as personal belongs in the contract.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from dataeng_assets.contracts.checks.formats import format_sql
from dataeng_assets.contracts.checks.sql import literal

_USUAL = re.compile(
    r"(^|_)(e?mail|phone|mobile|fax|street|address|postal|postcode|zip|city|birth|born|gender|iban|bic|ssn|passport"
    r"|tax_id|passwd|password|ip|ip_address|user_?name|login|first_?name|last_?name|full_?name|given_?name|family_?name"
    r"|sur_?name|middle_?name|nick_?name|picture|photo|avatar|signature|note|notes|comment|comments)(_|\d|$)"
)
_DOUBTFUL = re.compile(
    r"(^|_)(name|dob|birthday|birthdate|age|sex|tel|telephone|cell|addr|zipcode|post_?code|account_?(no|number)"
    r"|card_?(no|number)|credit_?card|pan|licen[cs]e|national_?id|tax_?(no|number)|vat_?(no|number)|twitter|handle"
    r"|message|content|body|tweet|review|feedback)(_|\d|$)"
)
_THINGS = frozenset(
    (
        "article", "branch", "brand", "campaign", "category", "channel", "column", "company", "country", "currency",
        "dataset", "department", "device", "event", "field", "file", "host", "hostname", "item", "job", "model", "plan",
        "product", "project", "region", "role", "shop", "sku", "source", "state", "station", "status", "store",
        "supplier", "supply", "table", "tag", "task", "team", "type", "unit", "vendor", "warehouse",
    )
)  # fmt: skip
"""What has a name and is no person."""
_NO_VALUE = re.compile(r"_(id|count|at|on)$")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")

PHONE = r"(\+|\(|0)[0-9()./ -]*[()./ -][0-9()./ -]*[0-9]{2}|\+[0-9]{7,15}"
IBAN = r"[A-Z]{2}[0-9]{2}( ?[A-Z0-9]{4}){2,7}( ?[A-Z0-9]{1,3})?"


def is_usual_name(name: str) -> bool:
    """Whether a name is one that columns about people have."""
    plain = _plain(name)
    return bool(_USUAL.search(plain)) and not _NO_VALUE.search(plain)


def is_doubtful_name(name: str, table: str = "") -> bool:
    """Whether a column of this name may well tell who a person is: for when nobody was asked yet.

    Args:
        name: of the column.
        table: its table; the name of a product is none of a person.
    """
    plain = _plain(name)
    if _NO_VALUE.search(plain):
        return False
    if _USUAL.search(plain):
        return True
    of_thing = plain.rpartition("_name")[0] or (table and _plain(table))
    is_of_thing = any(word.removesuffix("s") in _THINGS or _single(word) in _THINGS for word in of_thing.split("_"))
    return bool(_DOUBTFUL.search(plain)) and not (plain.endswith("name") and is_of_thing)


def written_as_sql(text: str) -> Mapping[str, str]:
    """Conditions on a text that is there, by what it then looks like. Each may be NULL for an empty text."""
    return MappingProxyType(
        {
            "e-mail addresses": format_sql("email", text),
            "IP addresses": f"({format_sql('ipv4', text)} or {format_sql('ipv6', text)})",
            "phone numbers": f"regexp_full_match({text}, {literal(PHONE)})",
            "bank accounts (IBAN)": f"regexp_full_match({text}, {literal(IBAN)})",
        }
    )


def _plain(name: str) -> str:
    """In small letters, with underscores between its words: `CustomerName` is `customer_name`."""
    return _HUMPS.sub("_", name).strip("_").lower()


def _single(word: str) -> str:
    return word.removesuffix("ies") + "y" if word.endswith("ies") else word.removesuffix("es")
