{{ config(materialized="dynamic_table", target_lag="downstream", snowflake_warehouse=env_var("SNOWFLAKE_WAREHOUSE"), refresh_mode="INCREMENTAL") }}

-- The others, with the reason. They may hold what tells who a person is.
SELECT
  kafka_partition,
  kafka_offset,
  reason,
  record
FROM {{ ref("clicks_judged") }}
WHERE reason IS NOT NULL
