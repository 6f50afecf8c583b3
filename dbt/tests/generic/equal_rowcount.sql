{#- As many rows as another model has, in every group; otherwise as `reconciled_total`. -#}
{% test equal_rowcount(model, compare_model, group_by_columns=[]) %}
{{- reconciled_groups(model, compare_model, group_by_columns, '1', '1') -}}
{% endtest %}
