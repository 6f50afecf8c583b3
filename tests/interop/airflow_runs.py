"""Runs DAGs in a real Airflow, in its own environment: one JSON document per line in, one line `RESULT …` out.

It is a program, started by the tests with Airflow's own Python; nothing of the platform is imported.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer each line until there is none."""
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.update(asked["environment"])
        print("RESULT", json.dumps(_answer(**asked["ask"])), flush=True)


def _answer(file: str, conf: dict[str, Any] | None) -> dict[str, Any]:
    """Import a DAG's file and run it with `dag.test()`; without a configuration only import it."""
    from airflow.sdk import DAG

    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    heavy = sorted({"pyarrow", "psycopg", "duckdb", "deltalake", "snowflake.connector"} & (set(sys.modules) - before))
    dag = next(value for value in vars(module).values() if isinstance(value, DAG))
    found = {"dag": dag.dag_id, "tasks": sorted(dag.task_ids), "heavy": heavy}
    if conf is None:
        return found
    run = dag.test(run_conf=conf)
    return {**found, "state": str(run.state), "states": {ti.task_id: str(ti.state) for ti in run.get_task_instances()}}


if __name__ == "__main__":
    main()
