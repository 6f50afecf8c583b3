"""What each kind of check, and each metric, is called elsewhere.

Importers and exporters take the names of metrics from here; that they know every other name, and no name that is not
here, is tested.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dataeng_assets.contracts.checks import kinds
from dataeng_assets.contracts.checks.kinds import Check, Metric


@dataclass(frozen=True)
class Names:
    """Names of the same thing.

    Attributes:
        odcs: words of the standard; `dataeng` is its custom engine, in which every kind can be written.
        gx: expectations of GX core, the one that says most first.
        dbt: tests and constraints of dbt itself.
        dbt_utils: tests of that package.
        dbt_expectations: tests of that package, the one that says most first.
    """

    odcs: tuple[str, ...] = ()
    gx: tuple[str, ...] = ()
    dbt: tuple[str, ...] = ()
    dbt_utils: tuple[str, ...] = ()
    dbt_expectations: tuple[str, ...] = ()


def _values(*words: str) -> tuple[str, ...]:
    return tuple(f"expect_column_values_to_{word}" for word in words)


def _measured(word: str, *others: str) -> Names:
    name = f"expect_column_{word}_to_be_between"
    return Names(gx=(name,), dbt_expectations=(name, *others))


_MATCHES = ("match_regex", "match_regex_list", "not_match_regex", "not_match_regex_list")
_LIKE = ("match_like_pattern", "match_like_pattern_list", "not_match_like_pattern", "not_match_like_pattern_list")
_IN_RECORD = "expect_select_column_values_to_be_unique_within_record"
_DISTINCT = tuple(f"expect_column_distinct_values_to_{word}" for word in ("be_in_set", "contain_set", "equal_set"))
_LENGTHS = ("expect_column_value_lengths_to_be_between", "expect_column_value_lengths_to_equal")
_COLUMNS = ("expect_table_columns_to_match_set", "expect_table_columns_to_match_ordered_list", "expect_column_to_exist")
_UNIQUE = (*_values("be_unique"), "expect_compound_columns_to_be_unique")
_IN_SET, _NOT_IN_SET, _BETWEEN = _values("be_in_set", "not_be_in_set", "be_between")

KINDS: Mapping[type[Check], Names] = MappingProxyType(
    {
        kinds.NotNull: Names(
            ("required", "nullValues", "missingValues"), _values("not_be_null"), ("not_null",), (),
            _values("not_be_null"),
        ),
        kinds.IsNull: Names((), _values("be_null"), (), (), _values("be_null")),
        kinds.OneOf: Names(
            ("enum", "invalidValues: validValues"), (_IN_SET, _NOT_IN_SET), ("accepted_values",),
            ("not_accepted_values",), (_IN_SET, _NOT_IN_SET),
        ),
        kinds.Between: Names(
            ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (_BETWEEN,), (), ("accepted_range",),
            (_BETWEEN,),
        ),
        kinds.MultipleOf: Names(("multipleOf",)),
        kinds.Length: Names(
            ("minLength", "maxLength", "minItems", "maxItems"), _LENGTHS, (), ("not_empty_string",), _LENGTHS
        ),
        kinds.Matches: Names(
            ("pattern", "invalidValues: pattern"), _values(*_MATCHES), (), (), _values(*_MATCHES)
        ),
        kinds.Like: Names((), _values(*_LIKE), (), (), _values(*_LIKE)),
        kinds.Format: Names(
            ("format",), _values("match_strftime_format", "be_dateutil_parseable", "be_json_parseable")
        ),
        kinds.JsonSchema: Names((), _values("match_json_schema")),
        kinds.Compare: Names(
            (), ("expect_column_pair_values_a_to_be_greater_than_b", "expect_column_pair_values_to_be_equal",
                 "expect_multicolumn_values_to_be_equal"), (), (),
            ("expect_column_pair_values_A_to_be_greater_than_B", "expect_column_pair_values_to_be_equal"),
        ),
        kinds.TupleOneOf: Names(
            (), ("expect_column_pair_values_to_be_in_set",), (), (), ("expect_column_pair_values_to_be_in_set",)
        ),
        kinds.SumsTo: Names((), ("expect_multicolumn_sum_to_equal",)),
        kinds.DifferInRow: Names(
            (), (_IN_RECORD, "expect_multicolumn_values_to_be_unique"), (), (), (_IN_RECORD,)
        ),
        kinds.Holds: Names((), (), ("check",), ("expression_is_true",), ("expression_is_true",)),
        kinds.OfType: Names(
            ("logicalType", "physicalType"), (*_values("be_of_type", "be_in_type_list"), "expect_column_type_to_be"),
            ("data_type",), (), _values("be_of_type", "be_in_type_list"),
        ),
        kinds.Ordered: Names((), _values("be_increasing", "be_decreasing")),
        kinds.ZScore: Names(
            (), ("expect_column_value_z_scores_to_be_less_than", *_values("not_be_outliers")), (), (),
            _values("be_within_n_stdevs"),
        ),
        kinds.Unique: Names(
            ("unique", "primaryKey", "duplicateValues"), _UNIQUE, ("unique", "primary_key"),
            ("unique_combination_of_columns",), _UNIQUE,
        ),
        kinds.References: Names(("relationships",), (), ("relationships", "foreign_key")),
        kinds.MostCommon: Names(
            (), ("expect_column_most_common_value_to_be_in_set",), (), (),
            ("expect_column_most_common_value_to_be_in_set",),
        ),
        kinds.DistinctValues: Names((), _DISTINCT, (), (), _DISTINCT),
        kinds.HasColumns: Names(
            ("properties",), _COLUMNS, ("columns", "contract"), (), (*_COLUMNS, "expect_table_columns_to_contain_set")
        ),
        kinds.Reconciles: Names(
            (), ("expect_table_row_count_to_equal_other_table",), (), ("equal_rowcount",),
            ("expect_table_row_count_to_equal_other_table",),
        ),
        kinds.Query: Names(
            ("sql",), (), (), ("fewer_rows_than",),
            ("expect_multicolumn_sum_to_equal", "expect_multicolumn_sum_to_be_between"),
        ),
        kinds.NoRows: Names(
            (), ("unexpected_rows_expectation",), (),
            ("relationships_where", "mutually_exclusive_ranges", "sequential_values"),
            (*_values("be_increasing", "be_decreasing", "have_consistent_casing"),
             "expect_table_aggregation_to_equal_other_table", "expect_grouped_row_values_to_have_recent_data",
             "expect_column_distinct_count_to_equal_other_table",
             "expect_table_row_count_to_equal_other_table_times_factor"),
        ),
        kinds.SameResult: Names(
            (), ("expect_query_results_to_match_comparison",), (), ("equality", "cardinality_equality")
        ),
    }
)  # fmt: skip
"""Every kind but `Measure`, whose metrics have their own."""

METRICS: Mapping[Metric, Names] = MappingProxyType(
    {
        Metric.ROW_COUNT: Names(
            ("rowCount",), ("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal"), (), (),
            ("expect_table_row_count_to_be_between", "expect_table_row_count_to_equal"),
        ),
        Metric.COLUMN_COUNT: Names(
            (), ("expect_table_column_count_to_be_between", "expect_table_column_count_to_equal"), (), (),
            ("expect_table_column_count_to_be_between", "expect_table_column_count_to_equal"),
        ),
        Metric.NULL_SHARE: Names(
            ("nullValues",), ("expect_column_proportion_of_non_null_values_to_be_between",), (),
            ("not_null_proportion",),
        ),
        Metric.DISTINCT_COUNT: Names(
            (), ("expect_column_unique_value_count_to_be_between",), (), ("at_least_one", "not_constant"),
            ("expect_column_unique_value_count_to_be_between", "expect_column_distinct_count_to_equal",
             "expect_column_distinct_count_to_be_greater_than", "expect_column_distinct_count_to_be_less_than"),
        ),
        Metric.DISTINCT_SHARE: _measured("proportion_of_unique_values"),
        Metric.MINIMUM: _measured("min"),
        Metric.MAXIMUM: _measured("max"),
        Metric.SUM: _measured("sum"),
        Metric.MEAN: _measured("mean"),
        Metric.MEDIAN: _measured("median"),
        Metric.QUANTILE: _measured("quantile_values"),
        Metric.STDEV: _measured("stdev"),
        Metric.HOURS_OLD: Names(
            ("slaProperties: latency",), (), ("freshness",), ("recency",), ("expect_row_values_to_have_recent_data",)
        ),
        Metric.LATENCY_HOURS: Names(),
        Metric.KL_DIVERGENCE: Names((), ("expect_column_kl_divergence_to_be_less_than",)),
    }
)  # fmt: skip
"""Every metric of `Measure`."""

UNSAID: Mapping[str, str] = MappingProxyType(
    {
        "expect_table_column_count_to_equal_other_table": "columns of two tables are not counted; name them",
        "expect_table_columns_to_not_contain_set": "columns are demanded, not forbidden; name those there are",
        "expect_column_values_to_be_within_n_moving_stdevs": "it follows a metric over time, as anomaly checks do",
        "expect_row_values_to_have_data_for_every_n_datepart": (
            "a calendar without gaps; say it as an SQL query over generate_series"
        ),
    }
)
"""Tests of dbt-expectations that no kind says, with the reason."""
