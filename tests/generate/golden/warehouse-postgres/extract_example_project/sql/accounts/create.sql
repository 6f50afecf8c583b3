CREATE SCHEMA IF NOT EXISTS "example";
CREATE TABLE IF NOT EXISTS "example"."accounts" (
  "account_id" bigint NOT NULL,
  "email" text,
  "plan" text,
  "country" text,
  "state" text,
  "seats" integer,
  "balance" DECIMAL(12, 2),
  "closed_at" timestamp with time zone,
  "updated_at" timestamp with time zone NOT NULL,
  PRIMARY KEY ("account_id")
);
CREATE TABLE IF NOT EXISTS "example"."_extraction_progress" (
  table_name text NOT NULL,
  extracted_at bigint NOT NULL,
  position text NOT NULL,
  row_count bigint NOT NULL,
  claims bigint NOT NULL,
  PRIMARY KEY (table_name)
);
INSERT INTO "example"."_extraction_progress" VALUES ('accounts', 0, '{}', 0, 0)
ON CONFLICT (table_name) DO NOTHING;
