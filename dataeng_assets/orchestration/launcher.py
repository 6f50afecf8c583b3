"""Dagster's launcher for one machine, which also notices a run whose process is gone.

The code server ends a run whose process died, but only as long as it lives itself. After a power cut, or when both are
killed, the run would stand as started until its longest run time is over, and keep schedules, sensors and pools
waiting. `dagster.yaml` names this class; run monitoring asks it.
"""

import os
import socket
from enum import StrEnum
from pathlib import Path

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, LaunchRunContext, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

HOST = "dataeng/host"
"""Tag of a run: the machine that its process was started on. A process of another one cannot be looked for here."""


class LocalLauncher(DefaultRunLauncher):
    """Starts runs as Dagster does, and tells whether the process of a run is still there."""

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start it, after noting on which machine."""
        self._instance.add_run_tags(context.dagster_run.run_id, on_this_machine())
        super().launch_run(context)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Whether run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Running unless the process that said it would execute the run is gone."""
        process, pid = process_state(self._instance, run)
        if process is not Process.GONE:
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


def on_this_machine() -> dict[str, str]:
    """The tag of a run whose process is on this machine."""
    return {HOST: socket.gethostname()}


def process_state(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[Process, int]:
    """Whether the process that said it would execute a run lives, and its number; 0 if unknown.

    It is gone only if the run says that it is of this machine: a run that somebody executes with Dagster's own
    commands, perhaps in another container, says nothing of that.

    Args:
        instance: where the run is recorded.
        run: one that has started and not ended.
    """
    pid = _process(instance, run.run_id) or 0
    if not pid:
        return Process.UNKNOWN, pid
    # a command executes its runs itself, under whatever name it has; workers are told by theirs
    is_worker = GRPC_INFO_TAG in run.tags
    is_of_here = run.tags.get(HOST) == socket.gethostname()
    if is_worker and not is_of_here:
        return Process.UNKNOWN, pid
    if _is_worker(pid) if is_worker else _exists(pid):
        return Process.THERE, pid
    return (Process.GONE if is_of_here else Process.UNKNOWN), pid


def _process(instance: dg.DagsterInstance, run_id: str) -> int | None:
    said = instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT)
    for entry in said:
        metadata = entry.get_dagster_event().engine_event_data.metadata
        if "pid" in metadata:
            return int(str(metadata["pid"].value))
    return None


def _is_worker(pid: int) -> bool:
    """Whether a worker lives; where the system tells what it is, a number that another program has got is not it."""
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
