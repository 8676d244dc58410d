"""A store in a directory, on a laptop's disk or on a network home directory; without locks.

Invariant: a value is written to a temporary sibling and then linked or renamed into place, so no reader
ever sees a part of one; directories are 0700, files 0600, and symbolic links below the root are refused.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from jupyter_session_save.errors import MORE_ROOM, FormatError, KeyExistsError, StoreError

from . import directories
from .base import Store, is_segment, split_key
from .files import FLAGS, flush_file, read_bytes, read_private, which_file, write_new

_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | FLAGS  # a planted pipe must not block
_TEMPORARY = re.compile(r"\.[0-9a-f]{16}\.tmp|\..+\.claim")
_HARMLESS = re.compile(r"\.DS_Store|\.nfs[0-9a-f]+|Thumbs\.db")
_NO_LINKS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EMLINK}
_ADVICE = {
    errno.ENOSPC: f"the disk is full: {MORE_ROOM}",
    getattr(errno, "EDQUOT", -1): f"the disk quota is used up: {MORE_ROOM}",
    errno.EFBIG: "the file would be larger than this file system or your limits allow: choose another store",
    errno.EROFS: "the file system is read-only: choose another store",
    errno.EACCES: "permission denied: mend its owner and rights or choose another store",
    errno.EPERM: "permission denied: mend its owner and rights or choose another store",
    errno.ELOOP: "it is a symbolic link, which a store does not follow: put the real file there",
    errno.ENOTDIR: "a file stands where a directory should: move it away or choose another store",
    errno.EMFILE: "too many files are open in this process: close some or raise its limit",
    errno.ESTALE: "the network file system lost it: try again",
}


class LocalStore(Store):
    """Keys to files below a directory.

    Parameters
    ----------
    root : str or path
        The directory. It may be reached through symbolic links; below it none is followed.
    create : bool
        Make it (0700) if there is none.

    Raises
    ------
    StoreError
        If it is missing (with ``create=False``), belongs to another user, or cannot be made.
    FormatError
        If it is a file.
    """

    def __init__(self, root: str | os.PathLike[str], *, create: bool = True) -> None:
        try:
            self.root = Path(root).expanduser().resolve()
        except (ValueError, RuntimeError, OSError) as error:
            raise StoreError(f"{os.fspath(root)!r} cannot be a store: {error}") from error
        self.url = str(self.root)
        self._links, self._flushed = True, dict[str, object]()
        try:
            if create and not self.root.exists():
                self.root.parent.mkdir(parents=True, exist_ok=True)
                self.root.mkdir(mode=0o700, exist_ok=True)
            state = self.root.stat()
        except FileNotFoundError:
            if create:
                what = "the system lets no directory be made there: choose another store"
                raise _error(errno.ENOENT, f"cannot make a session store at {self.url}: {what}") from None
            raise _error(errno.ENOENT, f"no session store at {self.url}: save a session or check the path") from None
        except OSError as error:
            raise _refused("open the store", self.url, error) from error
        if not stat.S_ISDIR(state.st_mode):
            raise FormatError(f"{self.url} is not a session store: it is a file; give a directory")
        _check_owner(self.url, state)

    def get(self, key: str) -> bytes:
        """Return all bytes of a key."""
        with self._reading(key) as fd:
            return read_bytes(fd, os.fstat(fd).st_size)

    def map(self, key: str) -> memoryview:
        """Map the file copy-on-write; while open files run short, read it instead."""
        with self._reading(key) as fd:
            size = os.fstat(fd).st_size
            if size and not _is_scarce(fd):
                try:
                    return memoryview(_mapped(fd, size))
                except OSError as error:
                    if error.errno not in (errno.EMFILE, errno.ENFILE):
                        raise
            return read_private(fd, size)

    def read(self, key: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset`."""
        with self._reading(key) as fd:
            os.lseek(fd, offset, os.SEEK_SET)
            return read_bytes(fd, min(size, max(os.fstat(fd).st_size - offset, 0)))

    def size(self, key: str) -> int:
        """Return the length in bytes."""
        return self._state(key).st_size

    def exists(self, key: str) -> bool:
        """Whether the key is there."""
        try:
            self._state(key)
        except KeyError:
            return False
        return True

    def put(
        self,
        key: str,
        chunks: Sequence[bytes | memoryview],
        *,
        durable: bool,
        overwrite: bool = False,
        flushed: bool = False,
    ) -> None:
        """Write a temporary sibling and give it its name."""
        segments = split_key(key)
        parent = self._directory(segments[:-1], create=True)
        path = os.path.join(parent, segments[-1])
        temporary = os.path.join(parent, f".{os.urandom(8).hex()}.tmp")
        try:
            try:
                write_new(temporary, chunks, durable=durable, flushed=flushed)
                if overwrite:
                    os.replace(temporary, path)
                    temporary = ""
                else:
                    self._publish(temporary, path)
            finally:
                if temporary:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(temporary)
            if durable:
                self._sync_directories([segments])
        except StoreError:
            raise
        except OSError as error:
            raise _refused("write", path, error) from error

    def list(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that start with `prefix`."""
        head = prefix.rpartition("/")[0]
        segments = split_key(head) if head else []
        try:
            directory = self._directory(segments)
        except KeyError:
            return
        for key in _walk(directory, f"{head}/" if head else ""):
            if key.startswith(prefix):
                yield key

    def children(self, prefix: str) -> Iterable[str]:
        """Return the names of files, directories and whatever else stands in a directory."""
        try:
            directory = self._directory(split_key(prefix.removesuffix("/")))
        except KeyError:
            return []
        return [entry.name for entry in _entries(directory)]

    def delete(self, key: str) -> None:
        """Remove a key."""
        with self._reaching(key, "delete") as path:
            os.unlink(path)

    def touch(self, key: str) -> None:
        """Make the key's age zero."""
        with self._reaching(key, "touch") as path:
            _check_regular(path, os.lstat(path))
            os.utime(path)

    def age(self, key: str) -> float:
        """Return seconds since the key was written or touched."""
        return time.time() - self._state(key).st_mtime

    def flush(self, key: str) -> None:
        """Flush the file, but not the directories that name it."""
        with self._reaching(key, "write") as path:
            self._flushed[key] = flush_file(path)

    def sync(self, keys: Iterable[str]) -> None:
        """Flush the files and then the directories that name them."""
        places = []
        for key in keys:
            # Not once more, which empties the disk's cache each time, unless another has put it in place since.
            if self._flushed.pop(key, None) != which_file(self._state(key)):
                self.flush(key)
                self._flushed.pop(key, None)
            places.append(split_key(key))
        if places:
            self._sync_directories(places)

    def sweep(self, grace: float) -> int:
        """Remove temporary files and claims that are older than `grace` seconds."""
        freed, limit = 0, time.time() - grace
        for directory, _, names in os.walk(self.root):
            for name in filter(_TEMPORARY.fullmatch, names):
                path = os.path.join(directory, name)
                with contextlib.suppress(OSError):  # its writer may just have finished
                    state = os.lstat(path)
                    if state.st_mtime <= limit:
                        os.unlink(path)
                        # A writer killed between link and unlink leaves a second name of a value that stays.
                        freed += state.st_size if state.st_nlink == 1 else 0
        return freed

    def stamp(self, prefix: str) -> object:
        """Return when the directory was last changed."""
        try:
            state = os.lstat(os.path.join(self.url, *split_key(prefix.rstrip("/"))))
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns

    def free(self) -> int | None:
        """Return what the file system says; quotas are not in it."""
        try:
            usage = shutil.disk_usage(self.root)
            return usage.free if usage.total else None  # ramfs and some of FUSE tell nothing
        except OSError:
            return None

    def is_empty(self) -> bool:
        """Whether the directory holds at most what systems and killed writers leave."""
        try:
            with os.scandir(self.root) as entries:
                return all(_TEMPORARY.fullmatch(e.name) or _HARMLESS.fullmatch(e.name) for e in entries)
        except OSError as error:
            raise _refused("read", self.url, error) from error

    @contextlib.contextmanager
    def _reaching(self, key: str, verb: str) -> Iterator[str]:
        """Give the path of a key; what goes wrong with it becomes KeyError or StoreError."""
        *parents, name = split_key(key)
        try:
            path = os.path.join(self._directory(parents), name)
        except KeyError:
            raise KeyError(key) from None
        try:
            yield path
        except FileNotFoundError:
            raise KeyError(key) from None
        except StoreError:
            raise
        except OSError as error:
            raise _refused(verb, path, error) from error

    @contextlib.contextmanager
    def _reading(self, key: str) -> Iterator[int]:
        with self._reaching(key, "read") as path:
            fd = os.open(path, _READ)
            try:
                _check_regular(path, os.fstat(fd))
                yield fd
            finally:
                os.close(fd)

    def _state(self, key: str) -> os.stat_result:
        with self._reaching(key, "read") as path:
            state = os.lstat(path)
            _check_regular(path, state)
            return state

    def _directory(self, segments: Sequence[str], *, create: bool = False) -> str:
        """Return a directory below the root, every step of the way checked; KeyError if it is missing."""
        path = self.url
        for segment in segments:
            path = os.path.join(path, segment)
            try:
                state = _lstat(path)
                if state is None and create:
                    directories.make(path)
                    state = os.lstat(path)
            except OSError as error:
                raise _refused("make" if create else "read", path, error) from error
            if state is None:
                raise KeyError("/".join(segments))
            if not stat.S_ISDIR(state.st_mode):
                link = stat.S_ISLNK(state.st_mode)
                raise _refused("use", path, OSError(errno.ELOOP if link else errno.ENOTDIR, ""))
            _check_owner(path, state)
        return path

    def _publish(self, temporary: str, path: str) -> None:
        """Give a whole file its name; of several writers exactly one succeeds."""
        if self._links:
            try:
                os.link(temporary, path)
                return
            except FileExistsError:
                # NFS may repeat a link whose answer was lost, and then finds its own.
                if os.path.samestat(os.lstat(temporary), os.lstat(path)):
                    return
                raise KeyExistsError(f"{path} is there already") from None
            except OSError as error:
                if error.errno not in _NO_LINKS:
                    raise
                self._links = False
        directory, name = os.path.split(path)
        claim = os.path.join(directory, f".{name}.claim")
        try:
            os.close(os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, 0o600))
        except FileExistsError:
            raise KeyExistsError(f"{path} is being written by another process") from None
        try:
            if os.path.lexists(path):
                raise KeyExistsError(f"{path} is there already")
            os.replace(temporary, path)
        finally:
            os.unlink(claim)

    def _sync_directories(self, places: Iterable[Sequence[str]]) -> None:
        """Make names survive a loss of power: of files, and of the directories that hold them."""
        try:
            directories.sync_names(self.url, places)
        except OSError as error:
            raise _refused("write", str(error.filename), error) from error


def _error(number: int | None, message: str) -> StoreError:
    error = StoreError(message)
    error.errno = number
    return error


def _refused(verb: str, path: str, error: OSError) -> StoreError:
    reason = _ADVICE.get(error.errno or 0) or f"{error.strerror or error}: mend that or choose another store"
    return _error(error.errno, f"cannot {verb} {path}: {reason}")


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _check_owner(path: str, state: os.stat_result) -> None:
    """Refuse a directory of another user, who could exchange whatever is in it."""
    if hasattr(os, "geteuid") and state.st_uid != os.geteuid():
        owner = f"it belongs to another user (uid {state.st_uid})"
        raise _error(errno.EPERM, f"cannot use {path}: {owner}: choose another store or mend its owner")


def _check_regular(path: str, state: os.stat_result) -> None:
    if stat.S_ISLNK(state.st_mode):
        raise _refused("use", path, OSError(errno.ELOOP, ""))
    if not stat.S_ISREG(state.st_mode):
        raise _error(errno.EINVAL, f"cannot use {path}: it is not a regular file: move it away")


def _entries(directory: str) -> list[os.DirEntry[str]]:
    """Return what stands in a directory and can be part of a key, sorted; nothing if it is missing."""
    try:
        with os.scandir(directory) as found:
            return sorted((e for e in found if is_segment(e.name)), key=lambda e: e.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _refused("read", directory, error) from error


def _walk(directory: str, prefix: str) -> Iterator[str]:
    for entry in _entries(directory):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        else:
            yield prefix + entry.name


def _mapped(fd: int, size: int) -> mmap.mmap:
    # Unreserved: else mapping more than the free memory may fail, though little is written to it.
    if sys.version_info >= (3, 13) and hasattr(mmap, "MAP_NORESERVE"):
        return mmap.mmap(fd, size, flags=mmap.MAP_PRIVATE | mmap.MAP_NORESERVE, trackfd=False)
    return mmap.mmap(fd, size, access=mmap.ACCESS_COPY)


def _is_scarce(fd: int) -> bool:
    """Whether open files run short; before Python 3.13 each mapping keeps one."""
    if sys.version_info >= (3, 13):
        return False
    try:
        from resource import RLIMIT_NOFILE, getrlimit
    except ImportError:
        return False
    return fd > getrlimit(RLIMIT_NOFILE)[0] // 2
