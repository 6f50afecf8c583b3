USE SCHEMA example;
CREATE OR REPLACE TEMPORARY TABLE _staged_accounts (
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
CREATE OR REPLACE TEMPORARY STAGE example._files_accounts;
