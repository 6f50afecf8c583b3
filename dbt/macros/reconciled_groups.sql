{#- The groups in which a model and another one have different totals; what the tests about totals have in common. -#}
{% macro reconciled_groups(model, compare_model, group_by_columns, column, compare_column) %}
with amounts as (
    select
        {%- for name in group_by_columns %}
        {{ name }},
        {%- endfor %}
        {{ column }} as amount,
        null as expected
    from {{ model }}

    union all

    select
        {%- for name in group_by_columns %}
        {{ name }},
        {%- endfor %}
        null as amount,
        {{ compare_column }} as expected
    from {{ compare_model }}
    where {{ judged_window() or 'true' }}
)

select
    {%- for name in group_by_columns %}
    {{ name }},
    {%- endfor %}
    coalesce(sum(amount), 0) as total,
    coalesce(sum(expected), 0) as expected_total
from amounts
{%- if group_by_columns %}
group by {{ group_by_columns | join(', ') }}
{%- endif %}
having coalesce(sum(amount), 0) <> coalesce(sum(expected), 0)
{% endmacro %}
