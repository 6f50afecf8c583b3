"""YAML as the project writes it: lists below their key, nothing abbreviated by an anchor, lines that fit a screen."""

from typing import Any

import yaml


def yaml_text(data: Any) -> str:
    """The document for plain values; keys keep their order."""
    return yaml.dump(data, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=110)


class _Indented(yaml.SafeDumper):
    """Lists stand below their key, and nothing is abbreviated by an anchor."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  # PyYAML gives it
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML gives it
        return True
