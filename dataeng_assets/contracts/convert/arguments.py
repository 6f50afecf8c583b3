"""What the arguments of tests and expectations have in common; what each tool means by them belongs in its own room."""

from abc import ABC, abstractmethod
from typing import Any

from dataeng_assets.contracts.plain import Place, Plain, shortened


class NamedArguments(ABC):
    """Arguments that are taken by name.

    Args:
        plain: the document that they stand in.
        place: where in it.
    """

    def __init__(self, plain: Plain, place: Place) -> None:
        self._plain, self._place = plain, place

    @abstractmethod
    def get(self, name: str, default: Any = None) -> Any:
        """An argument's value."""

    def need(self, name: str, kind: type | tuple[type, ...], words: str) -> Any:
        """An argument that must be there.

        Raises:
            ContractError: it is not, or has another type.
        """
        value = self.get(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._plain.error((*self._place, name), shortened(value), words)
        return value
