"""What may stand in a `defs.yaml`."""

import inspect
from typing import get_args, get_origin

from pydantic import BaseModel

from dataeng_assets.components import IntervalJoinComponent, KafkaTopicComponent, PostgresTablesComponent
from reference_pages.model_fields import fields


def declarations() -> str:
    """What may stand in a `defs.yaml`."""
    components = "\n".join(
        _component(one) for one in (PostgresTablesComponent, KafkaTopicComponent, IntervalJoinComponent)
    )
    return f"""
# defs.yaml

A source is a folder in `dataeng_assets/defs/`: a `defs.yaml`, and its contracts in `contracts/`. `dg list components`
shows what there is, `dg check yaml` checks what you wrote.

{components}"""


def _component(component: type[BaseModel]) -> str:
    nested: dict[type[BaseModel], list[str]] = {}
    for name, field in component.model_fields.items():
        which = "each of " if get_origin(field.annotation) is dict else ""
        for part in get_args(field.annotation) or (field.annotation,):
            if isinstance(part, type) and issubclass(part, BaseModel):
                nested.setdefault(part, []).append(f"{which}`{name}`")
    parts = [(component.__name__, component, "##")]
    parts += [(f"{component.__name__}, {' and '.join(names)}", part, "###") for part, names in nested.items()]
    return "\n".join(f"{level} {title}\n\n{inspect.getdoc(one)}\n\n{fields(one)}\n" for title, one, level in parts)
