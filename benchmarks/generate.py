"""What `dataeng generate` takes for twenty tables, from the start of the process to the last text, by kind.

Run as `python benchmarks/generate.py`. Nothing is written but contracts in a temporary folder.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dataeng_assets.contracts.model import Column, Contract, implied
from dataeng_assets.contracts.types import postgres_type
from dataeng_assets.contracts.write import contract_yaml
from dataeng_assets.generate.kinds import KINDS, kind_module
from dataeng_assets.generate.request import Source

TABLES, COLUMNS = 20, 20
CHILD = """
import sys
from pathlib import Path
from dataeng_assets.generate.asked import Asked
from dataeng_assets.generate.kinds import kind_module
from dataeng_assets.orchestration.generated import pipeline_of

found = pipeline_of(Asked(sys.argv[1], source="postgres"), defs=Path(sys.argv[2]))
print(len(kind_module(found.pipeline.request.kind).files(found.pipeline).files))
"""
DECLARATION = """\
type: dataeng_assets.components.PostgresTablesComponent
attributes: {source: many, url_variable: DATAENG_MANY_URL, watermark: updated_at}
"""


def _contract(number: int) -> Contract:
    def column(name: str, kind: str) -> Column:
        return Column(name, postgres_type(kind), kind, False, False, f"The {name}.")

    columns = (
        column("id", "bigint"),
        *(column(f"field_{one}", ("text", "numeric(12,2)", "integer", "date")[one % 4]) for one in range(COLUMNS - 3)),
        column("ordered_at", "timestamp with time zone"),
        column("updated_at", "timestamp with time zone"),
    )
    name = f"table_{number}"
    return Contract(
        Path(), f"many.{name}", name, "1.0.0", "A table.", "data", "many", (), columns, ("id",),
        rules=implied(columns, ("id",)),
    )  # fmt: skip


def main() -> None:
    """Print one line for each kind that reads Postgres."""
    with tempfile.TemporaryDirectory() as folder:
        contracts = Path(folder) / "many" / "contracts"
        contracts.mkdir(parents=True)
        (contracts.parent / "defs.yaml").write_text(DECLARATION)
        for number in range(TABLES):
            contract = _contract(number)
            (contracts / f"{contract.name}.yaml").write_text(contract_yaml(contract))
        print(f"{'kind':<16} {'files':>6} {'seconds':>8} {'of CPU':>8}   ({TABLES} tables of {COLUMNS} columns)")
        for kind in KINDS:
            if any(Source.POSTGRES in row.sources for row in kind_module(kind).ROWS):
                _measure(kind, folder)


def _measure(kind: str, folder: str) -> None:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([sys.executable, "-c", CHILD, kind, folder], capture_output=True, text=True, check=True)
    taken, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{kind:<16} {done.stdout.strip():>6} {taken:>8.2f} {cpu:>8.2f}")


if __name__ == "__main__":
    main()
