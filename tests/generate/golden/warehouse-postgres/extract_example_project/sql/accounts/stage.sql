CREATE TEMPORARY TABLE "_staged_accounts" (
  "account_id" bigint NOT NULL,
  "email" text,
  "plan" text,
  "country" text,
  "state" text,
  "seats" integer,
  "balance" DECIMAL(12, 2),
  "closed_at" timestamp with time zone,
  "updated_at" timestamp with time zone NOT NULL
);
