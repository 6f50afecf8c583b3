{#- What `source()` gives, refused by name while the lake has no such table: DuckDB would only miss a view. -#}
{% macro source(source_name, table_name) -%}
    {%- set relation = builtins.source(source_name, table_name) -%}
    {%- if execute and adapter.get_relation(relation.database, relation.schema, relation.identifier) is none -%}
        {%- do exceptions.raise_compiler_error(
            "The lake has no table " ~ source_name ~ "." ~ table_name ~ " yet, which " ~ model.name ~ " reads."
            ~ " Nothing was changed. Start the services with `dataeng up`, then materialize the bronze assets"
            ~ " (`dataeng demo` does both), and run this again."
        ) -%}
    {%- endif -%}
    {{- return(relation) -}}
{%- endmacro %}
