{#-
    The incremental strategy of daily models: the days of the window are deleted and the new rows inserted, in the one
    transaction of the materialization. A day that shrank or became empty is right, and no other day is touched, which
    neither `merge` nor `delete+insert` can say. The day column is the model's `meta.dataeng.partition`.
-#}
{% macro get_incremental_replace_range_sql(arg_dict) -%}
    {{- return(adapter.dispatch('replace_range')(
        arg_dict['target_relation'], arg_dict['temp_relation'], arg_dict['dest_columns'], partition_column(model)
    )) -}}
{%- endmacro %}


{% macro default__replace_range(target, new_rows, columns, day) -%}
    {%- if not day -%}
        {%- do exceptions.raise_compiler_error(
            this.identifier ~ " uses replace_range but declares no day column: set config.meta.dataeng.partition."
        ) -%}
    {%- endif -%}
    {%- if not event_window() -%}
        {%- do _refuse_without_window() -%}
    {%- endif -%}
    {%- set outside = run_query(
        "select count(*) from " ~ new_rows ~ " where " ~ day ~ " is null or not " ~ in_window(day)
    ).columns[0][0] -%}
    {%- if outside -%}
        {%- do exceptions.raise_compiler_error(
            this.identifier ~ " made " ~ outside ~ " rows whose " ~ day ~ " is NULL or outside the window, which the"
            ~ " next run would double. Nothing was changed. Filter the model's input with only_window()."
        ) -%}
    {%- endif -%}
    {%- set names = columns | map(attribute='quoted') | join(', ') -%}
    delete from {{ target }} where {{ in_window(day) }};
    insert into {{ target }} ({{ names }}) select {{ names }} from {{ new_rows }};
{%- endmacro %}
