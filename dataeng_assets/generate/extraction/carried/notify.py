"""Telling people how a run went. Addresses, which may hold secrets, come from the orchestrator's secrets."""

from collections.abc import Sequence

import apprise


def notify(addresses: Sequence[str], title: str, body: str) -> None:
    """Send a message to each address, in the form that apprise takes: a webhook, `mailto://`, `slack://` and so on.

    A service that does not answer fails nothing: the run is as it is, whoever was told.
    """
    service = apprise.Apprise()
    for address in addresses:
        service.add(address)
    service.notify(title=title, body=body)
