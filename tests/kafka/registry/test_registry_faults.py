"""Talking to a registry that fails, wants to know who asks, or is none; and what is never told."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import dagster as dg
import pytest

from dataeng_assets.components.kafka_topic import KafkaTopicComponent
from dataeng_assets.kafka.registry import confluent
from dataeng_assets.kafka.registry.address import RegistryAddress
from dataeng_assets.kafka.registry.confluent import ConfluentRegistry
from dataeng_assets.kafka.registry.errors import (
    InsecureRegistry,
    RegistryRefused,
    RegistryUnreachable,
    SchemaUnknown,
)
from dataeng_assets.kafka.registry.opened import refuse_insecure_registry, registry_at
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind

SECRET = "s3cret-Ü"
SCHEMA = (200, json.dumps({"schema": '"string"'}))


@dataclass
class Server:
    """A server that answers what a test wants, in turn; the last answer for ever."""

    port: int
    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    authorized: list[str | None] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def server() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known.asked.append((self.command, self.path))
            known.authorized.append(self.headers.get("Authorization"))
            status, body = known.answers.pop(0) if len(known.answers) > 1 else known.answers[0]
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Retry-After", "3600")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known = Server(httpd.server_port)
    threading.Thread(target=httpd.serve_forever, args=(0.01,), daemon=True).start()
    yield known
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confluent, "_FIRST_PAUSE_SECONDS", 0.01)


def asked(server: Server, **how: str) -> ConfluentRegistry:
    return ConfluentRegistry(RegistryAddress(server.url, allow_plaintext=True, **how))


def test_a_registry_that_comes_back_in_time_is_asked_again(server: Server) -> None:
    server.answers = [(503, ""), (500, "{}"), (429, ""), SCHEMA]
    assert asked(server).by_id(7).kind is Kind.AVRO
    assert server.asked == [("GET", "/schemas/ids/7")] * 4


def test_a_registry_that_only_fails_is_given_up_and_may_be_asked_later(server: Server) -> None:
    server.answers = [(503, json.dumps({"error_code": 50003, "message": "no leader"}))]
    with pytest.raises(RegistryUnreachable, match="no leader"):
        asked(server).by_id(7)
    assert len(server.asked) == 5


def test_a_schema_is_asked_for_once(server: Server) -> None:
    server.answers = [SCHEMA]
    registry = asked(server)
    assert registry.by_id(7) is registry.by_id(7)
    server.answers = [(200, json.dumps({"schema": '"string"', "id": 7}))]
    assert registry.version("s", 1) is registry.version("s", 1)
    assert len(server.asked) == 2


def test_what_was_not_there_is_asked_for_again(server: Server) -> None:
    server.answers = [(404, json.dumps({"error_code": 40403, "message": "Schema not found"})), SCHEMA]
    registry = asked(server)
    with pytest.raises(SchemaUnknown, match="Schema not found"):
        registry.by_id(7)
    assert registry.by_id(7).text == '"string"'


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_let_in_is_told_so_and_does_not_knock_again(server: Server, status: int) -> None:
    server.answers = [(status, "<html>no</html>")]
    with pytest.raises(RegistryRefused, match="token, and the user's rights"):
        asked(server, username="me", password=SECRET).by_id(7)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        (200, "<html>log in</html>"), (200, "[]"), (200, "null"), (200, "{}"), (302, ""), (404, "<html/>"),
        (200, '{"schema": 1}'), (200, '{"schema": "x", "schemaType": "XML"}'),
        (200, '{"schema": "x", "references": [{}]}'), (200, '{"schema": "x", "references": 1}'),
    ],
)  # fmt: skip
def test_what_is_no_registry_is_named_and_not_followed(server: Server, answer: tuple[int, str]) -> None:
    server.answers = [answer]
    with pytest.raises(RegistryRefused, match="is no schema registry as we know it"):
        asked(server).by_id(7)
    assert server.asked == [("GET", "/schemas/ids/7")]


def test_a_level_that_is_not_known_is_no_promise(server: Server) -> None:
    server.answers = [(200, json.dumps({"compatibilityLevel": "SIDEWAYS"}))]
    with pytest.raises(RegistryRefused, match="SIDEWAYS"):
        asked(server).compatibility("s")


def test_none_has_to_be_asked_for_and_does_not_count_when_a_registry_says_it(server: Server) -> None:
    server.answers = [(200, json.dumps({"compatibilityLevel": "NONE"}))]
    assert asked(server).compatibility("s") is Compatibility.BACKWARD
    unset = (404, json.dumps({"error_code": 40408, "message": "not set"}))
    server.answers = [unset, (200, json.dumps({"compatibilityLevel": "FULL"}))]
    assert asked(server).compatibility("s") is Compatibility.FULL


def test_who_we_are_is_said_in_the_header(server: Server) -> None:
    server.answers = [SCHEMA]
    asked(server, username="me", password=SECRET).by_id(7)
    asked(server, token="abc").by_id(7)
    asked(server).by_id(7)
    assert server.authorized == [f"Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}", "Bearer abc", None]


def test_no_secret_is_ever_told(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers = [(503, "{}")]
    encoded = base64.b64encode(f"me:{SECRET}".encode()).decode()
    told = []
    for how in ({"username": "me", "password": SECRET}, {"token": "t0ken"}):
        address = RegistryAddress(server.url, allow_plaintext=True, **how)
        registry = ConfluentRegistry(address)
        with pytest.raises(RegistryUnreachable) as refused:
            registry.by_id(7)
        told += [repr(address), str(address), repr(registry), str(refused.value), repr(refused.value)]
    told.append(caplog.text)
    assert not [word for text in told for word in (SECRET, "t0ken", encoded) if word in text]


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"url": "http://r.example"}, "use https"),
        ({"url": "https://me:s3cret@r.example"}, "variables of their own"),
        ({"url": "https://r.example?password=s3cret"}, "variables of their own"),
        ({"url": "https://r.example/#s3cret"}, "variables of their own"),
        ({"url": "me:s3cret@r.example"}, "variables of their own"),
        ({"url": "ftp://r.example"}, "write https"),
        ({"url": "r.example:8081"}, "write https"),
        ({"url": "https://r.example", "username": "me"}, "one of them is missing"),
        ({"url": "https://r.example", "username": "me", "password": "s3cret", "token": "s3cret"}, "one of them"),
        ({"url": "https://r.example", "token": "s3cret\n"}, "no token has"),
        ({"url": "https://r.example", "certificate_file": "c.pem"}, "goes with its key"),
    ],
)
def test_what_would_be_unencrypted_or_half_configured_is_refused(how: dict[str, str], why: str) -> None:
    with pytest.raises(InsecureRegistry, match=why) as refused:
        RegistryAddress(**how)
    assert "s3cret" not in str(refused.value)


def test_credentials_come_from_variables_beside_that_of_the_address_or_from_files(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers = [SCHEMA]
    monkeypatch.setenv("SHOP_REGISTRY_USERNAME", "me")
    monkeypatch.setenv("SHOP_REGISTRY_PASSWORD_FILE", str(tmp_path / "password"))
    with pytest.raises(InsecureRegistry, match="SHOP_REGISTRY_PASSWORD_FILE"):
        registry_at(server.url, "SHOP_REGISTRY_URL")
    (tmp_path / "password").write_text(f"{SECRET}\n")
    registry_at(server.url, "SHOP_REGISTRY_URL").by_id(7)
    assert server.authorized == [f"Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}"]


def test_outside_of_the_local_environment_http_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAENG_ENV", "staging")
    with pytest.raises(InsecureRegistry, match="use https"):
        registry_at(server.url)
    assert server.asked == []


def test_a_topic_whose_registry_would_be_insecure_is_refused_when_definitions_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    topic = KafkaTopicComponent(topic="clicks", domain="d", bootstrap_variable="BROKERS", registry_variable="R_URL")
    monkeypatch.setenv("R_URL", "https://me:s3cret@registry.example")
    with pytest.raises(InsecureRegistry, match=r"Topic clicks.*Nothing was loaded\. Correct R_URL") as refused:
        topic.build_defs(cast("dg.ComponentLoadContext", None))
    assert "s3cret" not in str(refused.value)
    monkeypatch.setenv("DATAENG_ENV", "prod")
    for address in ("https://registry.example", "glue://eu-central-1/shop", "schemas", ""):
        monkeypatch.setenv("R_URL", address)
        refuse_insecure_registry("clicks", "R_URL")
    monkeypatch.setenv("R_URL", "http://registry.example")
    with pytest.raises(InsecureRegistry, match="use https"):
        refuse_insecure_registry("clicks", "R_URL")
