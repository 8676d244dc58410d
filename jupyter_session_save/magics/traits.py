"""What a change of a trait does, beyond that its value counts from then on, and what is said of one that is wrong.

Invariant: a value that is refused leaves the trait, and what follows it, as they were.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from IPython.core.error import UsageError
from IPython.core.magic import Magics
from traitlets import TraitError

from ..errors import SessionError, SessionNameError
from .lines import one_line

if TYPE_CHECKING:
    from .autosave import AutosaveMagics
    from .session import SessionMagics


def switch(magics: AutosaveMagics | None, *, on: bool) -> None:
    """Follow the trait: without a name for the session, autosave stays off."""
    if magics is None:
        return
    if not on:
        magics.turn_off()
        return
    with contextlib.suppress(SessionError, OSError):
        magics.turn_on()


def move_store(magics: SessionMagics, before: str) -> None:
    """Let autosave go on in the store that counts now; where it cannot, it is the store before that counts."""
    follower = magics.follower
    if follower is None:
        return
    try:
        with one_line("SessionMagics.store is as it was"):
            follower.follow_store()
    except BaseException as error:
        magics.follower = None  # nothing has moved, so that there is nothing to go back with
        try:
            magics.store = before
        finally:
            magics.follower = follower
        if not isinstance(error, UsageError):
            raise
        raise UsageError(f"SessionMagics.store stays {before!r}, since autosave cannot go on there: {error}") from None


def checked_policy(policy: str) -> str:
    """Return what a trait says of the snapshots to keep; TraitError if it cannot be read."""
    from ..retention import parse

    try:
        if policy:
            parse(policy)
    except SessionNameError as error:
        raise TraitError(f"The 'autosave_keep' trait of SessionMagics cannot be read: {error}") from None
    return policy


def how_to_mend(magics: type[Magics], error: TraitError) -> str:
    """Say which trait of the user's configuration is wrong, and what to set it to."""
    traits = magics.class_own_traits(config=True)
    said = " ".join(str(error).split()).rstrip(".")
    name = next((name for name in traits if f"'{name}' trait" in said), "")
    if not name:
        return said
    value = traits[name].default_value
    trait = f"{magics.__name__}.{name}"
    return (
        f"{trait} is wrong: {said}; set get_ipython().config.{trait} = {value!r} (or mend ipython_config.py), then "
        "%load_ext jupyter_session_save"
    )
