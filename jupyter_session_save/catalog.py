"""What a user's words mean: which store, which session, which version.

Invariant: nothing here unpickles, and looking changes nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .display import plural, typed
from .errors import SessionNameError, SessionNotFoundError, StoreError, gone

if TYPE_CHECKING:
    from .repository import Repository

STORE_VARIABLE = "JUPYTER_SESSION_STORE"
"""Environment variable that moves the store."""

_LONGEST_NAME = 64
"""UTF-8 bytes of a derived name: percent-encoded it still fits into a directory's name."""


def store_location(given: str | os.PathLike[str] | None = None) -> str:
    """Return the address of the store.

    Parameters
    ----------
    given : str or path, optional
        What the user asked for: a trait, ``--store`` or an argument. Without it the environment variable
        ``JUPYTER_SESSION_STORE`` counts, and without that ``sessions`` in the Jupyter data directory.
    """
    asked = os.fspath(given) if given else os.environ.get(STORE_VARIABLE, "")
    if asked:
        return asked
    from .trust import data_directory

    return os.path.join(data_directory(), "sessions")


def open_repository(given: str | os.PathLike[str] | None = None, *, create: bool = True) -> Repository:
    """Open the repository that `store_location` finds.

    Raises
    ------
    StoreError, FormatError
        As `Repository.open`.
    """
    # Imported when it is needed: %load_ext has a budget of 60 ms.
    from .repository import Repository

    return Repository.open(store_location(given), create=create)


class Stores:
    """The stores that one kernel uses: one in memory stays the same, and one that has disappeared is not made anew."""

    def __init__(self) -> None:
        self._memory: Repository | None = None
        self._used: set[str] = set()

    def open(self, given: str, *, create: bool = True, anew: bool = False) -> Repository:
        """Open the repository that `store_location` finds.

        Parameters
        ----------
        given : str
        create : bool
            Whether it is to save to, or to go on from, and is made if there is nothing.
        anew : bool
            Make it also if it was used before and has gone since.

        Raises
        ------
        StoreError, FormatError
            As `open_repository`.
        """
        where = store_location(given)
        if where == "memory:":
            self._memory = self._memory or open_repository(where)
            return self._memory
        place = where
        if not where.startswith("file:"):
            with contextlib.suppress(OSError):  # the working directory may have been removed
                place = os.path.abspath(os.path.expanduser(where))
        was_there = place in self._used and not anew
        try:
            # It may be on a disk that will be back, and would hide what is made here now.
            repository = open_repository(where, create=create and not was_there)
        except StoreError as error:
            raise gone(place) if was_there and error.errno == errno.ENOENT else error from None
        if create:
            self._used.add(place)
        return repository


def split_reference(text: str) -> tuple[str, int | None]:
    """Split ``NAME[@VERSION]``.

    Returns
    -------
    name : str
    version : int or None
        None if there is none. Only digits after the last ``@`` are a version.
    """
    name, at, version = text.rpartition("@")
    if at and re.fullmatch("[0-9]{1,18}", version):
        return name, int(version)
    return text, None


def name_to_save(given: str, what: str = "a save") -> str:
    """Return a name that a user has given for what is to be saved.

    Raises
    ------
    SessionNameError
        If it says a version, or could not be told from one that does, or if no session can have it.
    """
    from .names import quote

    name, number = split_reference(given)
    if number is not None:
        raise SessionNameError(f"{given}: {what} makes its own version: give the name only{name and ', '}{name}")
    if given.endswith("@"):
        raise SessionNameError(f"{given}: a name cannot end in @, which stands before a version: give another")
    quote(given)
    return given


_MARK = re.compile("-[0-9a-f]{12}$")
_UNTYPED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What no session's name has, since nobody can type it."""
_VERSION_ALONE = re.compile("@[0-9]{1,18}")


def within(name: str, text: str) -> str:
    """Return what a reference means beside one to a session: ``@VERSION`` alone is a version of the same."""
    return name + text if is_version(text) else text


def is_version(text: str | None) -> bool:
    """Whether a reference is ``@VERSION`` alone."""
    return text is not None and _VERSION_ALONE.fullmatch(text) is not None


def whole_reference(text: str, namespace: Mapping[str, Any], running: str = "") -> str:
    """Return what ``@VERSION`` alone stands for, else the text itself.

    Parameters
    ----------
    text : str
    namespace : mapping of str to object
        As for `session_name`: it is a version of this notebook's own session.
    running : str
        The session that autosave saves to: then it is a version of that.

    Raises
    ------
    SessionNameError
        If no front end said which notebook this is.
    """
    if not is_version(text):
        return text
    try:
        return (running or session_name(namespace)) + text
    except SessionNameError:
        raise SessionNameError(
            f"{text}: this front end does not tell the notebook's name: give one, as in NAME{text}"
        ) from None


def found_as(repository: Repository, text: str, own: str) -> str:
    """Return the reference that a user means who looks for a session from within a notebook.

    Parameters
    ----------
    repository : Repository
    text : str
        ``@`` alone means the notebook's own session; so does the last part of its name, if no session has just that
        name, or is meant where it ends like a version. Anything else means itself.
    own : str
        The notebook's own session, ``""`` if that is not known.

    Raises
    ------
    SessionNameError, SessionNotFoundError
        If ``@`` means nothing.
    """
    if text == "@":
        if not own:
            raise SessionNameError("@: this front end does not tell the notebook's name: give the session's")
        check_saved(repository, own)
        return own
    name = split_reference(text)[0]
    if not own or name == own:
        return text
    parts, names = _last_parts(own), repository.names()
    if name not in parts and text in parts and name not in names:
        name = text  # the notebook report@2, whose name looks like a version of another
    if name not in parts:
        return text
    return own + text.removeprefix(name) if own in names and name not in names else text


def _last_parts(name: str) -> set[str]:
    """Return the last part of a notebook's session, also without the mark of a name that was not taken as it is."""
    last = name.rpartition("/")[2]
    return {last, _MARK.sub("", last)} if last == name else {last}


def session_name(namespace: Mapping[str, Any], command: str = "%save_session") -> str:
    """Return the name of the session that a notebook is saved to and loaded from when the user gives none.

    Parameters
    ----------
    namespace : mapping of str to object
        Where front ends leave the notebook's path: ``__session__`` (Jupyter; also in the environment variable
        ``JPY_SESSION_NAME``) or ``__vsc_ipynb_file__`` (VS Code).
    command : str
        What the user typed, for the error.

    Raises
    ------
    SessionNameError
        If no front end said which notebook this is.
    """
    for found in (
        namespace.get("__session__"),
        os.environ.get("JPY_SESSION_NAME"),
        namespace.get("__vsc_ipynb_file__"),
    ):
        if isinstance(found, str) and found.strip():
            return name_of_notebook(found)
    raise SessionNameError(f"this front end does not tell the notebook's name: give one, as in {command} NAME")


def name_of_notebook(path: str) -> str:
    """Return a short name that differs for notebooks of the same name in different directories.

    Parameters
    ----------
    path : str
        A whole path becomes its part below the home directory, anything else stays; ``.ipynb`` is left out.

    Returns
    -------
    str
        One under which can be saved: what is too long, or cannot name a session (``report@2``), becomes its last part
        and a mark that tells it from others.
    """
    name = path
    if os.path.isabs(path):
        place = Path(path).resolve()
        name = str(place)
        # A home directory that cannot be found out is not worth an error here.
        with contextlib.suppress(ValueError, RuntimeError):
            name = str(place.relative_to(Path.home().resolve()))
    name = name.removesuffix(".ipynb").replace(os.sep, "/")
    whole = name.encode("utf-8", "surrogateescape")
    if len(whole) <= _LONGEST_NAME and _can_be_saved(name):
        return name
    from blake3 import blake3

    last = _UNTYPED.sub("_", name.rpartition("/")[2]).encode("utf-8", "replace")
    mark = blake3(whole).hexdigest(length=6)
    return f"{last[: _LONGEST_NAME - len(mark) - 1].decode('utf-8', 'ignore')}-{mark}"


def _can_be_saved(name: str) -> bool:
    """Whether a session can have a name: one that ends as a version does, or holds a line break, is none."""
    from .names import quote

    try:
        quote(name)
    except SessionNameError:
        return False
    return True


@contextlib.contextmanager
def suggesting(repository: Repository, name: str) -> Iterator[None]:
    """Make the error for a name that is not there begin with the names that look like it."""
    try:
        yield
    except SessionNotFoundError as error:
        names = repository.names()
        known, at, version = name.rpartition("@")
        if at and known in names and name not in names:
            raise SessionNotFoundError(
                f"no session {name!r} in {repository.store.url}: if you mean {known!r}, {version!r} is no version, "
                f"since versions are numbers: give one, such as {typed(f'{known}@{repository.versions(known)[-1]}')}"
            ) from error
        close = [] if name in names else _resembling(name, names)
        such = typed(f"{known}@1")
        numbers = f"; if {version!r} is to be a version: it is a number, as in {such}" if at and known else ""
        if not close:
            raise (SessionNotFoundError(f"{error}{numbers}") if numbers and name not in names else error) from None
        meant = " or ".join(map(repr, close))
        line = f"no session {name!r} in {repository.store.url}: did you mean {meant}?"
        raise SessionNotFoundError(f"{line} It holds {plural(len(names), 'session')}{numbers}") from error


def check_saved(repository: Repository, name: str) -> None:
    """Say of this notebook's session, which the user need not have named, that nothing is saved as it.

    Raises
    ------
    SessionNotFoundError
        If that is so.
    """
    if not repository.versions(name):
        others = plural(len(repository.names()), "session")
        raise SessionNotFoundError(
            f"nothing is saved for this notebook yet ({name!r}): %save_session saves it; "
            f"%sessions lists what else is there, {others}"
        )


def _resembling(name: str, names: list[str]) -> list[str]:
    # Imported late: only a mistake needs it, and %load_ext should cost little.
    from difflib import get_close_matches

    folded: dict[str, list[str]] = {}
    for known in names:
        folded.setdefault(known.casefold(), []).append(known)
    alike = [known for close in get_close_matches(name.casefold(), folded) for known in folded[close]]
    last = name.casefold().rpartition("/")[2]
    same = [known for known in names if known.casefold().rpartition("/")[2] == last]
    return list(dict.fromkeys([*same, *alike]))[:3]


def completions(repository: Repository, token: str, *, versions: bool, own: str = "") -> list[str]:
    """Return what a half-typed ``NAME[@VERSION]`` can become.

    Parameters
    ----------
    repository : Repository
    token : str
        Without quotes.
    versions : bool
        Whether versions are meant, too; they are offered once the token holds a whole name and ``@``.
    own : str
        The session that ``@`` alone stands for.
    """
    names = [name for name in repository.names() if name.startswith(token)]
    name, at, start = token.rpartition("@")
    if versions and at:
        whole = name or own
        found = reversed(repository.versions(whole)) if whole in repository.names() else ()
        names += [f"{name}@{v}" for v in found if str(v).startswith(start)]
    return names
