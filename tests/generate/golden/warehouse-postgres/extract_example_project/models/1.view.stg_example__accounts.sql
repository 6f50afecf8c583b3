-- One row per account. Personal columns end here.
SELECT
  "account_id",
  "plan",
  "country",
  "state",
  "seats",
  "balance",
  "closed_at",
  "updated_at"
FROM "example"."accounts";
