"""Where a table comes from and what is made of it, as lists that are drawn side by side."""

from collections.abc import Iterable, Mapping

from dataeng_assets.quality.report.names import slug
from dataeng_assets.quality.report.story import Known
from dataeng_assets.quality.written.markup import Html, code, element, join


def lineage(key: str, platform: Mapping[str, Known], judged: frozenset[str]) -> Html:
    """The neighbours of a table, with links to those that have a page, and all that lies beyond them.

    Args:
        key: dotted.
        platform: what is known of all tables; empty content when the table is not among them.
        judged: keys of the tables that have a page.
    """
    if key not in platform:
        return Html("")
    down = downstream(platform)
    before, after = sorted(platform[key].upstream), sorted(down.get(key, ()))
    arrow = element("div", "→", class_="arrow", aria_hidden="true")
    drawn = element(
        "div",
        element("div", element("h3", "Made from"), _list(before, judged, "nothing of the platform")),
        arrow,
        element("div", element("h3", "This table"), element("div", code(key), class_="self")),
        arrow,
        element("div", element("h3", "Used by"), _list(after, judged, "nothing of the platform")),
        class_="lineage card",
    )
    up = {one: known.upstream for one, known in platform.items()}
    further = (("Further up", up, before), ("Further down", down, after))
    return join(drawn, *(_further(title, key, edges, near, judged) for title, edges, near in further))


def downstream(platform: Mapping[str, Known]) -> dict[str, list[str]]:
    """What is made from each table."""
    found: dict[str, list[str]] = {}
    for key, known in platform.items():
        for upstream in known.upstream:
            found.setdefault(upstream, []).append(key)
    return found


def reachable(key: str, edges: Mapping[str, Iterable[str]]) -> set[str]:
    """All that edges lead to from a key, without the key itself; a circle ends it."""
    found: set[str] = set()
    waiting = [key]
    while waiting:
        for following in edges.get(waiting.pop(), ()):
            if following not in found and following != key:
                found.add(following)
                waiting.append(following)
    return found


def _list(keys: Iterable[str], judged: frozenset[str], none: str) -> Html:
    items = [element("li", _named(key, judged)) for key in keys]
    return element("ul", *(items or [element("li", none, class_="none")]))


def _named(key: str, judged: frozenset[str]) -> Html:
    return element("a", code(key), href=f"{slug(key)}.html") if key in judged else code(key)


def _further(
    title: str, key: str, edges: Mapping[str, Iterable[str]], near: Iterable[str], judged: frozenset[str]
) -> Html:
    beyond = sorted(reachable(key, edges) - set(near))
    if not beyond:
        return Html("")
    named = [part for one in beyond for part in (Html(", "), _named(one, judged))][1:]
    return element("p", f"{title}: ", *named, ".", class_="soft small")
