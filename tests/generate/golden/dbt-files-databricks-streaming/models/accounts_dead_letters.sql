{{ config(materialized="view") }}

-- The others, with what did not fit. They may hold what tells who a person is.
SELECT *
FROM {{ ref("accounts_raw") }}
WHERE _rescued_data IS NOT NULL
  OR `account_id` IS NULL
  OR `updated_at` IS NULL
