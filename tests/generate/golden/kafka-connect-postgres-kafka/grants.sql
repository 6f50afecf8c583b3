-- Written by `dataeng generate --type kafka-connect --source postgres --destination kafka --mode changes`.
-- Change the contracts or the options and run it again.
-- Holds: A row whose transaction commits after a run has passed its watermark is read by the next run.
-- Holds: A row that was deleted in the source is seen.
-- Holds: No value changes its type or is rounded without an error.
-- Holds: Each event reaches the destination exactly once.
-- Holds: Memory follows the size of a batch and not of the table.
-- Holds: No secret stands in a file; each is read from the environment or a secret store.
-- Holds: All tables of a run are read in one snapshot.
-- Does not hold: What was written is compared with what was read, before it is committed. Connect compares
--   nothing; `dataeng verify` does, for tables of this platform.
-- Run it as the owner of the tables: psql -v ON_ERROR_STOP=1 -f grants.sql. The server needs wal_level = logical.
-- The connector's user may read these tables and the log of changes of its publication, and nothing else. Give it a
-- password or a certificate afterwards: \password extract_example
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'extract_example') THEN
        CREATE ROLE "extract_example" LOGIN REPLICATION CONNECTION LIMIT 5;
    END IF;
END
$$;

CREATE TABLE IF NOT EXISTS "example"."debezium_heartbeat" (
    id integer PRIMARY KEY,
    beat timestamp with time zone NOT NULL
);
GRANT USAGE ON SCHEMA "example" TO "extract_example";
GRANT SELECT, INSERT, UPDATE ON "example"."debezium_heartbeat" TO "extract_example";
GRANT SELECT ON "example"."accounts" TO "extract_example";

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'extract_example') THEN
        CREATE PUBLICATION "extract_example" FOR TABLE
            "example"."debezium_heartbeat",
            "example"."accounts";
    END IF;
END
$$;

-- Without this a long value that an UPDATE did not touch is missing from the change, and stands there as a placeholder.
-- It makes the log larger: leave it out for a table whose readers keep the former value.
ALTER TABLE "example"."accounts" REPLICA IDENTITY FULL;

-- A slot that nobody reads keeps the log until the disk is full: better to lose the slot than the database.
-- As a superuser: ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf();
-- Watch it: SELECT slot_name, active, wal_status, pg_size_pretty(safe_wal_size) FROM pg_replication_slots;
