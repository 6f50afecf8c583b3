"""One step of work in a process of its own, so that it can be killed: `extract`, `drain` or `windows`."""

import sys
import uuid
from datetime import timedelta

from dataeng_assets.contracts.load import load_contract, load_contracts
from dataeng_assets.extract.commit import Overtaken
from dataeng_assets.extract.plan import SourceTable, Window
from dataeng_assets.extract.run import extract
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import Lake
from dataeng_assets.sample.schema import has_clock
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows import publish_windows

DEFS = ROOT / "dataeng_assets" / "defs"


def tables() -> list[SourceTable]:
    contracts = load_contracts(DEFS / "shop" / "contracts")
    return [
        SourceTable(contract, "shop", "updated_at" if has_clock(name) else None, ("bronze", "shop", name))
        for name, contract in contracts.items()
    ]


def stream(lake: Lake) -> Stream:
    contract = load_contract(DEFS / "events" / "contracts" / "user_events.yaml")
    return Stream(name="user_events", topic="user_events", domain="events", contract=contract, lake=lake)


def main(what: str, uri: str, url: str, bootstrap: str) -> None:
    lake, run_id = Lake(uri, {}), str(uuid.uuid4())
    cluster = Cluster(bootstrap, allow_plaintext=True)
    print("ready", flush=True)
    if what == "extract":
        try:
            extract(url, tables(), lake, Window(None, None), run_id=run_id)
        except Overtaken as error:
            print(error)
    elif what == "drain":
        drain(stream(lake), cluster, run_id=run_id, budget=timedelta(seconds=60), batch_records=500)
    else:
        publish_windows(stream(lake), cluster, run_id=run_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
