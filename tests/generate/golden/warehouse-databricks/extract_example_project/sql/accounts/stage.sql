CREATE OR REPLACE TABLE `example`.`_staged_accounts` (
  `account_id` BIGINT NOT NULL,
  `email` STRING,
  `plan` STRING,
  `country` STRING,
  `state` STRING,
  `seats` INT,
  `balance` DECIMAL(12, 2),
  `closed_at` TIMESTAMP,
  `updated_at` TIMESTAMP NOT NULL
);
