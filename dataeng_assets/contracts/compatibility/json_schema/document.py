"""How a schema that cannot be compared is refused."""


class SchemaRefused(Exception):
    """A schema that cannot be compared.

    Attributes:
        place: where in the document, as a JSON pointer: `#/properties/amount`.
        reason: what stands there and why that cannot be used.
        next_step: what to do.
    """

    def __init__(self, place: str, reason: str, next_step: str) -> None:
        self.place, self.reason, self.next_step = place, reason, next_step
        super().__init__(f"The JSON Schema cannot be used at {place}: {reason}. Nothing was compared. {next_step}.")
