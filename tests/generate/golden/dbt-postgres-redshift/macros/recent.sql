{#-
    The condition that keeps a run to rows that are new or have changed, by key and watermark and not by the largest
    watermark seen: a row that was committed late has an older one, and would be missed.

    Args:
        key: the columns that identify a row.
        watermark: the column that moves whenever a row changes; none for rows that never change.
-#}
{% macro recent(key, watermark=none) %}
{%- if is_incremental() -%}
not exists (
    select 1
    from {{ this }} as known
    where
        {% for column in key -%}
        known.{{ column }} = staged.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
        {% if watermark -%} and known.{{ watermark }} = staged.{{ watermark }} {%- endif %}
)
{%- else -%}
1 = 1
{%- endif -%}
{% endmacro %}
