"""Logging in to a real broker with TLS, passwords, certificates, tokens and rights, and being refused: both readers."""

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from dataeng_assets.kafka.acl import Acl, needed
from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import CertificateRefused, NotAuthenticated, NotAuthorized, TokenMissing
from dataeng_assets.kafka.handshake import shake_hands
from dataeng_assets.kafka.producer import Outgoing, Producer
from dataeng_assets.kafka.reader import READERS, open_reader
from dataeng_assets.kafka.records import Range
from dataeng_assets.kafka.secret import Secret
from dataeng_assets.kafka.security import Security, read_security
from dataeng_assets.kafka.tokens import Token
from dataeng_assets.kafka.topic_admin import TopicAdmin
from dataeng_assets.local import certificates, secure_kafka
from dataeng_assets.testing.secured import SecuredBroker

pytestmark = pytest.mark.server

PATIENCE = timedelta(seconds=3)
HUSH = "Hush-Hush-Password-7"


@pytest.fixture(scope="module")
def topic(secure_broker: SecuredBroker) -> str:
    """A topic with two records, which the reader may read and the producer may write."""
    name = "clicks"
    kafka = secure_broker.kafka
    with closing(KafkaAdminClient(**kafka.admin_options())) as admin:
        admin.create_topics([NewTopic(name, 1, 1), NewTopic("others", 1, 1)])
    with TopicAdmin(login(secure_broker, secure_kafka.ADMIN)) as rights:
        rights.grant(needed(name, reader=secure_kafka.READER, producer=secure_kafka.PRODUCER))
    with Producer(login(secure_broker, secure_kafka.PRODUCER), name) as producer:
        for number in range(2):
            producer.send(number, Outgoing(b"%d" % number, b"k"))
    return name


@pytest.fixture(params=READERS)
def cluster(secure_broker: SecuredBroker, request: pytest.FixtureRequest) -> Cluster:
    return replace(login(secure_broker, secure_kafka.READER), reader=request.param)


def login(broker: SecuredBroker, user: str) -> Cluster:
    security = read_security(secure_kafka.login(broker.kafka, user))
    return security.cluster(broker.kafka.bootstrap, allow_plaintext=False, reader="confluent-kafka")


def read(cluster: Cluster, topic: str) -> list[bytes]:
    """All records of a topic, after its offsets were asked for as every run does."""
    with Admin(cluster) as admin:
        end = admin.describe(topic).ends[0]
        assert not admin.compacts(topic)
    with open_reader(cluster, topic, timeout=PATIENCE) as reader:
        return reader.read({0: Range(0, end)})["value"].to_pylist()


def refused(cluster: Cluster, topic: str) -> list[str]:
    """What each of the two clients that a run uses says when it is refused; fails when one is not."""
    told = []
    for connect in (lambda: Admin(cluster), lambda: open_reader(cluster, topic, timeout=PATIENCE)):
        with pytest.raises((NotAuthenticated, CertificateRefused)) as caught:
            connect()
        assert not caught.value.retryable
        told.append(str(caught.value))
    return told


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
def test_a_password_logs_in(cluster: Cluster, topic: str, mechanism: str) -> None:
    assert read(replace(cluster, mechanism=mechanism), topic) == [b"0", b"1"]


@pytest.mark.parametrize("encrypted", [False, True], ids=["a key", "an encrypted key"])
def test_a_certificate_logs_in(
    secure_broker: SecuredBroker, topic: str, cluster: Cluster, tmp_path: Path, encrypted: bool
) -> None:
    reader = certificates.signed(secure_broker.authority, secure_kafka.READER)
    proof = tmp_path / "reader.pem"
    proof.write_bytes(reader.key_pem(HUSH if encrypted else "") + reader.pem)
    ours = certified(secure_broker, cluster, proof, key_password=HUSH if encrypted else "")
    assert read(ours, topic) == [b"0", b"1"]
    if encrypted:
        with pytest.raises(CertificateRefused, match="key_password_variable") as caught:
            Admin(replace(ours, key_password="wrong"))
        assert HUSH not in str(caught.value)


def certified(broker: SecuredBroker, cluster: Cluster, proof: Path, **more: Any) -> Cluster:
    address = broker.kafka.certificate_bootstrap
    files = {"certificate_file": str(proof), "key_file": str(proof)}
    return replace(cluster, bootstrap=address, protocol="SSL", **files, **more)


def test_a_token_logs_in_and_the_broker_checks_it(secure_broker: SecuredBroker, topic: str, cluster: Cluster) -> None:
    def by(user: str, **more: Any) -> Cluster:
        value, ends = secure_broker.token(user, **more)
        return replace(cluster, mechanism="OAUTHBEARER", token=lambda: Token(value, ends))

    assert read(by(secure_kafka.READER), topic) == [b"0", b"1"]
    with pytest.raises(NotAuthorized):
        read(by("stranger"), topic)
    good = secure_broker.token(secure_kafka.READER)[0]
    forged = replace(cluster, mechanism="OAUTHBEARER", token=lambda: Token(good[:-8] + "AAAAAAAA", 4e9))
    for wrong in (by(secure_kafka.READER, seconds=-300), forged):
        for told in refused(wrong, topic):
            assert "did not believe who we are" in told
            assert good[-40:] not in told


@dataclass
class TokenServer:
    """The token endpoint of an OIDC server, and what was asked of it."""

    url: str
    asked: list[tuple[str, dict[str, list[str]]]]


@pytest.fixture
def token_server(secure_broker: SecuredBroker) -> Iterator[TokenServer]:
    asked: list[tuple[str, dict[str, list[str]]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            asked.append((self.headers["Authorization"], form))
            known = self.headers["Authorization"] == "Basic dXM6SHVzaC1IdXNoLVBhc3N3b3JkLTc="
            answer = {"access_token": secure_broker.token(secure_kafka.READER)[0], "expires_in": 300}
            self.send_response(200 if known else 401)
            self.end_headers()
            self.wfile.write(json.dumps(answer if known else {"error": "invalid_client"}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield TokenServer(f"http://127.0.0.1:{server.server_port}/token", asked)
        server.shutdown()
        thread.join()


def test_a_token_of_a_server_logs_in_and_is_kept(
    token_server: TokenServer, topic: str, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(HUSH)
    security = Security(
        mechanism="OAUTHBEARER", token_url=token_server.url, username="us", password_file=str(tmp_path / "secret"),
        scope="kafka", ca_file=cluster.ca_file,
    )  # fmt: skip
    ours = security.cluster(cluster.bootstrap, allow_plaintext=True, reader=cluster.reader)
    assert read(ours, topic) == [b"0", b"1"]
    [(_, form)] = token_server.asked
    assert form == {"grant_type": ["client_credentials"], "scope": ["kafka"]}
    (tmp_path / "secret").write_text("wrong")
    wrong = security.cluster(cluster.bootstrap, allow_plaintext=True, reader=cluster.reader)
    with pytest.raises(TokenMissing, match=r"answered 401.*its secret"):
        Admin(wrong)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
def test_a_wrong_password_is_named_at_once_and_never_printed(
    cluster: Cluster, topic: str, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for told in refused(replace(cluster, mechanism=mechanism, password=HUSH), topic):
        assert "check the mechanism, the user, and the password" in told
        assert HUSH not in told
    assert HUSH not in caplog.text


def test_a_name_with_a_comma_and_an_equals_sign_logs_in(
    secure_broker: SecuredBroker, topic: str, cluster: Cluster
) -> None:
    odd = "a=b,c"
    secure_kafka.set_password(secure_broker.kafka, odd, HUSH)
    with TopicAdmin(login(secure_broker, secure_kafka.ADMIN)) as rights:
        rights.grant(needed(topic, reader=odd, producer=None))
    assert read(replace(cluster, username=odd, password=HUSH), topic) == [b"0", b"1"]


def test_a_mechanism_that_the_broker_does_not_take_is_named(cluster: Cluster, topic: str) -> None:
    unknown = replace(cluster)
    object.__setattr__(unknown, "mechanism", "SCRAM-SHA-1")
    with pytest.raises(NotAuthenticated, match=r"it takes .*SCRAM-SHA-512"):
        shake_hands(unknown)


def test_an_authority_that_is_not_theirs_is_named(cluster: Cluster, topic: str, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(certificates.authority("another").pem)
    for ca_file, step in ((str(other), f"{other} has not signed it"), ("", "no authority that this system trusts")):
        for told in refused(replace(cluster, ca_file=ca_file), topic):
            assert step in told
            assert "`ca_file`" in told


def test_a_certificate_that_is_over_or_of_another_host_is_named(
    secure_broker: SecuredBroker, cluster: Cluster, topic: str
) -> None:
    proof = secure_broker.kafka.access / "reader.pem"
    for address, said, step in (
        (secure_broker.expired, "has expired", "Have the brokers' certificate renewed"),
        (secure_broker.elsewhere, "mismatch", "Use an address that the certificate names"),
    ):
        for told in refused(replace(certified(secure_broker, cluster, proof), bootstrap=address), topic):
            assert said in told
            assert step in told


def test_each_client_refuses_a_bad_certificate_itself(
    secure_broker: SecuredBroker, cluster: Cluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("admin", "confluent_reader", "kafka_python_reader"):
        monkeypatch.setattr(f"dataeng_assets.kafka.{module}.shake_hands", lambda _: None)
    proof = secure_broker.kafka.access / "reader.pem"
    for address in (secure_broker.expired, secure_broker.elsewhere):
        ours = replace(certified(secure_broker, cluster, proof), bootstrap=address)
        with pytest.raises(Exception, match=r"did not answer|refused"):
            open_reader(ours, topic, timeout=timedelta(seconds=1))


def test_a_certificate_that_the_broker_does_not_believe_is_named(
    secure_broker: SecuredBroker, cluster: Cluster, topic: str, tmp_path: Path
) -> None:
    stranger = certificates.signed(certificates.authority("another"), secure_kafka.READER)
    over = certificates.signed(secure_broker.authority, secure_kafka.READER, valid=-timedelta(days=1))
    for number, one in enumerate((stranger, over)):
        proof = tmp_path / f"{number}.pem"
        proof.write_bytes(one.key_pem() + one.pem)
        for told in refused(certified(secure_broker, cluster, proof), topic):
            assert "it does not believe the certificate in certificate_file" in told
    for told in refused(replace(cluster, bootstrap=secure_broker.kafka.certificate_bootstrap), topic):
        assert "it wants a certificate" in told


def test_a_reader_may_do_nothing_but_read_its_topic(secure_broker: SecuredBroker, cluster: Cluster, topic: str) -> None:
    with pytest.raises(NotAuthorized, match="READ and DESCRIBE_CONFIGS"), Admin(cluster) as admin:
        admin.describe("others")
    with pytest.raises(NotAuthorized), open_reader(cluster, "others", timeout=PATIENCE) as reader:
        reader.read({0: Range(0, 1)})
    with pytest.raises(NotAuthorized):
        Producer(cluster, "others")
    with pytest.raises(NotAuthorized), Producer(cluster, topic, timeout=PATIENCE) as producer:
        producer.send(0, Outgoing(b"x"))


@pytest.mark.parametrize("records", [1, 1_000_000], ids=["one record", "records until it is refused"])
def test_a_producer_names_what_it_was_refused_for_and_not_what_that_did_to_its_records(
    secure_broker: SecuredBroker, topic: str, records: int
) -> None:
    ours = login(secure_broker, secure_kafka.READER)
    for _ in range(20):  # the client tells the two in either order
        producer = Producer(ours, topic, timeout=PATIENCE)
        with pytest.raises(NotAuthorized, match="CLUSTER_AUTHORIZATION_FAILED"):
            send(producer, records)
        assert (producer.first_unacknowledged, producer.records) == (0, 0)


def send(producer: Producer, records: int) -> None:
    with producer:
        for number in range(records):
            producer.send(number, Outgoing(b"x"))


def test_a_producer_may_do_nothing_but_write(secure_broker: SecuredBroker, cluster: Cluster, topic: str) -> None:
    ours = replace(login(secure_broker, secure_kafka.PRODUCER), reader=cluster.reader)
    with pytest.raises(NotAuthorized), open_reader(ours, topic, timeout=PATIENCE) as reader:
        reader.read({0: Range(0, 1)})
    with pytest.raises(NotAuthorized, match="DESCRIBE_CONFIGS"), Admin(ours) as admin:
        admin.compacts(topic)


@pytest.mark.parametrize("missing", needed("", reader="r", producer="p"), ids=lambda acl: acl.operation)
def test_no_right_that_is_granted_could_be_left_out(
    secure_broker: SecuredBroker, topic_name: str, missing: Acl
) -> None:
    user = secure_kafka.PRODUCER if missing.operation == "WRITE" else secure_kafka.READER
    with closing(KafkaAdminClient(**secure_broker.kafka.admin_options())) as admin:
        admin.create_topics([NewTopic(topic_name, 1, 1)])
    rights = needed(topic_name, reader=secure_kafka.READER, producer=secure_kafka.PRODUCER)
    with TopicAdmin(login(secure_broker, secure_kafka.ADMIN)) as granting:
        granting.grant([acl for acl in rights if acl.operation != missing.operation])
    ours = login(secure_broker, user)
    use = (
        (lambda: Producer(ours, topic_name, timeout=PATIENCE))
        if user == secure_kafka.PRODUCER
        else (lambda: read(ours, topic_name))
    )
    with pytest.raises(NotAuthorized):
        use()


def test_what_kafka_python_writes_into_the_log_holds_no_secret(
    cluster: Cluster, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    read(cluster, topic)
    with KafkaProducer(**cluster.options()) as producer:
        producer.partitions_for(topic)
    assert len(caplog.text) > 1000
    assert Secret(cluster.password).reveal() not in caplog.text
