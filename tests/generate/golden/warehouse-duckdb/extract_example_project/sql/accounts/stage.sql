CREATE OR REPLACE TEMPORARY TABLE "_staged_accounts" (
  "account_id" BIGINT NOT NULL,
  "email" VARCHAR,
  "plan" VARCHAR,
  "country" VARCHAR,
  "state" VARCHAR,
  "seats" INTEGER,
  "balance" DECIMAL(12, 2),
  "closed_at" TIMESTAMP WITH TIME ZONE,
  "updated_at" TIMESTAMP WITH TIME ZONE NOT NULL
);
