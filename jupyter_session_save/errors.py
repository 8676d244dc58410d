"""The exceptions of the project, grouped by what a handler would do about them.

::

    SessionError                       anything this project raises on purpose
    |-- SessionNameError (ValueError)      the name or version cannot be used: give another
    |-- SessionNotFoundError (LookupError) nothing is saved under it: choose from the list
    |-- StoreError (OSError)               the store refused: mend the disk, the rights or the address
    |   `-- KeyExistsError (FileExistsError)   create-only write found the key taken
    |-- FormatError (ValueError)           not a session, or of a format this version cannot read
    |-- DamagedError (ValueError)          bytes are missing or differ from what was written
    |-- TrustError (PermissionError)       signed by nobody this user trusts: load with trust
    |-- SaveError (RuntimeError)           the save was refused as asked (strict, verify)
    |-- LoadError (RuntimeError)           the load was refused; the namespace is as it was
    `-- PlaceholderError (RuntimeError)    a stand-in was used as if it were the object

Invariant: a message says what happened, to which variable or file, and what to do next, in one line.
"""

from __future__ import annotations

import errno

from .sensitive import redacted

MORE_ROOM = "free some space, run `jupyter session prune`, or choose another store"
"""What to do when a store is full."""


class SessionError(Exception):
    """Base of all errors that this project raises on purpose."""


class SessionNameError(SessionError, ValueError):
    """A session name, version or pattern cannot be used."""


class SessionNotFoundError(SessionError, LookupError):
    """No session, version or variable of that name is stored."""


class StoreError(SessionError, OSError):
    """The store could not read or write: disk full, read-only, permission denied, unreachable."""


class KeyExistsError(StoreError, FileExistsError):
    """A create-only write found its key taken."""


class FormatError(SessionError, ValueError):
    """The bytes are not a session, or a format that this version cannot read."""


class DamagedError(SessionError, ValueError):
    """Stored bytes are missing, truncated, or differ from their digest."""


class TrustError(SessionError, PermissionError):
    """A snapshot is not signed by this user; nothing of it has been unpickled."""


class SaveError(SessionError, RuntimeError):
    """A save was refused (``strict``), or its verification failed."""


class LoadError(SessionError, RuntimeError):
    """A load was refused or rolled back; the namespace is as it was."""


class PlaceholderError(SessionError, RuntimeError):
    """A placeholder was used as if it were the object it stands for."""


def gone(url: str) -> StoreError:
    """Return what to raise of a store that was there and is not any more, which nothing makes anew by itself."""
    error = StoreError(
        f"the session store {url} is gone: bring back the disk that it was on, or make the directory again for a new "
        "one, as %autosave_session off and then on does"
    )
    error.errno = errno.ENOENT
    return error


def said(error: BaseException) -> str:
    """Return an exception as one bounded line without secrets, whatever its own ``__str__`` does."""
    try:
        text = redacted(" ".join(str(error).split()))
    except Exception:
        text = "(its message cannot be shown)"
    text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= 300 else f"{text[:297]}..."
