"""The rights that are asked for are the smallest that do."""

import pytest

from dataeng_assets.kafka.acl import Acl, needed


def test_a_reader_may_read_and_a_producer_may_write_and_neither_may_do_more() -> None:
    assert needed("clicks", reader="reader", producer="shop") == (
        Acl("User:reader", "DESCRIBE_CONFIGS", "TOPIC", "clicks"),
        Acl("User:reader", "READ", "TOPIC", "clicks"),
        Acl("User:shop", "WRITE", "TOPIC", "clicks"),
    )


def test_nobody_is_granted_what_nobody_is_named_for() -> None:
    assert needed("clicks", reader=None, producer=None) == ()
    assert {acl.operation for acl in needed("clicks", reader=None, producer="shop")} == {"WRITE"}


def test_a_principal_may_be_written_out() -> None:
    assert needed("clicks", reader=None, producer="User:CN=shop") == (Acl("User:CN=shop", "WRITE", "TOPIC", "clicks"),)


@pytest.mark.parametrize("user", ["", "*", "User:*", "User: "])
def test_everybody_and_nobody_are_refused(user: str) -> None:
    with pytest.raises(ValueError, match="Name one user"):
        needed("clicks", reader=user, producer=None)
