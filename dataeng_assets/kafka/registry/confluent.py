"""A registry with the Confluent REST interface: Confluent's own, Apicurio, Karapace, Redpanda.

Only schemas and numbers travel here. Which change is allowed is decided in `register`, whatever the registry thinks.
"""

import json
from typing import Any
from urllib.parse import quote
from uuid import UUID

import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, SSLError

from dataeng_assets.kafka.registry.address import RegistryAddress
from dataeng_assets.kafka.registry.errors import InsecureRegistry, RegistryRefused, RegistryUnreachable, SchemaUnknown
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, Reference, RegisteredSchema, Schema

_MEDIA = "application/vnd.schemaregistry.v1+json"
_ATTEMPTS = 5
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5
_CONNECT_SECONDS, _READ_SECONDS = 5, 20
_PASSES = (429, 500, 502, 503, 504)
_UNKNOWN = (40401, 40402, 40403)  # subject, version, schema
_NOT_SET_FOR_SUBJECT = 40408


class ConfluentRegistry:
    """One registry, its schemas kept once they were read. May be used by several threads."""

    def __init__(self, address: RegistryAddress) -> None:
        self._url = address.url.rstrip("/")
        self._pool = urllib3.PoolManager(
            headers={"Accept": f"{_MEDIA}, application/json", **address.headers()},
            ssl_context=address.tls() if address.url.startswith("https") else None,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            # every request may be sent twice: a schema that is there already keeps its number
            retries=urllib3.Retry(
                total=_ATTEMPTS - 1, redirect=False, allowed_methods=None, status_forcelist=_PASSES,
                backoff_factor=_FIRST_PAUSE_SECONDS, backoff_max=_LONGEST_PAUSE_SECONDS, backoff_jitter=0.1,
                raise_on_status=False, respect_retry_after_header=False,
            ),
        )  # fmt: skip
        self._by_id: dict[int, RegisteredSchema] = {}
        self._by_version: dict[tuple[str, int], RegisteredSchema] = {}

    def __repr__(self) -> str:
        return f"ConfluentRegistry({self._url!r})"

    def by_id(self, id: int | UUID) -> RegisteredSchema:  # noqa: A002  # what the registries call it
        """The schema that a record's number means; see `SchemaRegistry`."""
        if isinstance(id, UUID):
            raise SchemaUnknown(f"The schema registry at {self._url} numbers its schemas; {id} is one of AWS Glue.")
        if id not in self._by_id:
            self._by_id[id] = self._schema(self._get(f"schemas/ids/{id}"), id)
        return self._by_id[id]

    def version(self, subject: str, version: int) -> RegisteredSchema:
        """One version of a subject; see `SchemaRegistry`."""
        if (subject, version) not in self._by_version:
            answer = self._get(f"subjects/{_quoted(subject)}/versions/{version}")
            self._by_version[subject, version] = self._schema(answer, answer.get("id"))
        return self._by_version[subject, version]

    def subjects(self) -> tuple[str, ...]:
        """The names of all subjects, in order."""
        return tuple(sorted(str(name) for name in self._get_list("subjects")))

    def versions(self, subject: str) -> tuple[int, ...]:
        """The versions of a subject, oldest first; none when there is no such subject."""
        try:
            return tuple(sorted(int(one) for one in self._get_list(f"subjects/{_quoted(subject)}/versions")))
        except SchemaUnknown:
            return ()

    def compatibility(self, subject: str) -> Compatibility:
        """What a subject promises; see `SchemaStore`."""
        # Apicurio says NONE where nobody said anything, so NONE never counts as said
        for path in (f"config/{_quoted(subject)}", "config"):
            level = self._level(path)
            if level is not None and level is not Compatibility.NONE:
                return level
        return Compatibility.BACKWARD

    def add(self, subject: str, schema: Schema) -> RegisteredSchema:
        """Make a schema the newest version of a subject; see `SchemaStore`."""
        body: dict[str, Any] = {"schema": schema.text, "schemaType": schema.kind}
        if schema.references:
            body["references"] = [
                {"name": one.name, "subject": one.subject, "version": one.version} for one in schema.references
            ]
        answer = self._ask("POST", f"subjects/{_quoted(subject)}/versions", body)
        if not isinstance(answer, dict) or not isinstance(answer.get("id"), int):
            raise self._no_registry("its answer holds no number of the schema")
        return RegisteredSchema(answer["id"], schema.kind, schema.text, schema.references)

    def _level(self, path: str) -> Compatibility | None:
        try:
            answer = self._get(path)
        except SchemaUnknown:
            return None
        said = answer.get("compatibilityLevel") or answer.get("compatibility")
        try:
            return Compatibility(str(said))
        except ValueError:
            raise self._no_registry(f"its compatibility level is {str(said)[:40]!r}") from None

    def _schema(self, answer: dict[str, Any], number: object) -> RegisteredSchema:
        try:
            # Avro was there before there was a choice, and is not named
            kind = Kind(answer.get("schemaType") or Kind.AVRO)
            references = tuple(
                Reference(str(one["name"]), str(one["subject"]), int(one["version"]))
                for one in answer.get("references") or ()
            )
            text = answer["schema"]
        except (KeyError, TypeError, ValueError):
            raise self._no_registry("its answer is no schema that is known: AVRO, PROTOBUF or JSON") from None
        if not isinstance(text, str) or not isinstance(number, int):
            raise self._no_registry("its answer is no schema with a number")
        return RegisteredSchema(number, kind, text, references)

    def _get(self, path: str) -> dict[str, Any]:
        answer = self._ask("GET", path)
        if not isinstance(answer, dict):
            raise self._no_registry(f"its answer to {path} is no object")
        return answer

    def _get_list(self, path: str) -> list[Any]:
        answer = self._ask("GET", path)
        if not isinstance(answer, list):
            raise self._no_registry(f"its answer to {path} is no list")
        return answer

    def _ask(self, method: str, path: str, body: object = None) -> object:
        try:
            response = self._pool.request(
                method, f"{self._url}/{path}",
                body=None if body is None else json.dumps(body).encode(),
                headers=None if body is None else {**self._pool.headers, "Content-Type": _MEDIA},
            )  # fmt: skip
        except HTTPError as error:
            raise self._unanswered(path, error) from None
        answer = _parsed(response.data)
        if response.status == 200:
            return answer
        raise self._refused(path, response.status, answer)

    def _unanswered(self, path: str, error: HTTPError) -> Exception:
        cause = error.reason if isinstance(error, MaxRetryError) and error.reason else error
        if isinstance(cause, SSLError):
            return InsecureRegistry(
                f"The schema registry at {self._url} has no certificate that can be trusted, or takes none of ours "
                f"({cause}). Nothing was sent. Check the address and the file of the authority."
            )
        return RegistryUnreachable(
            f"The schema registry at {self._url} did not answer {path} in {_ATTEMPTS} attempts "
            f"({type(cause).__name__}). Nothing was committed; trying again is safe. The local registry is started by "
            "`dataeng up --registry`."
        )

    def _refused(self, path: str, status: int, answer: object) -> Exception:
        code, told = _told(answer)
        if status in _PASSES:
            return RegistryUnreachable(
                f"The schema registry at {self._url} answered {path} with an error of its own in {_ATTEMPTS} attempts "
                f"({status}{told}). Nothing was committed; trying again later is safe."
            )
        if status == 404 and (code in _UNKNOWN or code == _NOT_SET_FOR_SUBJECT):
            return SchemaUnknown(
                f"The schema registry at {self._url} has no {path}{told}. Nothing was committed. See what it has with "
                "`dataeng schemas list`; check that it is the registry that the producers use."
            )
        if status in (401, 403):
            return RegistryRefused(
                f"The schema registry at {self._url} does not let us ask for {path} ({status}{told}). Nothing was "
                "committed. Check user, password or token, and the user's rights."
            )
        if status == 404 or 300 <= status < 400:
            return self._no_registry(f"it answered {path} with {status}{told}")
        return RegistryRefused(
            f"The schema registry at {self._url} refused {path} ({status}{told}). Nothing was registered and nothing "
            "was committed. Trying again will not help."
        )

    def _no_registry(self, why: str) -> RegistryRefused:
        return RegistryRefused(
            f"What answers at {self._url} is no schema registry as we know it: {why}. Nothing was committed. Check the "
            "address: it ends where the interface begins, for Apicurio with /apis/ccompat/v7."
        )


def _quoted(subject: str) -> str:
    return quote(subject, safe="")


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None


def _told(answer: object) -> tuple[int, str]:
    """The registry's own number of an error, and its words as far as they fit a message."""
    if not isinstance(answer, dict):
        return 0, ""
    code, words = answer.get("error_code"), str(answer.get("message") or "")[:300]
    shown = "".join(character if character.isprintable() else " " for character in words)
    return code if isinstance(code, int) else 0, f", {shown}" if shown else ""
