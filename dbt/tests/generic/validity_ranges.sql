{#-
    The versions of each key are ranges [valid_from, valid_to) that are not empty and do not overlap, at most one of
    them open and none after it, and is_current says which. So a join as of an instant finds at most one.
-#}
{% test validity_ranges(model, key) %}
with ordered as (
    select
        *,
        lead(valid_from) over (partition by {{ key | join(', ') }} order by valid_from, valid_to) as next_from
    from {{ model }}
)

select {{ key | join(', ') }}, valid_from, valid_to, next_from
from ordered
where
    valid_from >= valid_to
    or coalesce(valid_to, timestamptz 'infinity') > next_from
    or is_current is distinct from (valid_to is null)
{% endtest %}
