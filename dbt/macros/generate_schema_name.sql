{#- A model's schema is the one its folder names, in every environment: environments differ by file, not by prefix. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
