"""Pipelines over two example documents, and files kept beside the tests that what is generated is compared with."""

from pathlib import Path
from typing import Any

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.generate.asked import Asked, request_of
from dataeng_assets.generate.kinds import kind_module
from dataeng_assets.generate.pipeline import Generated, Pipeline, Table
from dataeng_assets.generate.request import Mode
from dataeng_assets.settings import ROOT

GOLDEN = Path(__file__).parent / "golden"
REFERENCE = ROOT / "docs" / "reference"


def over_tables(kind: str, *contracts: Path, **options: Any) -> Pipeline:
    """A pipeline over tables of Postgres; those of example-contract.yaml when none are named."""
    request = request_of(Asked(kind, **{"source": "postgres", **options}), "extract_example")
    return Pipeline(
        request,
        "example",
        tuple(_table(path, request.mode) for path in contracts or [REFERENCE / "example-contract.yaml"]),
        "DATAENG_EXAMPLE_URL",
    )


def over_topic(kind: str, contract: Path = REFERENCE / "example-topic.yaml", **options: Any) -> Pipeline:
    """A pipeline over a topic."""
    request = request_of(Asked(kind, **{"source": "kafka", **options}), "stream_example")
    loaded = load_contract(contract)
    table = Table(loaded, "", Mode.STREAMING, None, contract.read_text(encoding="utf-8"))
    return Pipeline(request, "example", (table,), "DATAENG_KAFKA_BOOTSTRAP")


def made(pipeline: Pipeline) -> Generated:
    """What its kind writes."""
    return kind_module(pipeline.request.kind).files(pipeline)


def differing(generated: Generated, name: str) -> list[str]:
    """The files that differ from those kept in `golden/NAME`; where there are none, they are written.

    Delete the folder to write them anew, and read what changed in git.
    """
    folder = GOLDEN / name
    texts = {str(path): text for path, text in generated.files.items()}
    if not folder.exists():
        for path, text in texts.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    kept = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }
    return sorted(path for path in {*texts, *kept} if texts.get(path) != kept.get(path))


def _table(path: Path, mode: Mode) -> Table:
    contract = load_contract(path)
    moving = next((one.name for one in contract.columns if one.name == "updated_at"), None)
    watermark = moving if mode is Mode.INCREMENTAL else None
    own = Mode.FULL if mode is Mode.INCREMENTAL and not watermark else mode
    return Table(contract, "example", own, watermark, path.read_text(encoding="utf-8"))
