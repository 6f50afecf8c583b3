INSERT INTO "_staged_accounts" BY NAME SELECT * FROM read_parquet(:file);
