"""Causes that runs of Dagster have."""

from dataeng_assets.causes.cause import Cause, Step

RUNS = (
    Cause(
        "run-timed-out",
        "A run took longer than it may",
        symptoms=(
            "A run ends with *Exceeded maximum runtime*, or is under way for hours.",
            "What hangs on it is not built.",
        ),
        looked_for=(
            "the failures of the last day that no later run has mended",
            "runs under way, against the tag `dagster/max_runtime` or `max_runtime_seconds` in `dagster.yaml`",
            "logs of Dagster and Airflow",
        ),
        proof="Dagster's own words that the limit was exceeded, or a run under way for longer than its limit. A long "
        "run within its limit is none.",
        remedy=(
            Step(
                "Read where the time went: the steps of the run, longest first, are in its page.",
                "dataeng doctor --run RUN",
            ),
            Step("Ask for fewer days at once, if it was a backfill; what was done stays done."),
            Step("If the work is right and takes that long, raise the tag `dagster/max_runtime` of its job."),
        ),
        prevention="Give a job a limit a few times its usual time, so that a hanging run is seen and a slow day is not "
        "ended.",
        pages=(("how-to/backfill.md", "Build days again: a backfill"),),
    ),
    Cause(
        "killed-run",
        "The process of a run was killed",
        symptoms=(
            "A run stands as started, and nothing happens any more.",
            "A log ends in the middle; a step exits with 137 or -9.",
        ),
        looked_for=(
            "runs under way, whose process on this machine is looked for",
            "failures of the last day that no later run has mended",
            "logs: exit codes 137 and -9, the kernel's out-of-memory killer, lost heartbeats",
        ),
        proof="The process that said it would execute the run is gone from this machine, or the failure names a "
        "signal. A run whose process lives is none, however quiet it is.",
        remedy=(
            Step(
                "See whether the machine ran out of memory at that time: the kernel says so.",
                "dmesg | grep -i 'killed process'",
            ),
            Step("Start the run again; what it had committed is safe, and nothing is written twice."),
        ),
        prevention="Give the machine or container the memory of its largest step, and let run monitoring be on "
        "(`dagster.yaml`): it ends such runs within a minute while the daemon lives.",
        fix="marks a run as failed whose process is gone, and gives its places in the pools back",
    ),
    Cause(
        "stuck-pool",
        "A pool is held by a run that has ended",
        symptoms=("Steps wait with *blocked by limit for pool*, and nothing is under way.",),
        looked_for=("the places of all pools, and the runs that hold them",),
        proof="A place is held by a run that has ended, or that the instance does not know. A place that a run under "
        "way holds is none, even when others wait for it.",
        remedy=(
            Step("Give the place back.", "dataeng doctor --fix"),
            Step("If a run under way holds it for too long, look at that run.", "dataeng doctor --run RUN"),
        ),
        prevention="Keep `free_slots_after_run_end_seconds` in `dagster.yaml`, and let the daemon run.",
        fix="gives back the places that runs hold which have ended",
    ),
    Cause(
        "failed-run",
        "A run failed for a reason of its own",
        symptoms=("A run is red, and its assets are as they were before.",),
        looked_for=("the failures of the last day that no later run has mended",),
        proof="A failed run whose words match no other cause here. One that a later run of the same job and days has "
        "made good is none.",
        remedy=(
            Step("Do what its error says: errors of the platform name what is safe and the next step."),
            Step("See the whole run: its steps, and what each said.", "dataeng doctor --run RUN"),
        ),
        prevention="Be told at once, so that a failure does not wait for somebody to look.",
        pages=(("how-to/be-told.md", "Be told of trouble"),),
    ),
    Cause(
        "failed-check",
        "A check that blocks has failed",
        symptoms=("A day is missing from gold, or an asset is held back.",),
        looked_for=("the newest result of each check",),
        proof="The newest result of a check with severity error is a failure. Warnings, and checks that could not be "
        "evaluated, are none.",
        remedy=(
            Step("See the rows that it means, and correct the source or the rule."),
            Step("See what was judged, and how it was before.", "dataeng report --open"),
        ),
        prevention="Write rules that the source can keep, and correct the source where it cannot.",
        pages=(("how-to/bad-day.md", "A bad day was held back"),),
    ),
)
