{{ config(materialized="view") }}

-- Each event with the reason why it does not keep the contract; NULL where it does.
SELECT
  shard_id,
  sequence_number,
  record,
  raw_value,
  CASE
    WHEN record IS NULL THEN 'json: no JSON'
    WHEN JSON_TYPEOF(record) <> 'object' THEN 'json: no object'
    WHEN (COALESCE(JSON_TYPEOF(e.record."click_id"), 'null') = 'null') THEN 'missing: click_id'
    WHEN NOT (COALESCE(JSON_TYPEOF(e.record."click_id"), 'null') = 'null') AND NOT ((JSON_TYPEOF(e.record."click_id") LIKE 'string') AND REGEXP_INSTR(e.record."click_id"::VARCHAR(65535), '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$', 1, 1, 0, 'p') > 0) THEN 'type: click_id is no uuid'
    WHEN NOT (COALESCE(JSON_TYPEOF(e.record."user_id"), 'null') = 'null') AND NOT ((JSON_TYPEOF(e.record."user_id") LIKE 'number') AND REGEXP_INSTR(e.record."user_id"::VARCHAR(65535), '^-?[0-9]{1,19}$', 1, 1, 0, 'p') > 0 AND TRY_CAST(e.record."user_id"::VARCHAR(65535) AS BIGINT) IS NOT NULL) THEN 'type: user_id is no bigint'
    WHEN (COALESCE(JSON_TYPEOF(e.record."event_type"), 'null') = 'null') THEN 'missing: event_type'
    WHEN NOT (COALESCE(JSON_TYPEOF(e.record."event_type"), 'null') = 'null') AND NOT ((JSON_TYPEOF(e.record."event_type") LIKE 'string')) THEN 'type: event_type is no string'
    WHEN (COALESCE(JSON_TYPEOF(e.record."clicked_at"), 'null') = 'null') THEN 'missing: clicked_at'
    WHEN NOT (COALESCE(JSON_TYPEOF(e.record."clicked_at"), 'null') = 'null') AND NOT ((JSON_TYPEOF(e.record."clicked_at") LIKE 'string') AND REGEXP_INSTR(e.record."clicked_at"::VARCHAR(65535), '^[0-9]{4}-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9]:[0-9][0-9]([.][0-9]{1,9})?Z$', 1, 1, 0, 'p') > 0 AND TRY_CAST(e.record."clicked_at"::VARCHAR(65535) AS TIMESTAMP) IS NOT NULL) THEN 'type: clicked_at is no timestamp'
  END AS reason
FROM {{ ref("clicks_raw") }} AS e
