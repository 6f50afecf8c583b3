CREATE OR REPLACE TABLE `example`.`_staged_accounts` (
  `account_id` INT64 NOT NULL,
  `email` STRING,
  `plan` STRING,
  `country` STRING,
  `state` STRING,
  `seats` INT64,
  `balance` NUMERIC(12, 2),
  `closed_at` TIMESTAMP,
  `updated_at` TIMESTAMP NOT NULL
)
OPTIONS (expiration_timestamp = TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 DAY));
