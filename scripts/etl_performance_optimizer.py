"""A classic name for `dataeng`: `python scripts/etl_performance_optimizer.py analyze ...`."""

import sys

from run_dataeng import run

if __name__ == "__main__":
    run(sys.argv[1:])
