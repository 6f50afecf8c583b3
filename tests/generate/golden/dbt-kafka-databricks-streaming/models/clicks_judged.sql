{{ config(materialized="view") }}

-- Each event with the reason why it does not keep the contract; NULL where it does.
SELECT
  kafka_partition,
  kafka_offset,
  record,
  raw_value,
  CASE
    WHEN record IS NULL THEN 'json: no JSON'
    WHEN schema_of_variant(record) NOT LIKE 'OBJECT%' THEN 'json: no object'
    WHEN (COALESCE(schema_of_variant(record:`click_id`), 'VOID') = 'VOID') THEN 'missing: click_id'
    WHEN NOT (COALESCE(schema_of_variant(record:`click_id`), 'VOID') = 'VOID') AND NOT ((schema_of_variant(record:`click_id`) LIKE 'STRING') AND CAST(record:`click_id` AS STRING) RLIKE '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$') THEN 'type: click_id is no uuid'
    WHEN NOT (COALESCE(schema_of_variant(record:`user_id`), 'VOID') = 'VOID') AND NOT ((schema_of_variant(record:`user_id`) LIKE 'BIGINT') AND CAST(record:`user_id` AS STRING) RLIKE '^-?[0-9]{1,19}$' AND TRY_CAST(CAST(record:`user_id` AS STRING) AS BIGINT) IS NOT NULL) THEN 'type: user_id is no bigint'
    WHEN (COALESCE(schema_of_variant(record:`event_type`), 'VOID') = 'VOID') THEN 'missing: event_type'
    WHEN NOT (COALESCE(schema_of_variant(record:`event_type`), 'VOID') = 'VOID') AND NOT ((schema_of_variant(record:`event_type`) LIKE 'STRING')) THEN 'type: event_type is no string'
    WHEN (COALESCE(schema_of_variant(record:`clicked_at`), 'VOID') = 'VOID') THEN 'missing: clicked_at'
    WHEN NOT (COALESCE(schema_of_variant(record:`clicked_at`), 'VOID') = 'VOID') AND NOT ((schema_of_variant(record:`clicked_at`) LIKE 'STRING') AND CAST(record:`clicked_at` AS STRING) RLIKE '^[0-9]{4}-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]([.][0-9]{1,9})?Z$' AND TRY_CAST(CAST(record:`clicked_at` AS STRING) AS TIMESTAMP) IS NOT NULL) THEN 'type: clicked_at is no timestamp'
  END AS reason
FROM {{ ref("clicks_raw") }}
