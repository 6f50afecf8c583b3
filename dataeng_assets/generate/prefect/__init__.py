"""A flow for Prefect 3 and the project that it runs: extraction, loads, checks, models."""

from pathlib import PurePosixPath

from dataeng_assets.generate.extraction import folder_of, left_out, project_files, requirements
from dataeng_assets.generate.extraction.described import address_of, described, words_of
from dataeng_assets.generate.extraction.kept import kept
from dataeng_assets.generate.extraction.rows import REFUSALS, rows_shown_by
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination

ROWS = rows_shown_by(
    "tests/interop/test_generated_prefect.py::test_a_flow_copies_the_source",
    "tests/interop/test_generated_prefect.py::test_a_flow_copies_a_topic",
)
UNTAKEN = {"catchup": "Prefect makes up for no time before the first run, which reads everything anyway"}

__all__ = ["REFUSALS", "ROWS", "UNTAKEN", "files"]


def files(pipeline: Pipeline) -> Generated:
    """The flow, and beside it the folder of its project."""
    request, folder = pipeline.request, folder_of(pipeline)
    main = PurePosixPath(f"{request.name}.py")
    values = {
        "pipeline": pipeline,
        "request": request,
        "project": folder.name,
        "tables": [table.name for table in pipeline.tables],
        "head": head(request, kept(pipeline)),
        "described": described(pipeline),
        "workers": 1 if request.destination is Destination.DUCKDB else 4,
        "source_block": block_name(f"{pipeline.source_name}_source"),
        "destination_block": block_name(f"{pipeline.source_name}_{request.destination}"),
        "told_blocks": [block_name(name) for name in request.notify],
        "left_out": left_out(pipeline),
        **words_of(pipeline),
    }
    made = project_files(pipeline)
    made[main] = render("prefect/templates/flow.py.j2", **values)
    made[folder / "README.md"] = render("prefect/templates/README.md.j2", form=address_of(pipeline), **values)
    made[folder / "requirements.txt"] = "\n".join(["prefect>=3.4,<4", *requirements(pipeline)]) + "\n"
    return Generated(main, made)


def block_name(name: str) -> str:
    """A name as Prefect takes it for a block: small letters, digits and dashes."""
    return name.lower().replace("_", "-").strip("-")
