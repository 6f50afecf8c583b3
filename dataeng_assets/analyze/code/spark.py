"""Rules about PySpark code: what brings data to the driver, leaves Spark's optimizer, or is computed again."""

import ast
from collections.abc import Iterator

from dataeng_assets.analyze.code.module import CodeRule, Module, chain, is_value, keyword, name_of
from dataeng_assets.analyze.finding import Severity
from dataeng_assets.analyze.guide import Guide

Found = Iterator[tuple[ast.expr | ast.stmt, str]]
_SMALL = {"limit", "head", "first", "take", "agg", "count", "tail", "summary", "describe"}
_LOOPS = (ast.For, ast.While, ast.AsyncFor)


def _methods(module: Module, *names: str) -> Iterator[ast.Call]:
    for call in module.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in names:
            yield call


def _collect(module: Module) -> Found:
    for call in _methods(module, "collect"):
        if not call.args and not _SMALL & set(chain(call)):
            yield call, "`collect()` brings every row into the memory of the driver."


def _to_pandas(module: Module) -> Found:
    for call in _methods(module, "toPandas"):
        if not _SMALL & set(chain(call)):
            yield call, "`toPandas()` brings every row into the memory of the driver, and holds it twice on the way."


def _python_udf(module: Module) -> Found:
    for call in module.calls:
        if name_of(call) == "udf" and not any(is_value(keyword(call, name), True) for name in ("useArrow",)):
            yield call, "A Python function is called for each row, outside of Spark's own code."
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef) and any(
            not isinstance(one, ast.Call) and name_of(one) == "udf" for one in node.decorator_list
        ):
            yield node, f"`{node.name}` is called for each row, outside of Spark's own code."


def _with_column_in_loop(module: Module) -> Found:
    for call in _methods(module, "withColumn", "withColumnRenamed"):
        if any(isinstance(one, _LOOPS) for one in module.around(call)):
            yield call, f"Each `{name_of(call)}` in the loop makes the plan deeper by one step."


def _single_partition(module: Module) -> Found:
    for call in _methods(module, "repartition", "coalesce"):
        if len(call.args) == 1 and is_value(call.args[0], 1):
            yield call, f"`{name_of(call)}(1)` leaves all further work to one task."


def _count_for_emptiness(module: Module) -> Found:
    for call in _methods(module, "count"):
        if call.args or "groupBy" in chain(call):
            continue
        around = module.parents.get(call)
        compared = isinstance(around, ast.Compare) and any(is_value(one, 0) for one in around.comparators)
        asked = isinstance(around, ast.If | ast.While) and around.test is call
        if compared or asked or (isinstance(around, ast.UnaryOp) and isinstance(around.op, ast.Not)):
            yield call, "All rows are counted to learn whether there is one."


def _cache_without_unpersist(module: Module) -> Found:
    if not any(_methods(module, "unpersist")):
        for call in _methods(module, "cache", "persist"):
            yield call, f"What `{name_of(call)}()` keeps is never given back: there is no `unpersist()` in this file."


def _cross_join(module: Module) -> Found:
    for call in _methods(module, "crossJoin"):
        yield call, "Every row of one side is joined with every row of the other."
    for call in _methods(module, "join"):
        is_text = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Constant)
        one_frame = len(call.args) == 1 and isinstance(call.args[0], ast.Name | ast.Call) and not call.keywords
        if one_frame and not is_text and not isinstance(call.args[0], ast.Call) and "path" not in chain(call):
            yield call, "`join` without a condition joins every row of one side with every row of the other."


def _infer_schema(module: Module) -> Found:
    for call in module.calls:
        option = name_of(call) == "option" and len(call.args) == 2 and is_value(call.args[0], "inferSchema")
        if is_value(keyword(call, "inferSchema"), True, "true") or (
            option and is_value(call.args[1], True, "true", "True")
        ):
            yield call, "The files are read twice: once to guess the types, once for the data."


def _group_by_key(module: Module) -> Found:
    for call in _methods(module, "groupByKey"):
        yield call, "`groupByKey` sends every value over the network and holds those of one key in memory."


def _stream_without_checkpoint(module: Module) -> Found:
    for call in _methods(module, "start", "toTable"):
        names = chain(call)
        text = ast.dump(call)
        if "writeStream" in names and "checkpointLocation" not in text and "options" not in names:
            yield call, "The stream has no `checkpointLocation`, so after a restart it does not know where it was."


def _action_in_loop(module: Module) -> Found:
    for call in _methods(module, "count", "collect", "toPandas", "show"):
        around = list(module.around(call))
        loop = next((one for one in around if isinstance(one, _LOOPS)), None)
        in_head = isinstance(loop, ast.For) and any(node is call for node in ast.walk(loop.iter))
        if loop is not None and not in_head and not call.args:
            yield call, f"`{name_of(call)}()` runs a job in each turn of the loop."


RULES = (
    CodeRule(
        Guide(
            "spark-collect",
            "collect() of a whole frame",
            Severity.WARNING,
            "The driver is one process with a fixed memory. What is collected has to fit into it, and all other work "
            "waits; larger data ends it with an OutOfMemoryError or at spark.driver.maxResultSize.",
            "The frame is known to be small, such as one row per country.",
            "for row in orders.collect():\n    send(row)",
            "orders.foreachPartition(send_all)",
            effect="The driver's memory no longer depends on the data.",
        ),
        _collect,
    ),
    CodeRule(
        Guide(
            "spark-to-pandas",
            "toPandas() of a whole frame",
            Severity.WARNING,
            "Rows are collected to the driver and converted there, where they take several times their size.",
            "The frame is aggregated or limited before.",
            "frame = orders.toPandas()",
            'frame = orders.groupBy("status").count().limit(1000).toPandas()',
            effect="The driver's memory no longer depends on the data.",
        ),
        _to_pandas,
    ),
    CodeRule(
        Guide(
            "spark-python-udf",
            "Python function for each row",
            Severity.WARNING,
            "Rows leave the Java process for a Python one and come back, one by one. The optimizer cannot look into "
            "the function: no filter is pushed past it and no column is left out.",
            "No built-in function does it. Then `pandas_udf` hands over whole columns.",
            "clean = udf(lambda text: text.strip().lower())",
            'clean = F.lower(F.trim(F.col("name")))',
            effect="Built-in functions run inside of Spark's generated code, usually several times faster.",
        ),
        _python_udf,
    ),
    CodeRule(
        Guide(
            "spark-with-column-in-loop",
            "withColumn in a loop",
            Severity.WARNING,
            "Each call adds a projection to the plan, and the plan is analyzed anew each time: the time grows with the "
            "square of the number of columns, until the driver fails with a stack overflow.",
            "The loop has a handful of turns.",
            "for name in names:\n    frame = frame.withColumn(name, F.trim(name))",
            "frame = frame.withColumns({name: F.trim(name) for name in names})",
            effect="The plan is analyzed once.",
        ),
        _with_column_in_loop,
    ),
    CodeRule(
        Guide(
            "spark-single-partition",
            "All data in one partition",
            Severity.WARNING,
            "One core does all the work while the others wait. `coalesce(1)` even makes the steps before it run in one "
            "task.",
            "The result is small and one file is asked for by whoever reads it.",
            "orders.coalesce(1).write.parquet(path)",
            'orders.write.option("maxRecordsPerFile", 5_000_000).parquet(path)',
            effect="The work is shared by all cores.",
        ),
        _single_partition,
    ),
    CodeRule(
        Guide(
            "spark-count-for-emptiness",
            "count() to learn whether there are rows",
            Severity.WARNING,
            "Counting reads all partitions; `isEmpty()` stops at the first row.",
            "The number is needed anyway.",
            "if orders.count() == 0:\n    stop()",
            "if orders.isEmpty():\n    stop()",
            effect="One row is read instead of all.",
        ),
        _count_for_emptiness,
    ),
    CodeRule(
        Guide(
            "spark-cache-without-unpersist",
            "cache() that is never given back",
            Severity.INFO,
            "What is kept takes memory from joins and sorts until the application ends, and these spill to disk.",
            "The frame is used until the end of the program.",
            "orders.cache()\nreport(orders)",
            "orders.cache()\nreport(orders)\norders.unpersist()",
        ),
        _cache_without_unpersist,
    ),
    CodeRule(
        Guide(
            "spark-cross-join",
            "Cross join of frames",
            Severity.WARNING,
            "The result has as many rows as both sides multiplied.",
            "One side has a few rows and all combinations are wanted; then say `crossJoin` and `broadcast`.",
            "pairs = orders.join(customers)",
            'pairs = orders.join(customers, on="customer_id")',
        ),
        _cross_join,
    ),
    CodeRule(
        Guide(
            "spark-infer-schema",
            "Types guessed from the data",
            Severity.WARNING,
            "The files are read twice, and one unusual value changes a column's type for all who read after it.",
            "A first look at unknown files.",
            "orders = spark.read.csv(path, header=True, inferSchema=True)",
            'orders = spark.read.csv(path, header=True, schema="order_id bigint, amount decimal(18,2)")',
            effect="The files are read once.",
        ),
        _infer_schema,
    ),
    CodeRule(
        Guide(
            "spark-group-by-key",
            "groupByKey on an RDD",
            Severity.WARNING,
            "Nothing is summed before the shuffle, and all values of one key must fit into one executor's memory.",
            "All values of a key are needed together, and there are few.",
            "totals = pairs.groupByKey().mapValues(sum)",
            "totals = pairs.reduceByKey(add)",
            effect="One value per key and partition is sent instead of all.",
        ),
        _group_by_key,
    ),
    CodeRule(
        Guide(
            "spark-stream-without-checkpoint",
            "Stream without a checkpoint",
            Severity.ERROR,
            "Progress and state live in the checkpoint. Without one a restart begins anew: rows are read again or left "
            "out.",
            "Output to the console while trying out.",
            'events.writeStream.format("delta").start(path)',
            'events.writeStream.format("delta").option("checkpointLocation", checkpoints).start(path)',
            effect="A restart goes on where the stream was.",
        ),
        _stream_without_checkpoint,
    ),
    CodeRule(
        Guide(
            "spark-action-in-loop",
            "A job in each turn of a loop",
            Severity.INFO,
            "Each action computes the frame from its sources again, one after the other.",
            "The turns are few, or the frame is cached.",
            "for day in days:\n    print(day, orders.where(orders.day == day).count())",
            'orders.groupBy("day").count().show()',
            effect="The sources are read once instead of once for each turn.",
        ),
        _action_in_loop,
    ),
)
"""Rules for files that import pyspark."""
