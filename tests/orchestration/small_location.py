"""A code location of a few seconds, for tests of the instance: what its ops do is told by files beside it."""

import json
import os
import time
from pathlib import Path

import dagster as dg

HOME = Path(os.environ["SMALL_LOCATION"])
DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-03-01")


def note(context: dg.OpExecutionContext, **said: object) -> None:
    with (HOME / "notes.jsonl").open("a") as notes:
        notes.write(json.dumps({"run": context.run_id, "pid": os.getpid(), **said}) + "\n")


@dg.op(pool="duckdb")
def write(context: dg.OpExecutionContext) -> None:
    began = time.time()
    time.sleep(1)
    note(context, op="write", began=began, ended=time.time())


@dg.op(pool="duckdb")
def hang(context: dg.OpExecutionContext) -> None:
    """Hold the slot for ever; the run that Dagster asks for after this one was killed goes through."""
    note(context, op="hang")
    while "dagster/parent_run_id" not in context.run.tags:
        time.sleep(0.1)


@dg.job(executor_def=dg.in_process_executor)
def writing() -> None:
    write()


@dg.job(executor_def=dg.in_process_executor)
def hanging() -> None:
    hang()


@dg.op
def copy(context: dg.OpExecutionContext) -> None:
    began = time.time()
    time.sleep(1)
    note(context, op="copy", began=began, ended=time.time())


@dg.job(executor_def=dg.in_process_executor, tags={"dataeng/source": "shop"})
def extract_shop() -> None:
    copy()


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def orders(context: dg.AssetExecutionContext) -> None:
    note(context.op_execution_context, op="orders", days=list(context.partition_keys))


defs = dg.Definitions(assets=[orders], jobs=[writing, hanging, extract_shop], executor=dg.in_process_executor)
