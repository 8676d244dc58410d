"""File systems of a test's own: a tmpfs of a size, and a btrfs with a quota.

Invariant: only the thread that mounts and what it starts afterwards see them, and they go with the last of these, also
if all are killed: a mount belongs to a namespace of their own, and a loop device to its mount.
"""

from __future__ import annotations

import contextlib
import ctypes
import lzma
import os
import shutil
import struct
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

_EMPTY = Path(__file__).parent / "support" / "empty.btrfs.xz"
"""Made by ``mkfs.btrfs --mixed --nodesize 4096 --metadata single --data single --runtime-features quota`` of 64 MiB."""
_NEWNS, _FS = 0x00020000, 0x00000200
_BLOCK = 4096
_SUPER = 1 << 16
_FSID = slice(32, 48)
_LIMIT = 2 << 30 | 48 << 16 | 0x94 << 8 | 43
"""``BTRFS_IOC_QGROUP_LIMIT``."""


@contextlib.contextmanager
def mounted(place: Path, *arguments: str) -> Iterator[Path]:
    """Mount a file system as ``mount`` does with these arguments; skips the test where that cannot be done."""
    if sys.platform != "linux" or not shutil.which("mount"):
        pytest.skip("file systems cannot be mounted here")
    libc = ctypes.CDLL(None, use_errno=True)
    there = Path.cwd()
    before = os.open("/proc/thread-self/ns/mnt", os.O_RDONLY)
    try:
        if libc.unshare(_NEWNS):
            pytest.skip(f"file systems cannot be mounted here: {os.strerror(ctypes.get_errno())}")
        try:
            for command in (["--make-rprivate", "/"], [*arguments, str(place)]):
                done = subprocess.run(["mount", *command], check=False, capture_output=True, text=True)
                if done.returncode:
                    pytest.skip(f"file systems cannot be mounted here: {done.stderr.strip()}")
            yield place
        finally:
            # Lazily: what was mapped from it may still be.
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
            # Threads that were started meanwhile share the working directory, which no namespace allows.
            assert libc.unshare(_FS) == 0
            assert libc.setns(before, _NEWNS) == 0
            os.chdir(there)
    finally:
        os.close(before)


@contextlib.contextmanager
def limited(place: Path, image: Path, limit: int) -> Iterator[Path]:
    """Mount an empty btrfs on which no more than so many bytes can be stored, whoever stores them."""
    _unpack(image)
    with mounted(place, "-t", "btrfs", "-o", "loop", str(image)):
        import fcntl

        directory = os.open(place, os.O_RDONLY)
        try:
            # The group of the top-level tree, and a limit (1) to what it refers to.
            fcntl.ioctl(directory, _LIMIT, struct.pack("=6Q", 5, 1, limit, 0, 0, 0))
        finally:
            os.close(directory)
        yield place


def _unpack(image: Path) -> None:
    """Write the empty file system under an id of its own, by which the system tells file systems apart."""
    ours = uuid.uuid4().bytes
    with lzma.open(_EMPTY) as packed, image.open("wb") as file:
        packed.seek(_SUPER)
        theirs = packed.read(_BLOCK)[_FSID]
        packed.seek(0)
        for offset in range(0, 64 << 20, _BLOCK):
            block = packed.read(_BLOCK)
            if block.count(0) == _BLOCK:
                continue
            if block[_FSID] == theirs:
                block = block.replace(theirs, ours)
                block = struct.pack("<I", _crc32c(block[32:])).ljust(32, b"\0") + block[32:]
            file.seek(offset)
            file.write(block)
        file.truncate(64 << 20)


def _crc32c(data: bytes) -> int:
    """Return the checksum of RFC 3720, Castagnoli's."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
