{{ config(materialized="view") }}

-- Rows that keep the contract's types and have what it requires. Personal columns end before this.
SELECT
  `account_id`,
  `plan`,
  `country`,
  `state`,
  `seats`,
  `balance`,
  `closed_at`,
  `updated_at`,
  _file
FROM {{ ref("accounts_raw") }}
WHERE _rescued_data IS NULL
  AND `account_id` IS NOT NULL
  AND `updated_at` IS NOT NULL
