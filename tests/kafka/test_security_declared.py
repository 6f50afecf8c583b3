"""What `security` may say, which of several is in force, and that a secret never stands in it."""

from pathlib import Path
from typing import Any

import pytest

from dataeng_assets import settings
from dataeng_assets.kafka.access import Role, cluster_at, refuse_insecure
from dataeng_assets.kafka.cluster import InsecureCluster
from dataeng_assets.kafka.errors import TokenMissing
from dataeng_assets.kafka.security import Security, read_security
from dataeng_assets.settings import SettingMissing

HUSH = "Hush-Hush-7"
SCRAM: dict[str, Any] = {"mechanism": "SCRAM-SHA-512", "username": "reader", "password_variable": "KAFKA_PASSWORD"}
TOKENS = {"mechanism": "OAUTHBEARER", "token_url": "https://id.example.com/token", "username": "us"}


def made_token() -> tuple[str, float]:
    return "a token", 4_000_000_000.0


def broken_token() -> tuple[str, float]:
    raise RuntimeError(f"no luck with {HUSH}")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    for name in ("", "_PRODUCER", "_ADMIN"):
        monkeypatch.delenv(f"DATAENG_KAFKA_SECURITY{name}", raising=False)
    monkeypatch.delenv("DATAENG_KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.delenv("DATAENG_ENV", raising=False)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"password": HUSH}, "`password` would hold a secret.*`password_variable`.*change the secret"),
        ({"sasl_plain_password": HUSH}, "would hold a secret"),
        ({"client_secret": HUSH}, "would hold a secret"),
        ({"key_password": HUSH}, "`key_password_variable` or `key_password_file`"),
        ({"sasl.jaas.config": HUSH}, "would hold a secret"),
        ({"password_variable": HUSH}, "in capitals, and never the secret itself"),
        ({"password_variable": 12345}, "`password_variable` is not a text"),
        ({"password_file": "a"}, "give one of them"),
        ({"protocl": "SSL"}, "`protocl` is not known; did you mean 'protocol'"),
        ({"protocol": "SASL_PLAINTEXT"}, "allowed are SASL_SSL, SSL"),
        ({"ssl_check_hostname": "false"}, "is not known"),
        ({"mechanism": "GSSAPI"}, "allowed are PLAIN"),
        ({"username": ""}, "needs username and password"),
        ({"protocol": "SSL"}, "needs certificate_file and key_file"),
        ({"certificate_file": "a.pem"}, "key_file is missing"),
        ({"scope": "kafka"}, "`scope` belongs to the mechanism OAUTHBEARER alone"),
        ({"mechanism": "OAUTHBEARER"}, "either `token_provider` or `token_url`"),
        ({"mechanism": "OAUTHBEARER", "token_provider": "no function"}, "is `package.module:function`"),
        ({"mechanism": "OAUTHBEARER", "token_provider": "no.such:function"}, "cannot be imported"),
        ({**TOKENS, "password_variable": ""}, "needs the client's id"),
        ({**TOKENS, "token_url": f"https://a:{HUSH}@id.example.com"}, "holds no user, password or query"),
    ],
)
def test_a_block_that_is_wrong_is_refused_by_name_and_no_secret_is_printed(said: dict[str, Any], refused: str) -> None:
    security = Security(**{**SCRAM, **said})
    with pytest.raises(InsecureCluster, match=refused) as caught:
        refuse_insecure("clicks", "KAFKA_BOOTSTRAP", security)
    for text in (str(caught.value), repr(security), str(security)):
        assert HUSH not in text
        assert "12345" not in text
    with pytest.raises(InsecureCluster, match=refused):
        security.cluster("a:1", allow_plaintext=True, reader="kafka-python")


def test_a_password_comes_from_a_variable_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingMissing, match="KAFKA_PASSWORD is not set"):
        cluster_at("a:1", Security(**SCRAM))
    monkeypatch.setenv("KAFKA_PASSWORD", HUSH)
    assert cluster_at("a:1", Security(**SCRAM)).password == HUSH
    file = write(tmp_path / "password", f"{HUSH}\n")
    by_file = Security(**{**SCRAM, "password_variable": "", "password_file": str(file)})
    assert cluster_at("a:1", by_file).password == HUSH
    for broken in ("", "\n"):
        file.write_text(broken)
        with pytest.raises(SettingMissing, match="is empty"):
            cluster_at("a:1", by_file)
    file.unlink()
    with pytest.raises(SettingMissing, match="cannot be read"):
        cluster_at("a:1", by_file)


def test_outside_of_the_local_environment_a_topic_without_encryption_is_refused_before_anything_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refuse_insecure("clicks", "KAFKA_BOOTSTRAP", None)
    monkeypatch.setenv("DATAENG_ENV", "prod")
    for declared in (None, Security(protocol="PLAINTEXT")):
        with pytest.raises(InsecureCluster, match=r"Topic clicks: the connection would be unencrypted.*secure-kafka"):
            refuse_insecure("clicks", "KAFKA_BOOTSTRAP", declared)
    refuse_insecure("clicks", "KAFKA_BOOTSTRAP", Security(**SCRAM))
    with pytest.raises(InsecureCluster, match="PLAINTEXT is allowed in the local environment only"):
        cluster_at("a:1")


def test_a_token_comes_over_an_encrypted_connection_outside_of_the_local_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", HUSH)
    plain = Security(**{**TOKENS, "token_url": "http://id.example.com", "password_variable": "KAFKA_PASSWORD"})
    assert cluster_at("a:1", plain).token
    monkeypatch.setenv("DATAENG_ENV", "staging")
    with pytest.raises(InsecureCluster, match="is not https"):
        cluster_at("a:1", plain)


def test_a_file_that_a_person_names_wins_over_what_is_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_PASSWORD", HUSH)
    mine = write(tmp_path / "mine.yaml", "mechanism: PLAIN\nusername: me\npassword_variable: KAFKA_PASSWORD\n")
    monkeypatch.setenv("DATAENG_KAFKA_SECURITY", str(mine))
    for role in Role:
        assert cluster_at("a:1", Security(**SCRAM), role=role).username == "me"
    boss = write(tmp_path / "boss.yaml", mine.read_text().replace("me\n", "boss\n", 1))
    monkeypatch.setenv("DATAENG_KAFKA_SECURITY_ADMIN", str(boss))
    assert cluster_at("a:1", role=Role.ADMIN).username == "boss"
    assert cluster_at("a:1", role=Role.PRODUCER).username == "me"
    assert cluster_at("a:1", Security(**SCRAM), security_variable="ANOTHER").username == "reader"


def test_a_broker_that_up_started_is_reached_as_it_was_started(tmp_path: Path, state: Path) -> None:
    password = write(tmp_path / "password", HUSH)
    local = write(tmp_path / "local.yaml", f"mechanism: PLAIN\nusername: us\npassword_file: {password}\n")
    secured = Security(**SCRAM)
    write(state / "local.env", "DATAENG_KAFKA_BOOTSTRAP=127.0.0.1:9092\n")
    assert cluster_at("127.0.0.1:9092", secured).protocol == "PLAINTEXT"
    write(state / "local.env", f"DATAENG_KAFKA_BOOTSTRAP=127.0.0.1:9092\nDATAENG_KAFKA_SECURITY={local}\n")
    assert cluster_at("127.0.0.1:9092", secured).username == "us"
    with pytest.raises(SettingMissing, match="KAFKA_PASSWORD"):  # what is declared, for a broker somewhere else
        cluster_at("broker.example:9093", secured)


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "text"])
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InsecureCluster, match="is no YAML with `protocol`"):
        read_security(write(tmp_path / "s.yaml", text))
    with pytest.raises(SettingMissing, match="cannot be read"):
        read_security(tmp_path / "missing.yaml")


def test_a_token_is_asked_for_when_it_is_needed_and_what_a_provider_says_is_not_repeated() -> None:
    provided = Security(mechanism="OAUTHBEARER", token_provider=f"{__name__}:made_token")
    cluster = provided.cluster("a:1", allow_plaintext=False, reader="kafka-python")
    assert cluster.token
    assert cluster.token().value == "a token"
    assert "a token" not in repr(cluster.token())
    broken = Security(mechanism="OAUTHBEARER", token_provider=f"{__name__}:broken_token")
    source = broken.cluster("a:1", allow_plaintext=False, reader="kafka-python").token
    assert source
    with pytest.raises(TokenMissing, match="failed with RuntimeError") as caught:
        source()
    assert HUSH not in str(caught.value)
