"""The staging folder of one run: Parquet files between reading and loading, where every worker can read them."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs


class Staging:
    """A folder of one run.

    Args:
        base: a local folder that all workers share, or an address such as `s3://bucket/staging`.
        run: name of the run; what a former attempt of it wrote is overwritten.
    """

    def __init__(self, base: str, run: str) -> None:
        safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in run)
        self.address = f"{base.rstrip('/')}/{safe}"
        self._files, self._folder = _filesystem(self.address)

    def write(self, table: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> tuple[str, int]:
        """Write a file; gives its address, and how many rows it holds, counted by reading a column back."""
        self._files.create_dir(self._folder, recursive=True)
        path = f"{self._folder}/{table}.parquet"
        with pq.ParquetWriter(path, schema, filesystem=self._files, compression="zstd") as writer:
            for batch in batches:
                writer.write_batch(batch)
        with pq.ParquetFile(path, filesystem=self._files) as file:
            rows = sum(batch.num_rows for batch in file.iter_batches(columns=[schema.names[0]]))
        return f"{self.address}/{table}.parquet", rows

    def remove(self) -> None:
        """Remove the folder with all that is in it; one that is not there is fine."""
        if self._files.get_file_info(self._folder).type is not fs.FileType.NotFound:
            self._files.delete_dir(self._folder)


def read_batches(file: str) -> Iterable[pa.RecordBatch]:
    """The rows of a staged file, a batch at a time."""
    files, path = _filesystem(file)
    with pq.ParquetFile(path, filesystem=files) as reader:
        yield from reader.iter_batches()


def read_schema(file: str) -> pa.Schema:
    """The columns of a staged file."""
    files, path = _filesystem(file)
    return pq.read_schema(path, filesystem=files)


def local_file(file: str, folder: Path) -> Path:
    """A staged file on this machine: itself, or a copy in the folder where it lies elsewhere."""
    if "://" not in file:
        return Path(file)
    files, path = _filesystem(file)
    copy = folder / Path(path).name
    with files.open_input_stream(path) as taken, copy.open("wb") as kept:
        shutil.copyfileobj(taken, kept)
    return copy


@contextmanager
def open_file(file: str) -> Iterator[pa.NativeFile]:
    """A staged file, opened for reading."""
    files, path = _filesystem(file)
    with files.open_input_file(path) as opened:
        yield opened


def _filesystem(address: str) -> tuple[fs.FileSystem, str]:
    if "://" in address:
        files, path = fs.FileSystem.from_uri(address)
        return files, str(path)
    return fs.LocalFileSystem(), address
