-- One row per account_id: keys, attributes, measures, times.
SELECT
  "account_id",
  "plan",
  "country",
  "state",
  "seats",
  "balance",
  "closed_at",
  "updated_at"
FROM "example"."stg_example__accounts";
