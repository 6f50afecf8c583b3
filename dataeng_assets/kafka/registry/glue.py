"""The schema registry of AWS Glue. A subject is one of its schemas, and a record carries the UUID of a version.

Credentials are found as AWS clients find them: in the environment, in files, or from the machine's role. The header of
a record belongs in `glue_header`; which change is allowed is decided in `register`, whatever AWS thinks.
"""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

from dataeng_assets.kafka.registry.errors import InsecureRegistry, RegistryRefused, RegistryUnreachable, SchemaUnknown
from dataeng_assets.kafka.registry.schemas import Compatibility, Kind, RegisteredSchema, Schema

_ATTEMPTS = 5
_CONNECT_SECONDS, _READ_SECONDS = 5, 20
_DECIDED_SECONDS, _PAUSE_SECONDS = 60, 0.5
_PASSING = ("Throttling", "ThrottlingException", "InternalServiceException", "OperationTimeoutException")


class GlueRegistry:
    """One registry of AWS Glue, its schemas kept once they were read.

    Raises:
        InsecureRegistry: another end point than Amazon's is named, and it is not encrypted.
        RegistryRefused: the extra `aws` is not installed, or no region is known.
    """

    def __init__(self, region: str, name: str, *, allow_plaintext: bool = False) -> None:
        self._name = name or "default-registry"
        self._shown = f"glue://{region}/{self._name}"
        self._client = self._made_client(region)
        endpoint = str(self._client.meta.endpoint_url)
        if endpoint.startswith("http:") and not allow_plaintext:
            raise InsecureRegistry(
                f"The schema registry {self._shown} is asked at an end point without encryption, which is allowed in "
                "the local environment only (DATAENG_ENV=local). Nothing was sent. Correct AWS_ENDPOINT_URL_GLUE."
            )
        self._by_id: dict[UUID, RegisteredSchema] = {}
        self._by_version: dict[tuple[str, int], RegisteredSchema] = {}

    def __repr__(self) -> str:
        return f"GlueRegistry({self._shown!r})"

    def by_id(self, id: int | UUID) -> RegisteredSchema:  # noqa: A002  # what the registries call it
        """The schema that a record's UUID means; see `SchemaRegistry`."""
        if isinstance(id, int):
            raise SchemaUnknown(f"AWS Glue gives its schemas UUIDs; {id} is the number of another registry.")
        if id not in self._by_id:
            answer = self._ask(f"version {id}", self._client.get_schema_version, SchemaVersionId=str(id))
            self._by_id[id] = self._schema(answer)
        return self._by_id[id]

    def version(self, subject: str, version: int) -> RegisteredSchema:
        """One version of a subject; see `SchemaRegistry`."""
        if (subject, version) not in self._by_version:
            answer = self._ask(
                f"version {version} of {subject}",
                self._client.get_schema_version,
                SchemaId=self._id(subject),
                SchemaVersionNumber={"VersionNumber": version},
            )
            self._by_version[subject, version] = self._schema(answer)
        return self._by_version[subject, version]

    def subjects(self) -> tuple[str, ...]:
        """The names of all subjects, in order."""
        found = self._pages("the schemas", "list_schemas", "Schemas", RegistryId={"RegistryName": self._name})
        return tuple(sorted(str(one["SchemaName"]) for one in found))

    def versions(self, subject: str) -> tuple[int, ...]:
        """The versions of a subject that may be used, oldest first; none when there is no such subject."""
        try:
            found = self._pages(subject, "list_schema_versions", "Schemas", SchemaId=self._id(subject))
        except SchemaUnknown:
            return ()
        return tuple(sorted(int(one["VersionNumber"]) for one in found if one["Status"] == "AVAILABLE"))

    def compatibility(self, subject: str) -> Compatibility:
        """What a subject promises; BACKWARD for a new one."""
        try:
            said = str(self._ask(subject, self._client.get_schema, SchemaId=self._id(subject))["Compatibility"])
        except SchemaUnknown:
            return Compatibility.BACKWARD
        if said == "DISABLED":
            raise RegistryRefused(
                f"{subject} in {self._shown} takes no new versions: its compatibility is DISABLED. Nothing was "
                "registered. Set another in AWS Glue first."
            )
        return Compatibility(said.replace("_ALL", "_TRANSITIVE"))

    def add(self, subject: str, schema: Schema) -> RegisteredSchema:
        """Make a schema the newest version of a subject; see `SchemaStore`."""
        if schema.references:
            raise RegistryRefused(
                "AWS Glue knows no references between schemas. Nothing was registered. Write those that are used into "
                "the schema itself."
            )
        try:
            answer = self._ask(
                subject, self._client.register_schema_version,
                SchemaId=self._id(subject), SchemaDefinition=schema.text,
            )  # fmt: skip
        except SchemaUnknown:
            answer = self._ask(
                subject, self._client.create_schema,
                RegistryId={"RegistryName": self._name}, SchemaName=subject, DataFormat=str(schema.kind),
                Compatibility=str(Compatibility.BACKWARD), SchemaDefinition=schema.text,
            )  # fmt: skip
        number = UUID(str(answer["SchemaVersionId"]))
        self._wait(subject, number)
        return RegisteredSchema(number, schema.kind, schema.text)

    def _wait(self, subject: str, number: UUID) -> None:
        """AWS makes up its mind about a version after it has taken it."""
        until = time.monotonic() + _DECIDED_SECONDS
        while time.monotonic() < until:
            answer = self._ask(subject, self._client.get_schema_version, SchemaVersionId=str(number))
            status = answer.get("Status", "AVAILABLE")
            if status == "AVAILABLE":
                return
            if status != "PENDING":
                raise RegistryRefused(
                    f"AWS Glue would not have this version of {subject} in {self._shown}: its own check says {status}. "
                    "Producers go on with the newest version."
                )
            time.sleep(_PAUSE_SECONDS)
        raise RegistryUnreachable(
            f"AWS Glue has not decided about this version of {subject} in {self._shown} within {_DECIDED_SECONDS} s. "
            "Trying again is safe."
        )

    def _id(self, subject: str) -> dict[str, str]:
        return {"RegistryName": self._name, "SchemaName": subject}

    def _schema(self, answer: dict[str, Any]) -> RegisteredSchema:
        return RegisteredSchema(
            UUID(str(answer["SchemaVersionId"])), Kind(answer["DataFormat"]), str(answer["SchemaDefinition"])
        )

    def _pages(self, what: str, operation: str, key: str, **asked: Any) -> list[dict[str, Any]]:
        def all_of_them(**asked: Any) -> dict[str, Any]:
            pages = self._client.get_paginator(operation).paginate(**asked)
            return {key: [one for page in pages for one in page[key]]}

        return list(self._ask(what, all_of_them, **asked)[key])

    def _ask(self, what: str, operation: Callable[..., Any], **asked: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

        try:
            return dict(operation(**asked))
        except ClientError as error:
            raise self._refused(what, error.response.get("Error", {})) from None
        except HTTPClientError as error:
            raise RegistryUnreachable(
                f"The schema registry {self._shown} did not answer for {what} in {_ATTEMPTS} attempts "
                f"({type(error).__name__}). Nothing was committed; trying again is safe."
            ) from None
        except BotoCoreError as error:
            raise RegistryRefused(
                f"The schema registry {self._shown} could not be asked for {what} ({type(error).__name__}: {error}). "
                "Nothing was committed. Check the credentials of AWS, its region and the name of the schema."
            ) from None

    def _refused(self, what: str, error: dict[str, Any]) -> Exception:
        code, told = str(error.get("Code", "")), str(error.get("Message", ""))[:300]
        if code == "EntityNotFoundException":
            return SchemaUnknown(
                f"The schema registry {self._shown} has no {what}. Nothing was committed. See what it has with "
                "`dataeng schemas list`; check that it is the registry that the producers use."
            )
        if code in _PASSING:
            return RegistryUnreachable(
                f"The schema registry {self._shown} is too busy for {what} ({code}). Nothing was committed; trying "
                "again later is safe."
            )
        return RegistryRefused(
            f"The schema registry {self._shown} refused {what} ({code}: {told}). Nothing was registered and nothing "
            "was committed. Check the schema, and the rights of the user or role."
        )

    def _made_client(self, region: str) -> Any:
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError:
            raise RegistryRefused(
                f"The schema registry {self._shown} needs boto3, which is not installed. Nothing was connected to. "
                "Install the extra `aws`: pip install 'dataeng-assets[aws]'."
            ) from None
        settings = Config(
            connect_timeout=_CONNECT_SECONDS, read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )  # fmt: skip
        try:
            return boto3.client("glue", region_name=region or None, config=settings)
        except (BotoCoreError, ValueError) as error:
            raise RegistryRefused(
                f"The schema registry {self._shown} cannot be asked ({error}). Nothing was connected to. Write "
                "glue://<region>/<registry>."
            ) from None
