{#-
    The column adds up to what another model has, exactly, in every group: nothing is lost, doubled or altered on the
    way. Of a daily model the days of the run are compared, and the other model has a column named like its day.

    Args:
        compare_model: what the model is made from.
        compare_column: its column or an expression over its columns; the same column when none.
        group_by_columns: columns that both have; name the day of a daily model, so that a failure says which it is.
-#}
{% test reconciled_total(model, column_name, compare_model, compare_column=none, group_by_columns=[]) %}
{{- reconciled_groups(model, compare_model, group_by_columns, column_name, compare_column or column_name) -}}
{% endtest %}
