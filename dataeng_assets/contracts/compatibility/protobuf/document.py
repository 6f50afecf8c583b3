"""From the text of a `.proto` file to descriptors, by protoc itself. Comparing belongs in `compare`."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from dataeng_assets.contracts.errors import ContractError

# no import of a user's can mean this name
_NAME = "_compared_.proto"
_OWN, _GIVEN = "own", "given"
_PROBLEM = re.compile(rf"^(?:{_OWN}|{_GIVEN})/(.+?):(\d+):\d+: (.*)$", re.MULTILINE)
_MISSING = re.compile(r"^(.+): (?:File not found|Backslashes)", re.MULTILINE)
_SECONDS = 60


def read_protobuf(text: str, path: Path, given: Mapping[str, bytes]) -> FileDescriptor:
    """Compile one file: proto2, proto3 or an edition that the installed protoc knows.

    Args:
        text: what stands in it.
        path: the file, for messages.
        given: files that it may import beside `google/protobuf/*.proto`, by the path that an import names.

    Raises:
        ContractError: it does not compile, or imports what was not given.
    """
    with tempfile.TemporaryDirectory(prefix="dataeng-proto-") as folder:
        _write(Path(folder, _OWN), {_NAME: text.encode()})
        _write(Path(folder, _GIVEN), given)
        compiled = Path(folder, "descriptors")
        # isolated: the folder is full of what others wrote, and no module is to be found in it
        command = [sys.executable, "-I", "-m", "grpc_tools.protoc", f"-I{_OWN}", f"-I{_GIVEN}", "--include_imports"]
        try:
            done = subprocess.run(
                [*command, f"--descriptor_set_out={compiled}", _NAME],
                capture_output=True, check=False, timeout=_SECONDS, cwd=folder,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ContractError(path, "", f"no end after {_SECONDS} seconds", "a file that protoc compiles") from None
        if done.returncode:
            raise _error(path, done.stderr.decode(errors="replace"))
        files = FileDescriptorSet.FromString(compiled.read_bytes())
    pool = DescriptorPool()
    try:
        for file in files.file:
            pool.AddSerializedFile(file.SerializeToString())
    except TypeError as refused:
        raise ContractError(path, "", str(refused), "an edition that the installed protobuf knows") from None
    return pool.FindFileByName(_NAME)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _error(path: Path, said: str) -> ContractError:
    missing = _MISSING.search(said)
    if missing:
        allowed = (
            "imports of google/protobuf/*.proto, and of files in the folder that is compared; "
            "nothing else is looked for, so compare the folder that holds them"
        )
        return ContractError(path, "import", missing.group(1), allowed)
    problem = _PROBLEM.search(said)
    if not problem:
        return ContractError(path, "", said.strip(), "a file that protoc compiles")
    file, line, message = problem.groups()
    if file != _NAME:
        return ContractError(path, f"import {file}", f"{message} (line {line})", "a file that protoc compiles")
    return ContractError(path, "", message.replace(_NAME, path.name), "a file that protoc compiles", int(line))
