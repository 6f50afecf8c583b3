"""What a new version of a gRPC service breaks. What its messages hold belongs in `compare`."""

from collections.abc import Iterator

from google.protobuf.descriptor import FileDescriptor, MethodDescriptor

from dataeng_assets.contracts.compatibility.verdict import Breaks, Change


def compare_services(old: FileDescriptor, new: FileDescriptor) -> Iterator[Change]:
    """Methods that callers with the old version no longer find, or find changed."""
    before, now = _methods(old), _methods(new)
    for name, method in before.items():
        if name not in now:
            yield Change(
                "method_removed", name, f"the method {name} was removed: old clients call it in vain",
                frozenset({Breaks.FORWARD}), "keep it, marked as deprecated, until nobody calls it",
            )  # fmt: skip
        elif _shape(method) != _shape(now[name]):
            yield Change(
                "method_changed", name, f"{_shape(method)} became {_shape(now[name])}: old and new sides do not meet",
                frozenset(Breaks), "add a method of another name beside it, and remove the old one later",
            )  # fmt: skip


def _methods(file: FileDescriptor) -> dict[str, MethodDescriptor]:
    return {
        f"{service.name}.{method.name}": method
        for service in file.services_by_name.values()
        for method in service.methods
    }


def _shape(method: MethodDescriptor) -> str:
    sends = "stream " if method.client_streaming else ""
    gets = "stream " if method.server_streaming else ""
    return f"({sends}{method.input_type.name}) returns ({gets}{method.output_type.name})"
