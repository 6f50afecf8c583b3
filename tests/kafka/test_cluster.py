"""Nothing travels unencrypted or unauthenticated outside of the local environment."""

from typing import Any

import pytest

from dataeng_assets.kafka.cluster import Cluster, InsecureCluster


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "PLAINTEXT is allowed in the local environment only"),
        ({"protocol": "SASL_PLAINTEXT", "username": "u", "password": "p"}, "allowed are SASL_SSL, SSL"),
        ({"protocol": "SSL"}, "nobody is authenticated"),
        ({"protocol": "SASL_SSL", "mechanism": "GSSAPI"}, "allowed are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
        ({"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "u"}, "needs username and password"),
        ({"bootstrap": "", "allow_plaintext": True}, "the address is empty"),
    ],
)
def test_an_insecure_connection_is_refused_by_name(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InsecureCluster, match=said) as caught:
        Cluster(**{"bootstrap": "broker:9092", **settings})
    assert "Nothing was connected to" in str(caught.value)


def test_plaintext_is_allowed_where_the_caller_says_so() -> None:
    assert Cluster("a:1,b:2", allow_plaintext=True).options()["bootstrap_servers"] == ["a:1", "b:2"]


def test_a_password_is_never_printed() -> None:
    cluster = Cluster("broker:9093", "SASL_SSL", "SCRAM-SHA-512", "reader", "a secret", ca_file="ca.pem")
    assert "a secret" not in repr(cluster)
    assert cluster.options()["sasl_plain_password"] == "a secret"
    assert cluster.options()["ssl_cafile"] == "ca.pem"
    assert cluster.options()["security_protocol"] == "SASL_SSL"
