"""A classic name for `dataeng`: `python scripts/data_quality_validator.py validate ...`."""

import sys

from run_dataeng import run

if __name__ == "__main__":
    run(sys.argv[1:])
