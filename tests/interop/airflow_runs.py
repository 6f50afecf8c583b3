"""Runs DAGs in a real Airflow, in its own environment: one JSON document per line in, one line `RESULT …` out.

It is a program, started by the tests with Airflow's own Python; nothing of the platform is imported.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

HEAVY = {"pyarrow", "psycopg", "duckdb", "deltalake", "confluent_kafka", "snowflake.connector"}


def main() -> None:
    """Answer each line until there is none."""
    sys.path.append(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.update(asked["environment"])
        print("RESULT", json.dumps(_answer(**asked["ask"])), flush=True)


def _answer(file: str, conf: dict[str, Any], snowflake: str = "", timed_out: str = "") -> dict[str, Any]:
    """Import a DAG's file and run it with `dag.test()`; with a folder, against a stand-in for Snowflake in it.

    With the name of a run that has timed out, do for it what Airflow's own processor of DAGs does, and run nothing.
    """
    if timed_out:
        return _told(file, timed_out)
    if not snowflake:
        return _run(file, conf)
    import fakesnow

    with fakesnow.patch(db_path=snowflake):
        project = importlib.import_module(f"{Path(file).stem}_project.extraction.to_snowflake")
        loads = project.SnowflakeDestination
        loads.fill = _insert
        # its MERGE writes to a second database of its own, which no transaction of DuckDB may
        loads.BEGIN = loads.COMMIT = loads.ROLLBACK = None
        ran = _run(file, conf)
        return {**ran, "rows": _rows_in_snowflake()} if ran["state"] == "success" else ran


def _told(file: str, run: str) -> dict[str, Any]:
    """Tell of a failure as the processor of DAGs does: `dag.test()` gives callbacks a DAG that has no templates."""
    import structlog
    from airflow.callbacks.callback_requests import DagCallbackRequest
    from airflow.dag_processing.dagbag import DagBag
    from airflow.dag_processing.processor import _execute_dag_callbacks

    bag = DagBag(dag_folder=file, bundle_path=Path(file).parent, load_op_links=False)
    request = DagCallbackRequest(
        filepath=file, bundle_name="dags", bundle_version=None, msg="timed_out", dag_id=Path(file).stem, run_id=run
    )
    _execute_dag_callbacks(bag, request, structlog.get_logger())
    return {"errors": {str(name): error for name, error in bag.import_errors.items()}}


def _rows_in_snowflake() -> dict[str, Any]:
    import snowflake.connector

    tables = {"people": "person_id, name, balance", "visits": "person_id, number, place"}
    with snowflake.connector.connect(database="lake", schema="crm") as connection:
        cursor = connection.cursor()
        found = {}
        for table, columns in tables.items():
            rows = cursor.execute(f"SELECT {columns} FROM crm.{table}").fetchall()
            found[table] = [[str(value) for value in row] for row in rows]
        return found


def _insert(destination: Any, table: Any, file: str, statements: dict[str, str]) -> None:
    """In place of COPY INTO, which fakesnow does not do into a temporary table: the same rows by INSERT."""
    import pyarrow.parquet as pq

    destination.execute(destination.filled(statements["put"], file=f"file://{file}"))
    rows = pq.read_table(file)
    cursor = destination._connection.cursor()
    marks = ", ".join(["%s"] * rows.num_columns)
    for row in zip(*(column.to_pylist() for column in rows.columns), strict=True):
        cursor.execute(f"INSERT INTO _staged_{table.name} ({', '.join(rows.column_names)}) VALUES ({marks})", row)


def _run(file: str, conf: dict[str, Any]) -> dict[str, Any]:
    from airflow.sdk import DAG

    before = set(sys.modules)
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    heavy = sorted(HEAVY & (set(sys.modules) - before))
    dag = next(value for value in vars(module).values() if isinstance(value, DAG))
    found = {"dag": dag.dag_id, "tasks": sorted(dag.task_ids), "heavy": heavy}
    run = dag.test(run_conf=conf)
    return {**found, "state": str(run.state), "states": {ti.task_id: str(ti.state) for ti in run.get_task_instances()}}


if __name__ == "__main__":
    main()
