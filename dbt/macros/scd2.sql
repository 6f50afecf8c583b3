{#-
    A dimension with history, as a pure function of the row versions: in whichever order and batches they arrived, the
    same rows and keys come out as from a rebuild. A run recomputes the keys whose history differs from what the
    dimension was made from, each from its whole history, and replaces all rows of those keys.

    When: a version begins at the row's clock, else at its extraction. A delete, and a row that came back after one,
    can carry an old clock: they begin no earlier than their extraction and than what had been read of the key by then.
    Which: per key and instant one row counts: the newest extraction, a delete before a row, then the content's hash.
    A version begins where a tracked column differs from the row before, at the first row, and after a delete; it ends
    where the next one begins or the key is deleted. A delete has no row of its own.

    Args:
        history: relation with the key, the columns, the clock, _op, _extracted_at and _row_hash.
        entity: gives the version key its name: customer -> customer_key.
        key: list of the key's columns; NULL and '' are values like any other. No floating-point numbers: their text,
            which the version key is made of, differs between engines.
        columns: type by column name.
            0: the first value; 1: the latest value, on all versions; 2: tracked; 3: like 1, and previous_<column> has
            the latest value that differs; 6: tracked, and current_<column> has the latest value.
        clock: column that says when the source changed the row.
        first_from: instant at which each key's first version begins, so that facts older than the row find it.

    Columns: <entity>_key, the key, the columns, valid_from, valid_to (NULL while open), is_current, and _history: what
    the key's rows were made from, by which a run knows that they are up to date.
-#}
{% macro scd2(history, entity, key, columns, clock='updated_at', first_from=none) -%}
    {%- for column in (adapter.get_columns_in_relation(history) if execute else []) -%}
        {%- if column.name in key and column.is_float() -%}
            {%- do exceptions.raise_compiler_error(
                "scd2: the key column " ~ column.name ~ " of " ~ this.identifier ~ " is a floating-point number, whose"
                ~ " text differs between engines. Nothing was changed. Cast it to an integer or decimal in staging."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- a unit test has no relation of its own to ask for -#}
    {%- set existing = this if model.resource_type == 'model' and is_incremental() else none -%}
    {{- scd2_sql(history, existing, entity, key, columns, clock, first_from) -}}
{%- endmacro %}


{#- The same without dbt's state: `existing` is the dimension to bring up to date, or none for a rebuild. -#}
{% macro scd2_sql(history, existing, entity, key, columns, clock, first_from) -%}
{%- set keys = key | join(', ') -%}
{%- set tracked = [] -%}
{%- set latest = [] -%}
{%- for column, type in columns.items() -%}
    {%- if type not in (0, 1, 2, 3, 6) -%}
        {%- do exceptions.raise_compiler_error("scd2: column " ~ column ~ " has type " ~ type ~ ", not 0, 1, 2, 3 or 6") -%}
    {%- endif -%}
    {%- do tracked.append(column) if type in (2, 6) -%}
    {%- do latest.append(column) if type in (1, 3, 6) -%}
{%- endfor -%}
{%- set definition = local_md5([entity, key, columns, clock, first_from] | string) %}
with read_now as (
    select
        {{ keys }},
        md5('{{ definition }} ' || count(*) || ' ' || {{ microseconds('max(_extracted_at)') }}) as _history
    from {{ history }}
    group by {{ keys }}
),

{%- if existing %}

touched as (
    select
        {%- for column in key %}
        coalesce(read_now.{{ column }}, made.{{ column }}) as {{ column }},
        {%- endfor %}
        read_now._history
    from read_now
    full join (select distinct {{ keys }}, _history from {{ existing }} where _history is not null) as made
        on {{ _same_key('read_now', 'made', key) }}
    where read_now._history is distinct from made._history
),

{%- else %}

touched as (select * from read_now),

{%- endif %}

clocked as (
    select
        versions.*,
        touched._history,
        case
            when _op in ('delete', 'return') then greatest({{ clock }}, _extracted_at)
            else coalesce({{ clock }}, _extracted_at)
        end as _clock
    from {{ history }} as versions
    inner join touched on {{ _same_key('versions', 'touched', key) }}
),

placed as (
    select
        *,
        case
            when _op in ('delete', 'return') then max(_clock) over (partition by {{ keys }} order by _extracted_at)
            else _clock
        end as _instant
    from clocked
),

ranked as (
    select
        *,
        row_number() over (
            partition by {{ keys }}, _instant
            order by _extracted_at desc, case when _op = 'delete' then 0 else 1 end, _row_hash desc
        ) as _rank
    from placed
),

changes as (
    select
        *,
        row_number() over (partition by {{ keys }} order by case when _op = 'delete' then 1 else 0 end, _instant) as _nth,
        _op <> 'delete' and (
            coalesce(lag(_op) over in_order, 'delete') = 'delete'
            {%- for column in tracked %}
            or {{ column }} is distinct from lag({{ column }}) over in_order
            {%- endfor %}
        ) as _begins
        {%- for column, type in columns.items() if type == 0 %},
        first_value({{ column }}) over oldest_first as _first_{{ column }}
        {%- endfor %}
        {%- for column in latest %},
        first_value({{ column }}) over newest_first as _latest_{{ column }}
        {%- endfor %}
    from ranked
    where _rank = 1
    window
        in_order as (partition by {{ keys }} order by _instant),
        oldest_first as (partition by {{ keys }} order by case when _op = 'delete' then 1 else 0 end, _instant),
        newest_first as (partition by {{ keys }} order by case when _op = 'delete' then 1 else 0 end, _instant desc)
),

bounded as (
    select
        *,
        lead(_instant) over (partition by {{ keys }} order by _instant) as _ends_at
    from (
        select
            *
            {%- for column, type in columns.items() if type == 3 %}
            {%- set differs = "_op <> 'delete' and " ~ column ~ " is distinct from _latest_" ~ column %},
            first_value(case when {{ differs }} then {{ column }} end) over (
                partition by {{ keys }} order by case when {{ differs }} then 0 else 1 end, _instant desc
            ) as _previous_{{ column }}
            {%- endfor %}
        from changes
    )
    where _begins or _op = 'delete'
)

select
    md5(
        {%- for column in key %}
        coalesce(length(cast({{ column }} as varchar)) || ':' || cast({{ column }} as varchar), '-') || ',' ||
        {%- endfor %}
        {{ microseconds('_instant') }}
    ) as {{ entity }}_key,
    {{ keys }},
    {%- for column, type in columns.items() %}
    {{ {0: '_first_' ~ column ~ ' as ', 1: '_latest_' ~ column ~ ' as ', 3: '_latest_' ~ column ~ ' as '}.get(type, '') }}{{ column }},
    {%- if type == 3 %}
    _previous_{{ column }} as previous_{{ column }},
    {%- elif type == 6 %}
    _latest_{{ column }} as current_{{ column }},
    {%- endif %}
    {%- endfor %}
    {% if first_from -%}
    case when _nth = 1 then least(_instant, timestamptz '{{ first_from }}') else _instant end as valid_from,
    {%- else -%}
    _instant as valid_from,
    {%- endif %}
    _ends_at as valid_to,
    _ends_at is null as is_current,
    _history
from bounded
where _begins
{%- if existing %}

union all by name

select
    {{ keys }},
    _history
from touched
{%- endif %}
{%- endmacro %}


{% macro _same_key(left, right, key) -%}
    {%- for column in key -%}
        {{ same(left ~ '.' ~ column, right ~ '.' ~ column) }}{{ ' and ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{#-
    The incremental strategy that goes with `scd2`: a row without valid_from only names a key, all of whose rows go;
    the others are inserted. So a key whose history is empty by now leaves nothing behind.
-#}
{% macro get_incremental_replace_versions_sql(arg_dict) -%}
    {{- replace_versions_sql(
        arg_dict['target_relation'],
        arg_dict['temp_relation'],
        [arg_dict['unique_key']] if arg_dict['unique_key'] is string else arg_dict['unique_key'],
        arg_dict['dest_columns'] | map(attribute='quoted') | join(', ')
    ) -}}
{%- endmacro %}


{% macro replace_versions_sql(target, new_rows, key, names) -%}
    delete from {{ target }} as old
    using {{ new_rows }} as fresh
    where fresh.valid_from is null and {{ _same_key('old', 'fresh', key) }};
    insert into {{ target }} ({{ names }}) select {{ names }} from {{ new_rows }} where valid_from is not null;
{%- endmacro %}
