"""Dagster's launcher for one machine, which also notices a run whose process is gone.

The code server ends a run whose process died, but only as long as it lives itself. After a power cut, or when both are
killed, the run would stand as started until its longest run time is over, and keep schedules, sensors and pools
waiting. `dagster.yaml` names this class; run monitoring asks it.
"""

import os
from enum import StrEnum
from pathlib import Path

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus


class LocalLauncher(DefaultRunLauncher):
    """Starts runs as Dagster does, and tells whether the process of a run is still there."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Running unless the process that said it would execute the run is gone."""
        pid = _process(self._instance, run.run_id)
        if pid is None or _is_there(pid):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(
            WorkerStatus.FAILED,
            f"The process {pid} of this run is gone: it was killed, or the machine was restarted. What the run had "
            "committed is safe. It is started once more; else start it again.",
        )


class Process(StrEnum):
    """What is known of the process that executes a run."""

    THERE = "there"
    GONE = "gone"
    UNKNOWN = "unknown"


def process_state(instance: dg.DagsterInstance, run: dg.DagsterRun, *, from_command_line: bool) -> tuple[Process, int]:
    """Whether the process that said it would execute a run lives on this machine, and its number; 0 if unknown.

    Args:
        instance: where the run is recorded.
        run: one that has started and not ended.
        from_command_line: it runs in the process of a command, which looks like no worker of Dagster's.
    """
    pid = _process(instance, run.run_id) or 0
    if not pid or not (from_command_line or isinstance(instance.run_launcher, LocalLauncher)):
        return Process.UNKNOWN, pid
    lives = _exists(pid) if from_command_line else _is_there(pid)
    return (Process.THERE if lives else Process.GONE), pid


def _process(instance: dg.DagsterInstance, run_id: str) -> int | None:
    said = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    for entry in said:
        metadata = entry.get_dagster_event().engine_event_data.metadata
        if "pid" in metadata:
            return int(str(metadata["pid"].value))
    return None


def _is_there(pid: int) -> bool:
    """Whether the process lives; where the system tells what it is, a number that another program has got is not it."""
    command = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return b"multiprocessing" in command.read_bytes()
        except OSError:
            return False
    return _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
