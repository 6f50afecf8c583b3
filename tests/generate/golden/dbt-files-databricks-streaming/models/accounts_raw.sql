{{ config(materialized="streaming_table") }}

-- Auto Loader: each new file once. What does not fit the contract's types is kept in `_rescued_data`, and nothing is cast.
SELECT
  *,
  _metadata.file_path AS _file,
  _metadata.file_modification_time AS _file_changed_at
FROM STREAM read_files(
  '{{ env_var("FILES_PATH") }}/accounts',
  format => 'parquet',
  schema => '`account_id` BIGINT, `email` STRING, `plan` STRING, `country` STRING, `state` STRING, `seats` INT, `balance` DECIMAL(12, 2), `closed_at` TIMESTAMP, `updated_at` TIMESTAMP',
  schemaEvolutionMode => 'rescue',
  rescuedDataColumn => '_rescued_data'
)
