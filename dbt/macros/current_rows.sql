{#-
    What the source held when it was last read: each key's newest row version, unless that is its delete.

    Args:
        history: every version of every row, with _op and _extracted_at, as bronze keeps them.
        key: list of the key's columns.
-#}
{% macro current_rows(history, key) -%}
    select * exclude (_newest)
    from (
        select
            *,
            row_number() over (partition by {{ key | join(', ') }} order by _extracted_at desc) as _newest
        from {{ history }}
    )
    where _newest = 1 and _op <> 'delete'
{%- endmacro %}
