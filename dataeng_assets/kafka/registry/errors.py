"""What can go wrong between us and a schema registry, by name. Raising them belongs to the module of each registry."""

from collections.abc import Sequence

from dataeng_assets.contracts.compatibility.verdict import Change, Mode
from dataeng_assets.kafka.errors import KafkaProblem


class SchemaUnknown(KafkaProblem):
    """The registry has no schema of this number, or no such version."""


class RegistryUnreachable(KafkaProblem):
    """The registry did not answer, or only with an error of its own, however often it was asked."""

    retryable = True


class RegistryRefused(KafkaProblem):
    """The registry answered, and would not: the user's rights, the schema, or its own rules."""


class InsecureRegistry(KafkaProblem):
    """The connection would be unencrypted or half configured. Nothing was connected to."""


class SchemaIncompatible(KafkaProblem):
    """A new version breaks what the subject promises, so it was not registered.

    Attributes:
        subject: the subject.
        mode: what it promises.
        findings: the changes that break it.
    """

    def __init__(self, subject: str, mode: Mode, findings: Sequence[Change]) -> None:
        self.subject, self.mode, self.findings = subject, mode, tuple(findings)
        listed = "\n".join(f"  {one.place}: {one.reason}\n    safe way: {one.migration}" for one in self.findings)
        super().__init__(
            f"The schema breaks what {subject} promises ({mode}):\n{listed}\n"
            "Nothing was registered; producers go on with the newest version. Change the schema as said, or "
            "register it under a new subject for a new topic."
        )
