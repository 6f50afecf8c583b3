INSERT INTO `example`.`_staged_accounts` (`account_id`, `email`, `plan`, `country`, `state`, `seats`, `balance`, `closed_at`, `updated_at`)
SELECT `account_id`, `email`, `plan`, `country`, `state`, `seats`, `balance`, `closed_at`, `updated_at` FROM read_files(:file, format => 'parquet');
