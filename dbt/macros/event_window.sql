{#-
    The days that a run is for. They come from dbt's own --event-time-start and --event-time-end, which dbt checks
    (both or none, start before end) and which, unlike vars, leave the parsed project valid.
-#}


{#- The window as {'start', 'end'} of ISO dates, half-open, UTC; none when the run has none. -#}
{% macro event_window() -%}
    {%- set start = invocation_args_dict.get('event_time_start') -%}
    {%- set end = invocation_args_dict.get('event_time_end') -%}
    {%- if not start or not end -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set window = {'start': start | string, 'end': end | string} -%}
    {%- for bound in window.values() if bound[10:] | replace('T', ' ') not in ('', ' 00:00:00') -%}
        {%- do exceptions.raise_compiler_error(
            "The window begins or ends at " ~ bound ~ ", but a daily model replaces whole days. Nothing was changed."
            ~ " Give --event-time-start and --event-time-end as dates, such as 2026-01-31."
        ) -%}
    {%- endfor -%}
    {{- return({'start': window.start[:10], 'end': window.end[:10]}) -}}
{%- endmacro %}


{#- The condition that a date, or a timestamp with time zone, lies in the run's window; true when there is none. -#}
{% macro in_window(column) -%}
    {%- set window = event_window() if execute else none -%}
    {%- if window -%}
        ({{ column }} >= '{{ window.start }}' and {{ column }} < '{{ window.end }}')
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#- The same, wider by whole days: for rows that decide what the window holds and lie in front of it or behind it. -#}
{% macro near_window(date_column, days_before, days_after) -%}
    {%- set window = event_window() if execute else none -%}
    {%- if window -%}
        {%- set start = modules.datetime.date.fromisoformat(window.start) - modules.datetime.timedelta(days_before) -%}
        {%- set end = modules.datetime.date.fromisoformat(window.end) + modules.datetime.timedelta(days_after) -%}
        ({{ date_column }} >= '{{ start }}' and {{ date_column }} < '{{ end }}')
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}


{#-
    The same as the filter of a model that replaces its window. Without a window it builds a table that is not there
    yet, or one that --full-refresh drops; else the run is refused, because "no window" must never mean "every day".
-#}
{% macro only_window(column) -%}
    {%- if execute -%}
        {%- set window = event_window() -%}
        {%- if window and flags.FULL_REFRESH -%}
            {%- do exceptions.raise_compiler_error(
                "--full-refresh together with a window would leave only that window in " ~ this.identifier
                ~ ". Nothing was changed. Run --full-refresh without a window, or the window without --full-refresh."
            ) -%}
        {%- elif not window and is_incremental() -%}
            {%- do _refuse_without_window() -%}
        {%- endif -%}
    {%- endif -%}
    {{- in_window(column) -}}
{%- endmacro %}


{% macro _refuse_without_window() -%}
    {%- do exceptions.raise_compiler_error(
        this.identifier ~ " is rebuilt by days, and this run names none. Nothing was changed."
        ~ " Add --event-time-start 2026-01-01 --event-time-end 2026-02-01 (half-open, UTC), or --full-refresh for all."
    ) -%}
{%- endmacro %}


{#- The day column of a daily model, from its `meta.dataeng.partition`; none for every other model. -#}
{% macro partition_column(node) -%}
    {{- return(node.config.get('meta', {}).get('dataeng', {}).get('partition')) -}}
{%- endmacro %}


{#-
    Tests on a daily model judge only the run's window, so that an old bad day does not stop a new good one. A test
    with `meta.dataeng.whole_table: true` judges everything; give it the severity warn.
-#}
{% macro default__get_where_subquery(relation) -%}
    {%- set conditions = [config.get('where'), judged_window()] | select | list -%}
    {%- if not conditions -%}
        {{- return(relation) -}}
    {%- endif -%}
    {{- return("(select * from " ~ relation ~ " where " ~ conditions | join(' and ') ~ ") as judged") -}}
{%- endmacro %}


{#-
    The condition for the rows that the test under way judges; none when it judges all. A test that compares its model
    with another one, which has a column of the same name, filters that one by it, too.
-#}
{% macro judged_window() -%}
    {%- if not execute or model.config.get('meta', {}).get('dataeng', {}).get('whole_table') -%}
        {{- return(none) -}}
    {%- endif -%}
    {%- set column = judged_day() -%}
    {{- return(in_window(column) if column else none) -}}
{%- endmacro %}


{#- The day column of the model that the test under way stands at; none when it has none. -#}
{% macro judged_day() -%}
    {{- return(partition_column(graph.nodes.get(model.attached_node, {'config': {}})) if execute else none) -}}
{%- endmacro %}
