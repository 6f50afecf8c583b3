"""Nothing travels unencrypted or unauthenticated outside of the local environment."""

import copy
import ssl
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataeng_assets.kafka.cluster import Cluster, InsecureCluster
from dataeng_assets.kafka.errors import CertificateRefused
from dataeng_assets.kafka.secret import Secret

HUSH = "hush-hush, secret"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "PLAINTEXT is allowed in the local environment only"),
        ({"protocol": "SASL_PLAINTEXT", "username": "u", "password": "p"}, "allowed are SASL_SSL, SSL"),
        ({"protocol": "SSL"}, "nobody is authenticated"),
        (
            {"protocol": "SASL_SSL", "mechanism": "GSSAPI"},
            "allowed are PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
        ),
        ({"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "u"}, "needs username and password"),
        ({"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"}, "token_provider or token_url"),
        ({"protocol": "SSL", "certificate_file": "a"}, "key_file is missing"),
        ({"bootstrap": "", "allow_plaintext": True}, "the address is empty"),
    ],
)
def test_an_insecure_connection_is_refused_by_name(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InsecureCluster, match=said) as caught:
        Cluster(**{"bootstrap": "broker:9092", **settings})
    assert "Nothing was connected to" in str(caught.value)


def test_plaintext_is_allowed_where_the_caller_says_so() -> None:
    assert Cluster("a:1,b:2", allow_plaintext=True).options()["bootstrap_servers"] == ["a:1", "b:2"]


def secured(**more: Any) -> Cluster:
    settings = {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "username": "reader", "password": HUSH}
    return Cluster("broker:9093", **{**settings, **more})


def test_a_secret_is_handed_to_both_clients_and_never_printed() -> None:
    cluster = secured()
    assert cluster.options()["sasl_plain_password"] == HUSH
    assert cluster.librdkafka_options()["sasl.password"] == HUSH
    assert type(cluster.librdkafka_options()["sasl.password"]) is str
    shown = [
        repr(cluster),
        str(cluster),
        f"{cluster}",
        repr(cluster.options()),
        f"{cluster.password} {cluster.password!s}",
    ]
    assert not [text for text in shown if HUSH in text]
    assert repr(replace(cluster, username="other")).count(HUSH) == 0


def test_both_clients_check_certificate_and_host_name() -> None:
    context = secured().options()["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
    told = secured().librdkafka_options()
    assert told["enable.ssl.certificate.verification"] is True
    assert told["ssl.endpoint.identification.algorithm"] == "https"


def test_a_name_is_written_as_scram_demands_where_kafka_python_does_not() -> None:
    assert secured(username="a=b,c").options()["sasl_plain_username"] == "a=3Db=2Cc"
    assert secured(username="a=b,c").librdkafka_options()["sasl.username"] == "a=b,c"
    assert secured(username="a=b,c", mechanism="PLAIN").options()["sasl_plain_username"] == "a=b,c"


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for files in ({"ca_file": str(broken)}, {"certificate_file": "missing.pem", "key_file": "missing.key"}):
        with pytest.raises(CertificateRefused, match="cannot be used") as caught:
            secured(**files).options()
        assert next(iter(files.values())) in str(caught.value)


def test_a_secret_is_a_text_whatever_is_done_with_it() -> None:
    secret = Secret(HUSH)
    assert (secret, secret.encode(), secret.reveal()) == (HUSH, HUSH.encode(), HUSH)
    assert HUSH not in f"{secret} {secret!r} {secret:>40} {[secret]} {copy.deepcopy({'a': secret})}"
    assert (str(Secret()), repr(Secret())) == ("", "''")
