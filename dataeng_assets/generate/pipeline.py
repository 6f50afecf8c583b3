"""What a pipeline is made from, and what is made of it. How a kind writes it belongs in the kind's own folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from dataeng_assets.contracts.model import Contract
from dataeng_assets.generate.request import Mode, Request


@dataclass(frozen=True)
class Table:
    """A table or topic that a pipeline reads.

    Attributes:
        contract: what it holds.
        schema: where it is in the source database; empty for a topic.
        mode: of this table: full where it has no watermark.
        watermark: the column that moves whenever a row changes.
        document: the contract as its YAML document.
    """

    contract: Contract
    schema: str
    mode: Mode
    watermark: str | None
    document: str

    @property
    def name(self) -> str:
        """The table's or topic's name in the source."""
        return self.contract.name


@dataclass(frozen=True)
class Pipeline:
    """A request with its tables.

    Attributes:
        source_name: of the source; the folder in `defs/`.
        address_variable: names the variable that holds the source's address; the address itself stands nowhere.
        declaration: the `defs.yaml` of a source that is declared already.
    """

    request: Request
    source_name: str
    tables: tuple[Table, ...]
    address_variable: str
    declaration: str = ""


@dataclass(frozen=True)
class Generated:
    """What was written, file by file.

    Attributes:
        main: the pipeline file: what `--output FILE` names.
        files: the text of every file by its path in the output folder; main and a README are among them.
    """

    main: PurePosixPath
    files: Mapping[PurePosixPath, str]
