"""A DAG for Airflow 3 and the project that it runs: extraction, loads, checks, models."""

from pathlib import PurePosixPath
from typing import Any

from dataeng_assets.generate.extraction import folder_of, left_out, project_files, requirements
from dataeng_assets.generate.extraction.described import address_form, described, length, words_of
from dataeng_assets.generate.extraction.kept import kept
from dataeng_assets.generate.extraction.rows import REFUSALS, rows_shown_by
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination

ROWS = rows_shown_by(
    "tests/interop/test_generated_airflow.py::test_a_dag_copies_the_source",
    "tests/interop/test_generated_airflow.py::test_a_dag_copies_a_topic",
)
UNTAKEN: dict[str, str] = {}

__all__ = ["REFUSALS", "ROWS", "UNTAKEN", "files"]


def files(pipeline: Pipeline) -> Generated:
    """The DAG, and beside it the folder of its project."""
    request, folder = pipeline.request, folder_of(pipeline)
    main = PurePosixPath(f"{request.name}.py")
    needed = ["apache-airflow>=3.1,<4", "apache-airflow-providers-smtp>=2.1", *requirements(pipeline)]
    values: dict[str, Any] = {
        "pipeline": pipeline,
        "request": request,
        "project": folder.name,
        "tables": [table.name for table in pipeline.tables],
        "head": head(request, kept(pipeline)),
        "described": described(pipeline),
        "one_at_a_time": request.destination is Destination.DUCKDB,
        "left_out": left_out(pipeline),
        **words_of(pipeline),
    }
    made = project_files(pipeline)
    made[main] = render("airflow/templates/dag.py.j2", length=length, **values)
    # nothing in the folder is a DAG, so nothing there is looked through for one
    made[folder / ".airflowignore"] = "*\n"
    made[folder / "README.md"] = render("airflow/templates/README.md.j2", form=address_form(pipeline), **values)
    made[folder / "requirements.txt"] = "\n".join(needed) + "\n"
    return Generated(main, made)
