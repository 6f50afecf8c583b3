CREATE OR REPLACE TEMPORARY TABLE example._staged_accounts (
  account_id BIGINT NOT NULL,
  email VARCHAR,
  plan VARCHAR,
  country VARCHAR,
  state VARCHAR,
  seats INTEGER,
  balance NUMBER(12, 2),
  closed_at TIMESTAMP_TZ(6),
  updated_at TIMESTAMP_TZ(6) NOT NULL
);
