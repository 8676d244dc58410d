"""Signing snapshots, and telling whether this user signed one.

Invariant: the key never stands in a store, so whoever can only write to a store can forge nothing.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import os
import stat
from pathlib import Path

from .errors import StoreError, TrustError

_SIZE = 32
_PREFIX = b"jupyter_session_save snapshot 1\0"
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


class Signer:
    """Signs with one key (HMAC-SHA256).

    Parameters
    ----------
    key : bytes
        At least 32 random bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < _SIZE:
            raise ValueError(f"a signing key of {len(key)} bytes is too short: give {_SIZE}")
        self._key = bytes(key)

    def __repr__(self) -> str:
        return "Signer(<key>)"

    @classmethod
    def of_user(cls, directory: str | os.PathLike[str] | None = None) -> Signer:
        """Return this user's signer, making its key the first time.

        Parameters
        ----------
        directory : path, optional
            Where the file ``session-key`` stands; by default the Jupyter data directory.

        Raises
        ------
        TrustError
            If others can read the key, own it, or put something else in its place.
        StoreError
            If it cannot be read or made.
        """
        path = _key_file(directory)
        try:
            if not os.path.lexists(path):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _make(path)
            return cls(_read(path))
        except OSError as error:
            if isinstance(error, TrustError):
                raise
            if error.errno == errno.ELOOP:
                raise TrustError(f"{path} is a symbolic link: remove it, and a new key is made") from error
            refusal = StoreError(f"cannot use the signing key {path}: {error.strerror}: mend that and try again")
            refusal.errno = error.errno
            raise refusal from error

    @classmethod
    def existing(cls, directory: str | os.PathLike[str] | None = None) -> Signer | None:
        """Return this user's signer without making a key, None if there is none yet; else as `of_user`."""
        return cls.of_user(directory) if os.path.lexists(_key_file(directory)) else None

    def sign(self, data: bytes) -> str:
        """Return the signature of bytes, 64 hexadecimal digits."""
        mac = hmac.new(self._key, _PREFIX, hashlib.sha256)
        mac.update(data)
        return mac.hexdigest()

    def verify(self, data: bytes, signature: str) -> bool:
        """Whether `signature` is this key's for these bytes."""
        return hmac.compare_digest(self.sign(data).encode(), signature.encode("utf-8", "surrogatepass"))


def data_directory() -> str:
    """Return the Jupyter data directory; where a variable names it, without importing what would ask the system."""
    named = os.environ.get("JUPYTER_DATA_DIR")
    if named:
        return named
    from jupyter_core.paths import jupyter_data_dir

    return str(jupyter_data_dir())


def _key_file(directory: str | os.PathLike[str] | None) -> Path:
    return Path(directory or data_directory()) / "session-key"


def _make(path: Path) -> None:
    """Write a new key as a whole; of several processes one wins and the others read its key."""
    temporary = path.with_name(f".{path.name}-{os.urandom(8).hex()}")
    try:
        _write(temporary)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        except OSError:  # no hard links on this file system
            with contextlib.suppress(FileExistsError):
                _write(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _write(path: Path) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
    try:
        os.write(fd, os.urandom(_SIZE))
        os.fsync(fd)
    finally:
        os.close(fd)


def _read(path: Path) -> bytes:
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS)
    try:
        state = os.fstat(fd)
        if not stat.S_ISREG(state.st_mode):
            raise TrustError(f"{path} is not a regular file: remove it, and a new key is made")
        if hasattr(os, "geteuid"):
            if state.st_uid != os.geteuid():
                raise TrustError(f"{path} belongs to another user (uid {state.st_uid}): remove it")
            if state.st_mode & 0o077:
                raise TrustError(
                    f"{path} is open to other users, who may have read it: remove it, and a new key is made"
                )
        key = os.read(fd, _SIZE + 1)
    finally:
        os.close(fd)
    if len(key) != _SIZE:
        raise TrustError(f"{path} holds {len(key)} bytes instead of {_SIZE}: remove it, and a new key is made")
    return key
