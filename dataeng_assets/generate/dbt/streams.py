"""The dbt project over a warehouse's own stream: its models are what the warehouse keeps up by itself.

What comes in and what is derived belongs in `warehouse_streams`; here it becomes a project that dbt runs.
"""

from pathlib import PurePosixPath

from dataeng_assets.contracts.yaml_text import yaml_text
from dataeng_assets.generate import warehouse_streams
from dataeng_assets.generate.dbt import targets
from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.promises import head
from dataeng_assets.generate.render import render
from dataeng_assets.generate.request import Destination, Source

_FURTHER = {
    (Source.KAFKA, Destination.DATABRICKS): "{address}",
    (Source.KINESIS, Destination.DATABRICKS): "KINESIS_REGION",
    (Source.FILES, Destination.DATABRICKS): "FILES_PATH",
}
"""The variable that a model reads beside those of the profile."""
_LANDED = {Destination.SNOWFLAKE: "{name}_raw", Destination.BIGQUERY: "{name}"}
"""The table that a connector fills, where the warehouse does not read the stream itself."""


def files(pipeline: Pipeline) -> Generated:
    """The project, its set-up and the rights.

    Raises:
        RequestRefused: a topic's records are no plain JSON, or have a key that is no text.
    """
    request, promises = pipeline.request, warehouse_streams.kept(pipeline)
    main = PurePosixPath("dbt_project.yml")
    made = {main: head(request, promises) + yaml_text(_project(pipeline)), **warehouse_streams.texts(pipeline)}
    made[PurePosixPath("profiles.yml")] = targets.profile(pipeline)
    made[PurePosixPath("requirements.txt")] = targets.requirements(request.destination)
    if landed := _LANDED.get(request.destination):
        tables = [{"name": landed.format(name=table.name)} for table in pipeline.tables]
        sources = {"version": 2, "sources": [{"name": pipeline.source_name, "tables": tables}]}
        made[PurePosixPath("models/_sources.yml")] = yaml_text(sources)
    for table in pipeline.tables:
        made[PurePosixPath(f"contracts/{table.name}.yaml")] = table.document
    further = _FURTHER.get((request.source, request.destination), "").format(address=pipeline.address_variable)
    made[PurePosixPath("README.md")] = render(
        "dbt/templates/streams_README.md.j2",
        pipeline=pipeline,
        request=request,
        variables=[*targets.variables(request.destination), *filter(None, [further])],
        names=sorted(path.stem for path in made if path.parts[0] == "models" and path.suffix == ".sql"),
        holds=[promise for promise, reason in promises.items() if not reason],
        fails=[(promise, reason) for promise, reason in promises.items() if reason],
    )
    return Generated(main, made)


def _project(pipeline: Pipeline) -> dict[str, object]:
    """The project file; the warehouse itself keeps these models up, and dbt's contracts are not for them."""
    said = targets.project(pipeline)
    settings = {"+tags": list(pipeline.request.tags), "+meta": {"owner": pipeline.request.owner}}
    return {**said, "models": {said["name"]: settings}}
