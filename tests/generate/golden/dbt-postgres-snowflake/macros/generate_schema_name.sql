{#- A model's schema is called as it is configured, without the profile's before it. -#}
{% macro generate_schema_name(custom_schema_name, node) %}
{{- custom_schema_name | trim if custom_schema_name else target.schema -}}
{% endmacro %}
