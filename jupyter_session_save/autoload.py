"""Having the extension in every kernel of an IPython profile: one small startup file.

Invariant: no file is written over or removed that does not begin with our mark.
"""

from __future__ import annotations

import os
from pathlib import Path

from .errors import SessionNotFoundError, StoreError

_NAME = "50-jupyter-session-save.py"
_MARK = "# Written by `jupyter session autoload --enable`; `jupyter session autoload --disable` removes it.\n"
_AUTOSAVE = "    get_ipython().config.SessionMagics.autosave = True\n"
# No names: the file runs in the user's namespace.
_CODE = """\
try:
{autosave}    get_ipython().run_line_magic("load_ext", "jupyter_session_save")
except ImportError:
    pass
"""


def startup_file(profile: str = "default") -> Path:
    """Return where the startup file of a profile stands."""
    directory = os.environ.get("IPYTHONDIR") or Path.home() / ".ipython"
    return Path(directory) / f"profile_{profile}" / "startup" / _NAME


def enable(profile: str = "default", *, autosave: bool = False) -> Path:
    """Load the extension in every new kernel of a profile.

    Parameters
    ----------
    profile : str
    autosave : bool
        Turn autosave on, too, where the front end tells the notebook's name.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    StoreError
        If it cannot be written, or another file stands there.
    SessionNotFoundError
        If there is no such profile; the one named default is made if need be.
    """
    path = startup_file(profile)
    directory = path.parent.parent
    if profile != "default" and not directory.is_dir():
        raise SessionNotFoundError(
            f"there is no IPython profile {profile!r} in {directory.parent}: make it with `ipython profile create "
            f"{profile}`, or choose another"
        )
    try:
        _check(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_MARK + _CODE.format(autosave=_AUTOSAVE if autosave else ""), encoding="utf-8")
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"cannot write {path}: {error.strerror}: mend that and try again") from error
    return path


def disable(profile: str = "default") -> bool:
    """Take the file away again.

    Returns
    -------
    bool
        Whether there was one.
    """
    path = startup_file(profile)
    try:
        if not path.exists():
            return False
        _check(path)
        path.unlink()
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"cannot remove {path}: {error.strerror}: mend that and try again") from error
    return True


def _check(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.read_text(encoding="utf-8").startswith(_MARK)):
        raise StoreError(f"{path} is not a file of jupyter_session_save: move it away and try again")
