"""Ours: `python ours.py CASE BOOTSTRAP TOPIC LAKE READER`, drains the topic, and in case `window` publishes windows."""

import sys
from datetime import timedelta
from pathlib import Path

from events import CONTRACT

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows import publish_windows

BUDGET = timedelta(hours=2)


def main() -> None:
    case, bootstrap, topic, lake, reader = sys.argv[1:]
    cluster = Cluster(bootstrap, allow_plaintext=True, reader=reader)
    stream = Stream("page_events", topic, "benchmark", load_contract(Path(CONTRACT)), Lake(lake))
    drain(stream, cluster, run_id="benchmark", budget=BUDGET)
    if case == "window":
        publish_windows(stream, cluster, run_id="benchmark")


if __name__ == "__main__":
    main()
