{#-
    The part of an order's (a whole's) amount that falls on one row, in proportion to the row's weight, to the cent: the
    parts add up to the amount exactly, each lies less than a cent from its proportion, and none is above its weight
    while the amount is not above the sum of the weights. Each row takes what is rounded up to it, less what was rounded
    up to the row before; all in whole cents, because a quotient of decimals is a floating-point number.

    Args:
        amount: column with the amount of the whole, alike on all of its rows; decimal with two places, not negative.
        weight: column with the row's weight, likewise. Where all weights are 0, the last row takes the amount.
        whole: column that says which rows belong together.
        order: column by which they go, unique within the whole.
-#}
{% macro allocated(amount, weight, whole, order) -%}
    {%- set rows_before -%}
        partition by {{ whole }} order by {{ order }} rows between unbounded preceding and 1 preceding
    {%- endset -%}
    {%- set rows_until_now -%}
        partition by {{ whole }} order by {{ order }} rows between unbounded preceding and current row
    {%- endset -%}
    case
        when sum({{ weight }}) over (partition by {{ whole }}) > 0
            then
                cast((
                    {{ _cents_until(amount, weight, whole, rows_until_now) }}
                    - {{ _cents_until(amount, weight, whole, rows_before) }}
                ) * 0.01 as decimal(12, 2))
        when lead({{ order }}) over (partition by {{ whole }} order by {{ order }}) is null then {{ amount }}
        else 0
    end
{%- endmacro %}


{% macro _cents_until(amount, weight, whole, rows) -%}
    {{ rounded_quotient(
        in_cents(amount) ~ ' * ' ~ in_cents('coalesce(sum(' ~ weight ~ ') over (' ~ rows ~ '), 0)'),
        'nullif(' ~ in_cents('sum(' ~ weight ~ ') over (partition by ' ~ whole ~ ')') ~ ', 0)'
    ) }}
{%- endmacro %}
