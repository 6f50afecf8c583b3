"""Telling people: one interface over the log, e-mail, webhooks and whatever else apprise knows.

What was told to whom is remembered in the sensor's cursor, and only after it was delivered: what could not be delivered
is told at the next tick, and the same trouble is told once, and once more when it is over. What there is to tell
belongs in `news`.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import dagster as dg
from dagster._core.definitions.assets.graph.base_asset_graph import BaseAssetGraph

from dataeng_assets.causes.catalogue import CAUSES
from dataeng_assets.orchestration.news import Item, RunHistory, Standing, counted, informed, standing
from dataeng_assets.orchestration.outcomes import INFO, TIER
from dataeng_assets.settings import Settings

LOG = "log"
_FORMAT = 1


class NotifyRefused(ValueError):
    """An entry of DATAENG_NOTIFY that is no address; the message tells which, never what it says."""


@dataclass(frozen=True)
class Message:
    """What one recipient gets at once: some news, in one message."""

    title: str
    body: str
    kind: str


class Channel(Protocol):
    """Somewhere to tell news."""

    @property
    def name(self) -> str:
        """Tells recipients apart in the memory of what was told; holds no secret."""

    def tell(self, message: Message) -> bool:
        """Deliver the message; whether it was taken."""


@dataclass(frozen=True)
class Log:
    """The log of the tick, which takes everything."""

    log: logging.Logger
    name: str = LOG

    def tell(self, message: Message) -> bool:
        """Write it, as a warning when something is wrong."""
        level = logging.INFO if message.kind in {"success", "info"} else logging.WARNING
        self.log.log(level, "%s\n%s", message.title, message.body)
        return True


class Outside:
    """An address that apprise understands: mail, a webhook, a chat."""

    def __init__(self, address: str, number: int) -> None:
        import apprise

        # they quote the address, and with it what lets somebody in
        for talkative in ("apprise", "urllib3.connectionpool"):
            logging.getLogger(talkative).setLevel(logging.CRITICAL)
        found = apprise.Apprise.instantiate(address, suppress_exceptions=True)
        if found is None:
            raise NotifyRefused(
                f"Entry {number} of DATAENG_NOTIFY is no address that apprise understands (it is not shown, because it "
                "may hold a secret). The other entries are told. Correct it; forms: https://appriseit.com/services/"
            )
        self._target = found
        identity: Callable[[], str] = found.url_id
        self.name = f"{number}-{identity()}"

    def tell(self, message: Message) -> bool:
        """Send it; False when the other side did not take it, for whatever reason."""
        return bool(self._target.notify(body=message.body, title=message.title, notify_type=message.kind))


@dataclass(frozen=True)
class Told:
    """How a tick of the notifier ended.

    Attributes:
        cursor: for the next tick.
        said: what happened, in a sentence.
    """

    cursor: str
    said: str


def channels(addresses: str, log: logging.Logger) -> tuple[list[Channel], list[NotifyRefused]]:
    """The log, and every address of the setting; with the entries that are none."""
    found: list[Channel] = [Log(log)]
    refused = []
    for number, address in enumerate(addresses.split(), start=1):
        try:
            found.append(Outside(address, number))
        except NotifyRefused as error:
            refused.append(error)
    return found, refused


def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Tell what is new, to the log and to everybody whom the settings name, as the sensor's tick."""
    settings = Settings.load()
    graph = context.repository_def.asset_graph if context.repository_def else None
    recipients, refused = channels(settings.notify.get_secret_value(), context.log)
    told = tell_news(
        context.instance,
        context.cursor,
        recipients,
        checks=sorted(graph.asset_check_keys) if graph else [],
        told_of=_informing(graph) if graph and settings.notify_info else [],
        dated=sorted(key for key in graph.get_all_asset_keys() if graph.get(key).freshness_policy) if graph else [],
        place=f"dataeng_assets ({settings.env})",
    )
    return dg.SensorResult(skip_reason=" ".join([told.said, *map(str, refused)]), cursor=told.cursor)


def _informing(graph: BaseAssetGraph[Any]) -> list[dg.AssetKey]:
    """The assets whose events are news that asks for nothing to be done."""
    return sorted(key for key in graph.get_all_asset_keys() if graph.get(key).tags.get(TIER) == INFO)


def tell_news(
    instance: dg.DagsterInstance,
    cursor: str | None,
    recipients: Sequence[Channel],
    *,
    checks: Sequence[dg.AssetCheckKey],
    dated: Sequence[dg.AssetKey],
    place: str,
    told_of: Sequence[dg.AssetKey] = (),
) -> Told:
    """Tell each recipient what it does not know yet.

    Args:
        instance: whose runs, checks and assets are watched.
        cursor: what the last tick returned.
        recipients: where to tell.
        checks: all checks of the code location.
        dated: the assets that promise freshness.
        told_of: the assets each of whose events is told, though it is no trouble.
        place: goes into each title, so that people know where it comes from.
    """
    memory = _read(cursor)
    runs = (RunHistory.from_data(memory["runs"]) if memory else RunHistory.from_now_on(instance)).read_on(instance)
    state = standing(instance, checks, dated)
    items = {item.key: item for item in (*runs.items(), *state.items, *informed(instance, told_of))}
    told: Mapping[str, Mapping[str, list[str]]] = memory.get("told", {})
    with ThreadPoolExecutor(max_workers=max(len(recipients), 1)) as pool:
        after = list(pool.map(lambda one: _tell(one, told.get(one.name, {}), items, state, place), recipients))
    missed = [one.name for one, (_, taken) in zip(recipients, after, strict=True) if not taken]
    new_told = {one.name: known for one, (known, _) in zip(recipients, after, strict=True)}
    said = f"{sum(item.trouble for item in items.values())} troubles stand. {counted(state.warnings, 'warnings')}"
    if missed:
        said += f" Not delivered, to be told again: {', '.join(missed)}."
    return Told(json.dumps({"format": _FORMAT, "runs": runs.as_data(), "told": new_told}), said.strip())


def _tell(
    one: Channel, known: Mapping[str, list[str]], items: Mapping[str, Item], state: Standing, place: str
) -> tuple[Mapping[str, list[str]], bool]:
    """Tell one recipient; returns what it knows afterwards, and whether it took what there was to tell."""
    new = [item for key, item in items.items() if known.get(key, [""])[0] != item.level]
    over = [key for key in known if key not in items and key not in state.unknown]
    if not new and not over:
        return known, True
    gone = [known[key][1] for key in over if known[key][1]]
    if (new or gone) and not one.tell(_message(new, gone, state.warnings, place)):
        return known, False
    kept = {key: said for key, said in known.items() if key not in over}
    return {**kept, **{item.key: [item.level, item.title if item.trouble else ""] for item in new}}, True


def _message(new: Sequence[Item], over: Sequence[str], warnings: Sequence[str], place: str) -> Message:
    troubles = [item for item in new if item.trouble]
    good = [item for item in new if not item.trouble]
    lines = [*(_paragraph(item) for item in (*troubles, *good)), *(f"Over: {title}" for title in over)]
    lines += [counted(warnings, "warnings")] if warnings else []
    kind = "failure" if troubles else "success"
    return Message(f"{place}: {_headline(troubles, good, over)}", "\n\n".join(lines), kind)


def _headline(troubles: Sequence[Item], good: Sequence[Item], over: Iterable[str]) -> str:
    titles = [*(item.title for item in troubles), *(f"over: {title}" for title in over), *(item.title for item in good)]
    return titles[0] if len(titles) == 1 else f"{titles[0]}, and {len(titles) - 1} more"


def _paragraph(item: Item) -> str:
    page = f"What to do: {CAUSES[item.cause].page} ({CAUSES[item.cause].title})" if item.cause else ""
    return "\n".join(line for line in (item.title, item.detail, page) if line)


def _read(cursor: str | None) -> dict[str, Any]:
    """What the last tick remembered; nothing when there was none, or when it was written in another format."""
    memory: dict[str, Any] = json.loads(cursor) if cursor else {}
    return memory if memory.get("format") == _FORMAT else {}
