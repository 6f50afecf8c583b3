"""Streams that Java's lz4 and snappy libraries write, which have frames of their own around plain blocks."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

import pyarrow as pa

_LZ4_MAGIC = b"LZ4Block"
_LZ4_HEADER = struct.Struct("<BIII")  # method and level, compressed and plain length, checksum
_LZ4_STORED = 0x10
_SNAPPY_MAGIC = b"\x82SNAPPY\x00"
_LENGTH = struct.Struct(">I")


class FrameBroken(OSError):
    """The stream is not framed as that library does; a block that ends too early is one that is being written."""


def lz4_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The plain blocks of what net.jpountz.lz4.LZ4BlockOutputStream wrote.

    Raises:
        FrameBroken: it is none.
    """
    codec = pa.Codec("lz4_raw")
    while magic := stream.read(len(_LZ4_MAGIC)):
        header = stream.read(_LZ4_HEADER.size)
        if not _LZ4_MAGIC.startswith(magic):
            raise FrameBroken("it is no stream of Java's lz4")
        if len(header) < _LZ4_HEADER.size:
            return
        token, compressed, plain, _checksum = _LZ4_HEADER.unpack(header)
        block = stream.read(compressed)
        if len(block) < compressed:
            return
        yield block if token & 0xF0 == _LZ4_STORED else _plain(codec, block, plain)


def snappy_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The plain blocks of what org.xerial.snappy.SnappyOutputStream wrote.

    Raises:
        FrameBroken: it is none.
    """
    codec = pa.Codec("snappy")
    if not _SNAPPY_MAGIC.startswith(stream.read(len(_SNAPPY_MAGIC))):
        raise FrameBroken("it is no stream of Java's snappy")
    stream.read(2 * _LENGTH.size)  # two versions of the format
    while len(length := stream.read(_LENGTH.size)) == _LENGTH.size:
        if _SNAPPY_MAGIC.startswith(length):  # another stream follows
            stream.read(len(_SNAPPY_MAGIC) - len(length) + 2 * _LENGTH.size)
            continue
        (compressed,) = _LENGTH.unpack(length)
        block = stream.read(compressed)
        if len(block) < compressed:
            return
        yield _plain(codec, block, _snappy_length(block))


def _snappy_length(block: bytes) -> int:
    """The plain length, which a block of snappy begins with: seven bits a byte, the lowest first."""
    length = 0
    for place, byte in enumerate(block[:5]):
        length |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            break
    return length


def _plain(codec: pa.Codec, block: bytes, length: int) -> bytes:
    made: bytes = codec.decompress(block, length, asbytes=True) if length else b""
    return made
