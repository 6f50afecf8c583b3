CREATE TEMPORARY TABLE "_staged_accounts" (
  "account_id" BIGINT NOT NULL,
  "email" VARCHAR(65535),
  "plan" VARCHAR(65535),
  "country" VARCHAR(65535),
  "state" VARCHAR(65535),
  "seats" INTEGER,
  "balance" DECIMAL(12, 2),
  "closed_at" TIMESTAMP,
  "updated_at" TIMESTAMP NOT NULL
);
