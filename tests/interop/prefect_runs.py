"""Runs a flow in a real Prefect, in its own environment: a program, started by the tests with Prefect's own Python.

It takes one JSON document per line and prints one line `RESULT …` for each; nothing of the platform is imported.
"""

import importlib
import json
import sys
from typing import Any

from prefect.blocks.system import Secret
from prefect.settings import temporary_settings
from prefect.testing.utilities import prefect_test_harness
from prefect.variables import Variable


def main() -> None:
    """Answer each line until there is none."""
    with prefect_test_harness(server_startup_timeout=120), temporary_settings():
        for line in sys.stdin:
            print("RESULT", json.dumps(_answer(**json.loads(line))), flush=True)


def _answer(folder: str, name: str, secrets: dict[str, str], staging: str) -> dict[str, Any]:
    for block, value in secrets.items():
        Secret(value=value).save(block, overwrite=True)
    Variable.set(f"{name}_staging", staging, overwrite=True)
    sys.path.insert(0, folder)
    module = importlib.import_module(name)
    state = getattr(module, name)(return_state=True)
    return {"state": state.name, "message": state.message}


if __name__ == "__main__":
    main()
