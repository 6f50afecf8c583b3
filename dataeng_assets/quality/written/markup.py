"""HTML whose text cannot become markup: elements are made by `element`, and every text in them is escaped.

What stands on a page belongs in `html_page` and in `report`.
"""

from html import escape

from dataeng_assets.quality.written.words import visible

Attribute = str | int | float | bool | None
_VOID = {"br", "col", "hr", "img", "link", "meta"}


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: str) -> Html:
    """Text as HTML; what cannot be seen is written out."""
    return Html(escape(visible(value), quote=True))


def element(name: str, /, *children: str, **attributes: Attribute) -> Html:
    """An element. Children that are not `Html` are escaped, and so is every value of an attribute.

    Args:
        name: the element's, as in HTML or SVG.
        children: in their order.
        attributes: an underscore stands for a hyphen, and one at the end makes `class_` a name; None and False leave
            the attribute away, True gives it no value.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Html:
    """Several elements or texts, one after the other."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children))


def data(value: str) -> Html:
    """A name or value from outside, kept from turning the direction of what stands around it."""
    return element("bdi", value)


def code(value: str) -> Html:
    """A name or value from outside, as code."""
    return element("code", data(value))


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{text(str(value))}"'
