"""How many statements a second are judged without a connection, beside sqlfluff on the same ones; and random ones.

    .venv/bin/python benchmarks/analyze.py [--random 100000]

Judged are the statements of `tests/analyze/corpus`, each as a text of its own. sqlfluff judges some of those in the
dialect of Spark, with its rules about ambiguity, structure and convention, of which a few are about cost as ours are;
layout and names are left out in its favour. `--random` judges that many statements of a grammar, over all engines and
with facts about their tables, and tells how many the parser took and how many stopped the analysis; some are judged
with every run of this script.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from sqlfluff.core import FluffConfig, Linter

from dataeng_assets.analyze.analysis import analyze
from dataeng_assets.analyze.engines import Engine
from dataeng_assets.analyze.rules import RULES

TESTS = Path(__file__).resolve().parents[1] / "tests" / "analyze"
sys.path.insert(0, str(TESTS))
from random_sql import Grammar  # noqa: E402 - lies beside the tests that use it
from test_corpus import CORPUS  # noqa: E402 - likewise
from test_random_statements import KNOWN  # noqa: E402 - likewise

SEED = 20261122
PEER_RULES = "ambiguous,structure,convention"
PEER_STATEMENTS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=1400, help="statements of the grammar")
    asked = parser.parse_args()
    ours = judged([(sql, engine) for _, engine, _, sql, _ in CORPUS])
    spark = [sql for _, engine, _, sql, _ in CORPUS if engine is Engine.SPARK][::7][:PEER_STATEMENTS]
    ours_again, theirs = judged([(sql, Engine.SPARK) for sql in spark]), linted(spark)
    table = Table("judge", "rules", "statements", "CPU seconds", "per second", box=box.SIMPLE)
    table.add_row("dataeng, all engines", str(len(RULES)), str(len(CORPUS)), *figures(len(CORPUS), ours))
    table.add_row("dataeng", str(len(RULES)), str(len(spark)), *figures(len(spark), ours_again))
    table.add_row(f"sqlfluff ({PEER_RULES})", "", str(len(spark)), *figures(len(spark), theirs))
    console = Console()
    console.print(table)
    console.print(f"dataeng judges {theirs / ours_again:.0f} times as many statements a second as sqlfluff.")
    taken, stopped, seconds = random_statements(asked.random)
    told = f"{asked.random:,} random statements: {taken:,} taken by the parser, {stopped} stopped the analysis"
    console.print(f"{told}; {asked.random / seconds:.0f} per CPU second.")
    sys.exit(1 if stopped else 0)


def figures(statements: int, seconds: float) -> tuple[str, str]:
    return f"{seconds:.2f}", f"{statements / seconds:,.0f}"


def judged(statements: Sequence[tuple[str, Engine]]) -> float:
    """CPU seconds for all of them."""
    for engine in Engine:
        analyze("select 1", engine)  # the dialect is loaded once
    start = time.process_time()
    for sql, engine in statements:
        analyze(sql, engine)
    return time.process_time() - start


def linted(statements: Sequence[str]) -> float:
    """CPU seconds that sqlfluff takes."""
    linter = Linter(FluffConfig(overrides={"dialect": "sparksql", "rules": PEER_RULES}))
    linter.lint_string("select 1\n")
    start = time.process_time()
    for sql in statements:
        linter.lint_string(f"{sql}\n")
    return time.process_time() - start


def random_statements(number: int) -> tuple[int, int, float]:
    """How many the parser took, how many stopped the analysis, and the CPU seconds."""
    grammar, taken, stopped = Grammar(SEED), 0, 0
    engines = list(Engine)
    start = time.process_time()
    for index in range(number):
        text, engine = grammar.statement(), engines[index % len(engines)]
        try:
            taken += not analyze(text, engine, facts=KNOWN).unread
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            stopped += 1
            print(f"{engine}: {text}\n{traceback.format_exc()}", file=sys.stderr)
    return taken, stopped, time.process_time() - start


if __name__ == "__main__":
    main()
