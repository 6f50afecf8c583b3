"""Great Expectations over one input: `python great_expectations_peer.py pandas|sql INPUT ANSWERS`.

All expectations are one suite, so that GX may bundle what it computes. It counts every row whose value is not unique.

`pandas` is given decimals as doubles: for the sum of decimals GX looks through Python's call stack at every value, a
millisecond each, and nothing else would be measured. No rule is decided by the difference.

`sql` is SQLite. GX knows no DuckDB: it closes the connection before it fetches, which loses DuckDB's result. Of what it
does know, SQLite is the one that runs in the process that is measured, as the other contestants do; filling its table
is not counted.
"""

import logging
import sys
from typing import Any

import great_expectations as gx
import pyarrow as pa
import pyarrow.parquet as pq
from great_expectations import expectations as gxe
from great_expectations.data_context.types.base import ProgressBarsConfig
from rules import METRICS, RULES, Rule, write_answers


def expectation(rule: Rule) -> Any:
    low, high = rule.arguments if len(rule.arguments) == 2 else (None, None)
    common, bounds = {"column": rule.column, "meta": {"rule": rule.name}}, {"min_value": low, "max_value": high}
    match rule.kind:
        case "not_null":
            return gxe.ExpectColumnValuesToNotBeNull(**common)
        case "unique":
            return gxe.ExpectColumnValuesToBeUnique(**common)
        case "uuid" | "matches":
            return gxe.ExpectColumnValuesToMatchRegex(regex=rule.arguments[0], **common)
        case "one_of":
            return gxe.ExpectColumnValuesToBeInSet(value_set=list(rule.arguments), **common)
        case "between":
            return gxe.ExpectColumnValuesToBeBetween(**common, **bounds)
        case "length":
            return gxe.ExpectColumnValueLengthsToBeBetween(**common, **bounds)
        case "at_most":
            return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A=rule.arguments[0], column_B=rule.column, or_equal=True, meta=common["meta"]
            )
        case "row_count":
            return gxe.ExpectTableRowCountToBeBetween(meta=common["meta"], **bounds)
        case "null_share":
            return gxe.ExpectColumnProportionOfNonNullValuesToBeBetween(min_value=1 - high, max_value=1 - low, **common)
    kinds = {
        "mean": gxe.ExpectColumnMeanToBeBetween,
        "sum": gxe.ExpectColumnSumToBeBetween,
        "maximum": gxe.ExpectColumnMaxToBeBetween,
        "stdev": gxe.ExpectColumnStdevToBeBetween,
        "median": gxe.ExpectColumnMedianToBeBetween,
    }
    return kinds[rule.kind](**common, **bounds)


def batch_of(context: Any, engine: str, path: str) -> Any:
    if engine == "sql":
        source = context.data_sources.add_sql("orders", connection_string=f"sqlite:///{path}")
        return source.add_table_asset("orders", table_name="orders").add_batch_definition_whole_table("all").get_batch()
    asset = context.data_sources.add_pandas("orders").add_dataframe_asset("orders")
    frame = frame_of(path)
    return asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})


def frame_of(path: str) -> Any:
    """The file, with its decimals as doubles."""
    table = pq.read_table(path)
    doubles = [field.with_type(pa.float64()) if pa.types.is_decimal(field.type) else field for field in table.schema]
    return table.cast(pa.schema(doubles)).to_pandas()


def answer(rule: Rule, found: Any) -> dict[str, Any]:
    if rule.kind in METRICS:
        value = float(found.result["observed_value"])
        return {"holds": bool(found.success), "value": 1 - value if rule.kind == "null_share" else value}
    counted = "involved" if rule.kind == "unique" else "failing"
    return {"holds": bool(found.success), counted: int(found.result["unexpected_count"])}


def main() -> None:
    engine, path, answers = sys.argv[1:]
    logging.disable(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    suite = gx.ExpectationSuite(name="orders", expectations=[expectation(rule) for rule in RULES])
    results = batch_of(context, engine, path).validate(suite, result_format="BASIC").results
    by_name = {found.expectation_config.meta["rule"]: found for found in results}
    raised = [str(one.exception_info) for one in results if not one.result]
    if raised:
        sys.exit(raised[0])
    write_answers(answers, {rule.name: answer(rule, by_name[rule.name]) for rule in RULES})


if __name__ == "__main__":
    main()
