"""Causes that lie in servers and machines: Postgres, disks."""

from dataeng_assets.causes.cause import Cause, Step

SERVERS = (
    Cause(
        "slow-query",
        "A query of the source takes long",
        symptoms=("An extract does not end.", "The source's owners complain."),
        looked_for=(
            "`pg_stat_activity` of each Postgres source: queries under way, and what they wait for",
            "logs of Postgres: `duration:` lines of `log_min_duration_statement`",
        ),
        proof="A query under way for 5 minutes or more, or one that a log gives at least 5 s; where it waits for a "
        "lock, who holds it. Sessions that are idle, and replication, are none.",
        remedy=(
            Step(
                "If it waits for a lock, ask who holds it to end that transaction.",
                'psql -c "select pg_blocking_pids(PID)"',
            ),
            Step("See its plan, and what would make it cheaper.", "dataeng analyze --query FILE --engine postgres"),
            Step(
                "End it, if it is yours to end; a run that it belongs to reads again.",
                'psql -c "select pg_cancel_backend(PID)"',
            ),
        ),
        prevention="An index on the watermark of each table; a `statement_timeout` for people's sessions.",
    ),
    Cause(
        "slot-fills-disk",
        "A replication slot keeps the server's log",
        symptoms=("The disk of Postgres fills up.", "`pg_wal` grows from day to day."),
        looked_for=("`pg_replication_slots` of each Postgres source", "logs of Postgres: slots that were invalidated"),
        proof="A slot holds back at least 1 GiB of log and nobody reads from it, or the server has marked it "
        "`unreserved` or `lost`. A slot that is read from and close to the end is none.",
        remedy=(
            Step("Start its consumer again, if it is still wanted: the log is dropped as it reads."),
            Step(
                "If nobody wants it any more, drop it. What it had not delivered is gone for its consumer.",
                "psql -c \"select pg_drop_replication_slot('SLOT')\"",
            ),
        ),
        prevention="Set `max_slot_wal_keep_size`, so that a forgotten slot loses its place and not the server its "
        "disk.",
    ),
    Cause(
        "disk-full",
        "A disk is full, or nearly so",
        symptoms=("Runs fail with *No space left on device* or `NoRoom`.",),
        looked_for=("the disks of the state folder, the lake and the warehouse", "all logs"),
        proof="Less than 5 % and less than 5 GiB are free, or a process said that there was no room. A large disk with "
        "a small share left and room for days is none.",
        remedy=(
            Step("See what takes the room.", "du -xh --max-depth=2 FOLDER | sort -h | tail"),
            Step("Remove what nobody needs: run the jobs `maintenance` and `lake_upkeep` in the UI."),
        ),
        prevention="Let `nightly_maintenance` and `nightly_lake_upkeep` run, and be told before the disk is full.",
    ),
)
