{{ config(
    materialized="dynamic_table",
    target_lag="downstream",
    snowflake_warehouse=env_var("SNOWFLAKE_WAREHOUSE"),
    refresh_mode="INCREMENTAL"
) }}

-- Each event with the reason why it does not keep the contract; NULL where it does.
SELECT
  kafka_partition,
  kafka_offset,
  record,
  CASE
    WHEN COALESCE(TYPEOF(record), 'NULL_VALUE') <> 'OBJECT' THEN 'json: no object'
    WHEN (COALESCE(TYPEOF(GET(record, 'click_id')), 'NULL_VALUE') = 'NULL_VALUE') THEN 'missing: click_id'
    WHEN NOT (COALESCE(TYPEOF(GET(record, 'click_id')), 'NULL_VALUE') = 'NULL_VALUE') AND NOT ((TYPEOF(GET(record, 'click_id')) LIKE 'VARCHAR') AND REGEXP_LIKE(GET(record, 'click_id')::VARCHAR, '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$')) THEN 'type: click_id is no uuid'
    WHEN NOT (COALESCE(TYPEOF(GET(record, 'user_id')), 'NULL_VALUE') = 'NULL_VALUE') AND NOT ((TYPEOF(GET(record, 'user_id')) LIKE 'INTEGER') AND REGEXP_LIKE(GET(record, 'user_id')::VARCHAR, '^-?[0-9]{1,19}$') AND TRY_CAST(GET(record, 'user_id')::VARCHAR AS BIGINT) IS NOT NULL) THEN 'type: user_id is no bigint'
    WHEN (COALESCE(TYPEOF(GET(record, 'event_type')), 'NULL_VALUE') = 'NULL_VALUE') THEN 'missing: event_type'
    WHEN NOT (COALESCE(TYPEOF(GET(record, 'event_type')), 'NULL_VALUE') = 'NULL_VALUE') AND NOT ((TYPEOF(GET(record, 'event_type')) LIKE 'VARCHAR')) THEN 'type: event_type is no string'
    WHEN (COALESCE(TYPEOF(GET(record, 'clicked_at')), 'NULL_VALUE') = 'NULL_VALUE') THEN 'missing: clicked_at'
    WHEN NOT (COALESCE(TYPEOF(GET(record, 'clicked_at')), 'NULL_VALUE') = 'NULL_VALUE') AND NOT ((TYPEOF(GET(record, 'clicked_at')) LIKE 'VARCHAR') AND REGEXP_LIKE(GET(record, 'clicked_at')::VARCHAR, '^[0-9]{4}-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]([.][0-9]{1,9})?Z$') AND TRY_CAST(GET(record, 'clicked_at')::VARCHAR AS TIMESTAMP_TZ(6)) IS NOT NULL) THEN 'type: clicked_at is no timestamp'
  END AS reason
FROM {{ source("example", "clicks_raw") }}
