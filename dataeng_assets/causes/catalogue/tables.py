"""Causes that tables have: what they hold, how old it is, how it lies."""

from dataeng_assets.causes.cause import Cause, Step

TABLES = (
    Cause(
        "duplicates",
        "Rows are there more than once",
        symptoms=("Sums are too high.", "A test on a unique key fails."),
        looked_for=(
            "the newest 5,000,000 rows of each table of a stream: offsets that stand in them twice",
            "the newest judgement of each table: rules on unique keys",
            "logs of Postgres, dbt and Delta",
        ),
        proof="The number of rows beyond the first of their offset, or that break a rule on a unique key. Two versions "
        "of a row, and a record that was released from the dead letters, are none.",
        remedy=(
            Step("Compare the whole table with its topic, offset by offset.", "dataeng verify STREAM"),
            Step("Find out who wrote the rows: `_run_id` of both, and the table's history."),
            Step(
                "If somebody wrote to the table by hand, take it back to a version before that.",
                "dataeng stream restore STREAM SAVEPOINT",
            ),
            Step(
                "Where the source itself repeats rows, keep one of each key: `deduplicated` in defs.yaml, or the model."
            ),
        ),
        prevention="Let nothing but the platform write to bronze; merge on the key in models, and test that it is "
        "unique.",
        pages=(
            ("how-to/go-back.md", "Take a stream back to an earlier state"),
            ("explanation/joins.md", "Joins, enrichment, deduplication"),
        ),
    ),
    Cause(
        "stale-data",
        "An asset is older than it promises",
        symptoms=("A report shows yesterday's numbers.", "Dagster shows an asset as overdue."),
        looked_for=(
            "the last materialization of each asset that promises freshness",
            "logs of dbt: sources past their freshness",
        ),
        proof="The time since the last materialization is longer than the contract's limit. An asset within its limit, "
        "or one that promises none, is no case of it.",
        remedy=(
            Step("See whether what it hangs on is the cause: that is looked at first.", "dataeng doctor ASSET"),
            Step("See that schedules and sensors run: page *Automation*; start the daemon if it does not.", "make dev"),
            Step("Ask for the days since then again, if it is a table of a Postgres source.", "dataeng doctor --fix"),
            Step("Materialize anything else: page of the asset, *Materialize*. A stream is asked for by its sensor."),
        ),
        prevention="Let somebody be told when an asset goes stale, and promise what the source can keep.",
        fix="asks for the days since then of stale tables of Postgres sources, as one backfill for each source, unless "
        "one is about to make them; what is made from them follows by itself",
        pages=(("how-to/be-told.md", "Be told of trouble"), ("how-to/backfill.md", "Build days again")),
    ),
    Cause(
        "schema-drift",
        "A source is no longer what its contract says",
        symptoms=("A column is missing or has another type.", "New fields pile up in `_rescued`."),
        looked_for=(
            "the catalog of each Postgres source against its contracts",
            "the newest events of each stream: rows with fields that the contract does not name",
            "logs of Spark, Postgres and the platform",
        ),
        proof="The columns that differ, with both types; or the number of events with unknown fields. A column that "
        "the contract does not name and nobody asked for is none in a table: it is not copied.",
        remedy=(
            Step(
                "If the source changed on purpose, see what its contract would have to say.",
                "dataeng discover ADDRESS --schema SCHEMA --name SOURCE",
            ),
            Step("See whom a changed contract would break.", "dataeng contract diff OLD NEW"),
            Step("Otherwise change the source back; nothing of it is lost meanwhile."),
        ),
        prevention="Let the owners of the source sign the contract, and check changes against it before they are made.",
        pages=(("how-to/change-a-contract.md", "Change a contract without breaking anyone"),),
    ),
    Cause(
        "small-files",
        "A table lies in many small files",
        symptoms=("Queries become slower though the rows are as many as before.", "Opening a table takes seconds."),
        looked_for=("the Delta log of each table: sizes of its files, by day where it lies by day",),
        proof="At least 4 small files in a closed day of a stream, 20 in its dead letters, or 100 in a table or day of "
        "any other; small is below a quarter of the size that files are written in. A day that is still open is none, "
        "and neither is one small file for a small day.",
        remedy=(
            Step("Merge them; rows, progress and change feed stay as they are.", "dataeng doctor --fix"),
            Step("See that `nightly_lake_upkeep` runs: page *Automation*."),
        ),
        prevention="Commit less often (`resident_interval_seconds`), and do not partition by a column with many "
        "values.",
        fix="merges the small files",
        pages=(("explanation/stream-speed.md", "How fast is a stream, and where does its time go?"),),
    ),
)
