{#-
    Which days of a daily model a change touches: SQL for `meta.dataeng.touched`, called in the model's own config().
    The change ledger runs it by itself, after rows were appended to a bronze table: `changes` holds those rows, and the
    bronze tables go by the names of their views. A delete has its key alone, every other column is NULL. A day too many
    costs a little time, a day too few is an error.
-#}


{#-
    The days of rows, in the state that they are in now and in every former one, by what a change names them with.

    Args:
        rows: bronze view whose rows have the day: the changed table itself, or the parents of the rows that changed.
        key: list of the columns by which a change finds its rows; both sides call them alike.
        at: column with the instant whose UTC day is meant.
-#}
{% macro days_of_changed_rows(rows, key, at) -%}
select distinct {{ utc_day('facts.' ~ at) }} as day
from {{ rows }} as facts
semi join changes on {{ _equal('facts', 'changes', key) }}
{%- endmacro %}


{#-
    The days of facts that find their version of a dimension anew. They begin at the change if the first version, which
    is valid since ever, is surely older; else every day of the key's facts is meant.

    Args:
        facts: bronze view or subquery with the key and the instant of every fact, former states included.
        key: the dimension's key column, which the facts call alike.
        at: column with the instant as of which a fact is joined; its UTC day is the fact's.
        dimension: bronze view with the dimension's history.
        clock: as scd2() has it.
-#}
{% macro days_of_changed_dimension(facts, key, at, dimension, clock='updated_at') -%}
with changed as (
    select {{ key }}, min(least({{ clock }}, _extracted_at)) as since
    from changes
    group by {{ key }}
),
known as (
    select changed.{{ key }}
    from changed
    inner join {{ dimension }} as versions on changed.{{ key }} = versions.{{ key }}
    group by changed.{{ key }}, changed.since
    having
        {%- if clock == '_extracted_at' %}
        min(versions._extracted_at) filter (where versions._op <> 'delete') < changed.since
        {%- else %}
        min(coalesce(versions.{{ clock }}, versions._extracted_at)) < changed.since
        -- a delete can fall on the first version's instant, and so make another version the first
        and bool_and(versions._op = 'upsert')
        {%- endif %}
)
select distinct {{ utc_day('facts.' ~ at) }} as day
from {{ facts }} as facts
inner join changed on facts.{{ key }} = changed.{{ key }}
left join known on changed.{{ key }} = known.{{ key }}
where facts.{{ at }} >= changed.since or known.{{ key }} is null
{%- endmacro %}


{#-
    The days on which rows near the changed ones lie, in the states that `days_of_changed_rows` means: for facts that are
    made from several rows.

    Args:
        rows, key, at: as in `days_of_changed_rows`.
        before: how far before a changed row a fact can lie that it decides about, such as '24 hours'.
        after: the same, after it.
-#}
{% macro days_near_changed_rows(rows, key, at, before, after) -%}
with spans as (
    select distinct
        {{ utc_day('facts.' ~ at ~ " - interval '" ~ before ~ "'") }} as first_day,
        {{ utc_day('facts.' ~ at ~ " + interval '" ~ after ~ "'") }} as last_day
    from {{ rows }} as facts
    semi join changes on {{ _equal('facts', 'changes', key) }}
)
select distinct unnest(generate_series(first_day, last_day, interval '1 day')) as day
from spans
{%- endmacro %}


{#-
    Every day from the earliest change on, up to today: for a periodic snapshot, where a row holds until the next one.

    Args:
        clock: as scd2() has it.
-#}
{% macro days_since_change(clock='updated_at') -%}
select
    unnest(
        generate_series(
            {{ utc_day('min(least(' ~ clock ~ ', _extracted_at))') }}, {{ utc_today() }}, interval '1 day'
        )
    ) as day
from changes
{%- endmacro %}


{% macro _equal(left, right, key) -%}
    {%- for column in key -%}
        {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
