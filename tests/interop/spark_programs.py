"""Spark in its own environment, with its pinned packages; what is run on it is the tests'."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from dataeng_assets.local.packages import fetch, pinned_packages
from dataeng_assets.settings import ROOT

SPARK_PYTHON = ROOT / ".venv-spark" / "bin" / "python"
PINS = ROOT / "benchmarks" / "streaming" / "packages.toml"
SMALL = {
    "spark.driver.memory": "1g",
    # the first compiler alone and one thread to collect garbage: a job of seconds never earns what more of them cost
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.master": "local[2]",
    "spark.sql.shuffle.partitions": "2",
    # the log of a table of a few files is no work for fifty tasks, nor a few thousand rows for a compiler
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def spark_python() -> str:
    """The environment's Python; where it or Java is missing the test fails and says what to do."""
    if not SPARK_PYTHON.exists():
        pytest.fail(f"{SPARK_PYTHON} is missing. `make test-interop` installs it; by hand: `make .venv-spark/.ready`.")
    if not shutil.which("java"):
        pytest.fail(
            "Spark needs a Java of at least 17, and there is none on the PATH. Install it: "
            "apt-get update && apt-get install -y --no-install-recommends openjdk-17-jdk-headless"
        )
    return str(SPARK_PYTHON)


def spark_environment(folder: Path, **variables: str) -> Mapping[str, str]:
    """The variables with which a job finds Spark's packages, small and local.

    Args:
        folder: takes what Spark leaves behind.
        variables: of the job.
    """
    packages = [*pinned_packages(PINS, "spark"), *pinned_packages(PINS, "spark-postgres")]
    jars = ",".join(map(str, fetch(packages)))
    settings = {**SMALL, "spark.jars": jars, "spark.local.dir": str(folder), "spark.sql.warehouse.dir": str(folder)}
    submit = " ".join(f"--conf {name}={json.dumps(value)}" for name, value in settings.items())
    return {
        **os.environ,
        "PYSPARK_SUBMIT_ARGS": f"{submit} pyspark-shell",
        "PYSPARK_PYTHON": spark_python(),
        "SPARK_LOCAL_IP": "127.0.0.1",
        **variables,
    }
