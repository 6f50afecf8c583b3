CREATE SCHEMA IF NOT EXISTS `example`;
CREATE TABLE IF NOT EXISTS `example`.`accounts` (
  `account_id` INT64 NOT NULL,
  `email` STRING,
  `plan` STRING,
  `country` STRING,
  `state` STRING,
  `seats` INT64,
  `balance` NUMERIC(12, 2),
  `closed_at` TIMESTAMP,
  `updated_at` TIMESTAMP NOT NULL
);
CREATE TABLE IF NOT EXISTS `example`.`_extraction_progress` (
  table_name STRING NOT NULL,
  extracted_at INT64 NOT NULL,
  position STRING NOT NULL,
  row_count INT64 NOT NULL,
  claims INT64 NOT NULL
);
INSERT INTO `example`.`_extraction_progress` (table_name, extracted_at, position, row_count, claims)
SELECT 'accounts', 0, '{}', 0, 0
FROM (SELECT 1 AS one) AS once
WHERE NOT EXISTS (SELECT 1 FROM `example`.`_extraction_progress` WHERE table_name = 'accounts');
