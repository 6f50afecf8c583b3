{#- What differs between engines. -#}


{#- Equality that treats two NULLs as equal. -#}
{% macro same(left, right) -%}
    {{- return(adapter.dispatch('same')(left, right)) -}}
{%- endmacro %}

{% macro default__same(left, right) -%}
    {{ left }} is not distinct from {{ right }}
{%- endmacro %}


{#- Microseconds since 1970 of an instant, whatever the session's time zone. -#}
{% macro microseconds(instant) -%}
    {{- return(adapter.dispatch('microseconds')(instant)) -}}
{%- endmacro %}

{% macro default__microseconds(instant) -%}
    epoch_us({{ instant }})
{%- endmacro %}


{#- The UTC day of an instant. -#}
{% macro utc_day(instant) -%}
    cast(({{ instant }}) at time zone 'UTC' as date)
{%- endmacro %}


{#- The last instant of a UTC day. -#}
{% macro utc_day_end(day) -%}
    ({{ day }} + interval '1 day' - interval '1 microsecond') at time zone 'UTC'
{%- endmacro %}


{#- The UTC day on which the statement runs: the newest day that can be known. -#}
{% macro utc_today() -%}
    cast(now() at time zone 'UTC' as date)
{%- endmacro %}


{#-
    Joins to each fact the newest version that had begun at the instant `at`, or nothing. The version may have ended by
    then (a deleted key): read its columns through `as_of_value` only. One row per fact needs versions that are unique
    by key and valid_from, which the dimension's tests check.
-#}
{% macro left_join_as_of(versions, alias, on, at) -%}
    {{- return(adapter.dispatch('left_join_as_of')(versions, alias, on, at)) -}}
{%- endmacro %}

{% macro default__left_join_as_of(versions, alias, on, at) -%}
    asof left join {{ versions }} as {{ alias }} on {{ on }} and {{ at }} >= {{ alias }}.valid_from
{%- endmacro %}


{#- A column of the version joined as of `at`; NULL where that version had ended. -#}
{% macro as_of_value(alias, column, at) -%}
    case when {{ at }} < coalesce({{ alias }}.valid_to, timestamptz 'infinity') then {{ alias }}.{{ column }} end
{%- endmacro %}


{#- An amount with two decimal places as a whole number of cents that may be multiplied by another one. -#}
{% macro in_cents(amount) -%}
    {{- return(adapter.dispatch('in_cents')(amount)) -}}
{%- endmacro %}

{% macro default__in_cents(amount) -%}
    cast({{ amount }} * 100 as hugeint)
{%- endmacro %}


{#- The quotient of two whole numbers that are not negative, rounded to a whole number, halves up; exact. -#}
{% macro rounded_quotient(dividend, divisor) -%}
    {{- return(adapter.dispatch('rounded_quotient')(dividend, divisor)) -}}
{%- endmacro %}

{% macro default__rounded_quotient(dividend, divisor) -%}
    ((2 * {{ dividend }} + {{ divisor }}) // (2 * {{ divisor }}))
{%- endmacro %}
