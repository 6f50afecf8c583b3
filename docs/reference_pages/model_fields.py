"""The fields of a pydantic model."""

from collections.abc import Callable
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from dataeng_assets.settings import ROOT
from reference_pages.markdown import table


def fields(model: type[BaseModel], shown: Callable[[str], str] = str) -> str:
    """A table of the names, defaults and descriptions."""
    rows = [
        (f"`{shown(name)}`", _default(field), field.description or "") for name, field in model.model_fields.items()
    ]
    return table(("name", "default", "what it is"), rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    value = value.get_secret_value() if isinstance(value, SecretStr) else value
    value = value.relative_to(ROOT) if isinstance(value, Path) else value
    return "" if value in (None, "", {}) else f"`{value}`"
