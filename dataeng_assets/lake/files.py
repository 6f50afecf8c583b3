"""Small files beside the tables: written whole, read whole, listed. What they mean is the caller's.

A reader finds a file as it was before or as it is after, never half of it. There is no guard against another writer:
what needs one belongs in a table.
"""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

import pyarrow.fs as pafs
from deltalake._internal import DeltaFileSystemHandler
from deltalake.fs import DeltaStorageHandler

from dataeng_assets.lake.location import Lake


class Files:
    """A folder of files in a lake.

    Args:
        lake: where.
        path: of the folder; its first part should begin with an underscore, which no table's key does.
    """

    def __init__(self, lake: Lake, path: Sequence[str]) -> None:
        self._lake, self._folder, self._uri = lake, str(PurePosixPath(*path)), lake.uri.rstrip("/") + "/"

    def names(self) -> list[str]:
        """Names of the files, in order; none when the folder is not there."""
        if not self._may_exist:
            return []
        found = self._files().get_file_info(pafs.FileSelector(self._folder, allow_not_found=True))
        return sorted(info.base_name for info in found if info.type == pafs.FileType.File)

    def read(self, name: str) -> bytes | None:
        """What a file holds; None when it is not there."""
        if not self._may_exist:
            return None
        try:
            with self._files().open_input_stream(f"{self._folder}/{name}") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Put a file in the place of the one of its name, if there is one."""
        if self._lake.folder is not None:
            (self._lake.folder / self._folder).mkdir(parents=True, exist_ok=True)
        # pyarrow would hand over buffers that delta-rs does not take
        file: Any = DeltaFileSystemHandler(self._uri, dict(self._lake.options)).open_output_stream(
            f"{self._folder}/{name}", None
        )
        file.write(content)
        file.close()  # it appears under its name now

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""
        if not self._may_exist:
            return
        try:
            self._files().delete_file(f"{self._folder}/{name}")
        except FileNotFoundError:
            return

    @property
    def _may_exist(self) -> bool:
        """Whether the folder does, where that can be told; delta-rs refuses one that does not."""
        return self._lake.folder is None or (self._lake.folder / self._folder).is_dir()

    def _files(self) -> pafs.FileSystem:
        return pafs.PyFileSystem(DeltaStorageHandler(self._uri, dict(self._lake.options)))
