"""A classic name for `dataeng`: `python scripts/pipeline_orchestrator.py generate ...`."""

import sys

from run_dataeng import run

if __name__ == "__main__":
    run(sys.argv[1:])
