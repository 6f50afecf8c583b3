"""How long a table of 12 columns takes to be judged by 25 rules: by ours, and by the tools that others use.

    .venv/bin/python benchmarks/validate.py [--json FILE] [--rows 5_000_000] [--contestants ours,pandera-polars]

Each contestant is a whole process, start included, over the same Parquet file; its peak memory and CPU time are those
that the kernel counted for it. It must give the answers that are known beforehand, rule by rule, else this ends with 1.
Peers are installed into environments of their own, in the versions of `validation/requirements-*.txt`; what keeps one
from answering is told in its row. `great-expectations-sql` is given a table of SQLite instead of the file, which is
filled before: see `validation/great_expectations_peer.py`.
"""

import argparse
import json
import math
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from environments import environment
from rich import box
from rich.console import Console
from rich.table import Table
from validation.rules import METRICS, RULES, Rule, contract, expected, properties

PARTS = Path(__file__).resolve().parent / "validation"
OURS = "ours"
PEERS = {
    "great-expectations-pandas": ("frames", "great_expectations_peer.py", ("pandas",), "parquet"),
    "great-expectations-sql": ("frames", "great_expectations_peer.py", ("sql",), "sqlite"),
    "pandera-polars": ("frames", "pandera_peer.py", (), "parquet"),
    "datacontract-cli": ("datacontract", "datacontract_peer.py", (), "parquet"),
}
"""Environment, script, arguments and input by contestant."""
KINDS = {"uuid": "format", "at_most": "compare", **dict.fromkeys(METRICS, "measure")}
"""What ours calls a kind of rule, where it is called otherwise."""


@dataclass(frozen=True)
class Run:
    """One contestant's process: what it took, and what was wrong with its answers (empty: they are right)."""

    case: str
    contestant: str
    rows: int
    rules: int
    seconds: float
    cpu_seconds: float
    peak_megabytes: float
    wrong: str
    times_slower_than_ours: float | None = None


def our_contract() -> str:
    """The rules in ODCS; what it has no word for, as checks of our own."""
    quality = []
    for rule in RULES:
        if rule.kind == "at_most":
            said = {"check": "compare", "left": rule.column, "operator": "<=", "right": rule.arguments[0]}
        elif rule.kind in METRICS:
            low, high = rule.arguments
            said = {"check": "measure", "metric": rule.kind, "mustBeGreaterOrEqualTo": low, "mustBeLessOrEqualTo": high}
            said |= {"column": rule.column} if rule.column else {}
        else:
            continue
        quality.append({"name": rule.name, "type": "custom", "engine": "dataeng", "implementation": said})
    return contract(properties(uuid={"format": "uuid"}), quality)


def our_answers(report: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What our report says, by rule; the rules that a contract's own words make are known by kind and column."""
    checks = [one for one in report["checks"].values() if isinstance(one, dict) and "kind" in one]
    found = {}
    for rule in RULES:
        kind = KINDS.get(rule.kind, rule.kind)
        (one,) = (
            check
            for check in checks
            if check["rule"] == rule.name
            or (check["kind"] == kind != "measure" and check["columns"] == [rule.column] and kind != "compare")
        )
        found[rule.name] = {"holds": {"holds": True, "violated": False}[one["status"]]}
        if rule.kind in METRICS:
            found[rule.name]["value"] = float(one["value"])
        elif rule.kind == "unique":
            found[rule.name] |= {"failing": one["numbers"]["excess_rows"], "involved": one["failing"]}
        else:
            found[rule.name]["failing"] = one["failing"]
    return found


def measured(command: Sequence[str], out: Path) -> tuple[int, float, float, float]:
    """Run a process; its exit code, seconds, CPU seconds and peak memory in megabytes."""
    started = time.monotonic()
    with out.open("wb") as stdout, out.with_suffix(".errors").open("wb") as stderr:
        process = subprocess.Popen(command, cwd=out.parent, stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - started
    return process.returncode, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def made(folder: Path, kind: str, rows: int, seed: int) -> Path:
    """The input, made where it is not there yet."""
    parquet = folder / f"orders-{rows}-{seed}.parquet"
    path = parquet.with_suffix(f".{kind}")
    if kind != "parquet":
        made(folder, "parquet", rows, seed)
    if not path.exists():
        half = path.with_name(f"half-{path.name}")
        half.unlink(missing_ok=True)
        source = str(seed) if kind == "parquet" else str(parquet)
        subprocess.run([sys.executable, str(PARTS / "data.py"), str(half), str(rows), source], check=True)
        half.rename(path)
    return path


def run(contestant: str, folder: Path, environments: Path, rows: int, seed: int) -> Run:
    answers, out = folder / f"{contestant}.json", folder / f"{contestant}.out"
    answers.unlink(missing_ok=True)
    if contestant == OURS:
        schema = folder / "orders.odcs.yaml"
        schema.write_text(our_contract(), encoding="utf-8")
        dataeng = str(Path(sys.executable).with_name("dataeng"))
        command = [dataeng, "validate", "--input", str(made(folder, "parquet", rows, seed)), "--schema", str(schema)]
        command += ["--output", str(answers), "--format", "json"]
    else:
        name, script, arguments, kind = PEERS[contestant]
        python = environment(PARTS / f"requirements-{name}.txt", environments)
        path = made(folder, kind, rows, seed)
        command = [str(python), str(PARTS / script), *arguments, str(path), str(answers)]
    code, *took = measured(command, out)
    if not answers.exists():
        told = (out.with_suffix(".errors").read_text(errors="replace").strip() or "it said nothing").splitlines()[-1]
        return Run("validate", contestant, rows, len(RULES), *took, wrong=f"no answers (exit {code}): {told[:300]}")
    found = json.loads(answers.read_text(encoding="utf-8"))
    return Run("validate", contestant, rows, len(RULES), *took, wrong=differences(contestant, found, rows))


def differences(contestant: str, document: Mapping[str, Any], rows: int) -> str:
    """What is not as it is known to be."""
    found = our_answers(document) if contestant == OURS else document
    return "; ".join(told for rule in RULES if (told := difference(rule, found[rule.name], rows)))


def difference(rule: Rule, found: Mapping[str, Any], rows: int) -> str:
    wanted = expected(rule, rows)
    wrong = {key: found[key] for key in wanted if key in found and found[key] != wanted[key]}
    if "holds" not in found or (rule.kind not in METRICS and not {"failing", "involved"} & set(found)):
        wrong["told"] = found
    return f"{rule.name}: {wrong}, known: {wanted}" if wrong else ""


def unlike(values: Mapping[str, Mapping[str, Any]]) -> str:
    """Metrics that contestants do not agree upon, up to what adding doubles in another order changes."""
    told = []
    for rule in RULES:
        found = {name: one[rule.name]["value"] for name, one in values.items() if "value" in one[rule.name]}
        first = next(iter(found.values()), 0.0)
        if not all(math.isclose(value, first, rel_tol=1e-9) for value in found.values()):
            told.append(f"{rule.name}: {found}")
    return "; ".join(told)


def shown(runs: Sequence[Run]) -> Table:
    title = f"{runs[0].rows:,} rows, {len(RULES)} rules, whole processes"
    columns = ("seconds", "CPU seconds", "peak MB", "times slower", "answers")
    table = Table("contestant", *columns, title=title, box=box.SIMPLE_HEAD)
    for column in table.columns[1:5]:
        column.justify = "right"
    for one in runs:
        ratio = f"{one.times_slower_than_ours:.1f}" if one.times_slower_than_ours else ""
        figures = (f"{one.seconds:.2f}", f"{one.cpu_seconds:.2f}", f"{one.peak_megabytes:,.0f}", ratio)
        table.add_row(one.contestant, *figures, one.wrong or "right")
    return table


def compared(runs: Sequence[Run]) -> list[Run]:
    ours = next((one.seconds for one in runs if one.contestant == OURS and not one.wrong), None)
    ratios = [one.seconds / ours if ours and not one.wrong else None for one in runs]
    return [Run(**(asdict(one) | {"times_slower_than_ours": ratio})) for one, ratio in zip(runs, ratios, strict=True)]


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--seed", type=int, default=20260105)
    parser.add_argument("--contestants", default=",".join((OURS, *PEERS)), help="by commas")
    parser.add_argument("--folder", type=Path, help="for the data, which is kept there; a temporary one when not given")
    temporary = Path(tempfile.gettempdir(), "dataeng-benchmark-environments")
    parser.add_argument("--environments", type=Path, default=temporary, help="where the peers are installed, and kept")
    found = parser.parse_args()
    found.contestants = found.contestants.split(",")
    unknown = [name for name in found.contestants if name not in (OURS, *PEERS)]
    if unknown:
        parser.error(f"no contestant {unknown[0]!r}; there are {', '.join((OURS, *PEERS))}")
    return found


def main() -> None:
    wanted = asked()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (wanted.folder or Path(temporary)).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        runs = [run(name, folder, wanted.environments, wanted.rows, wanted.seed) for name in wanted.contestants]
        answered = {one.contestant: folder / f"{one.contestant}.json" for one in runs if not one.wrong}
        documents = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in answered.items()}
    values = {name: our_answers(found) if name == OURS else found for name, found in documents.items()}
    runs, odd = compared(runs), unlike(values)
    Console(width=130).print(shown(runs))
    if wanted.json:
        results = {"case": "validate", "seed": wanted.seed, "python": platform.python_version()}
        results |= {"metrics_unlike": odd, "results": [asdict(one) for one in runs]}
        wanted.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    if odd or any(one.wrong for one in runs):
        sys.exit(f"Not all answers are right. {odd}")


if __name__ == "__main__":
    main()
