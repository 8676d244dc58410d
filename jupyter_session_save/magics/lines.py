"""What the magics do with a line: parse it, and let a failure cost one line and never a traceback."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic_arguments import argument, parse_argstring
from IPython.utils.process import arg_split  # type: ignore[attr-defined]

from ..catalog import is_version
from ..errors import SessionError, SessionNameError, SessionNotFoundError
from ..limits import usual_limit


def unquoted(text: str) -> str:
    """Return an argument without the quotes around it, which IPython's splitting leaves on."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def parsed(magic: Callable[..., Any], line: str, advice: str = "quote what has blanks, as in -m 'first try'") -> Any:
    """Parse a line, less the semicolon of habit at its end; None if it asked for help, which is then printed.

    Parameters
    ----------
    magic : callable
    line : str
    advice : str
        What to do if there are more words than the magic takes.
    """
    line = line.rstrip().removesuffix(";")
    try:
        # IPython's parsers know no --help of their own; a quoted "-h" keeps its quotes here and is none.
        if {"-h", "--help"}.intersection(arg_split(line)):
            print(inspect.getdoc(magic))
            return None
        return parse_argstring(magic, line)
    except ValueError as error:
        raise UsageError(f"{error}: {line.strip()}") from None
    except UsageError as error:
        kind = _KINDS.get(str(error).partition(": invalid ")[2].partition(" value: ")[0], "")
        left = str(error).partition("unrecognized arguments: ")[2]
        if not left and not kind:
            raise
        if kind:
            advice = f"{kind} is expected"
        elif left.startswith("-"):
            advice = _nearest_option(magic, left.split()[0].partition("=")[0])
        elif is_version(left):
            advice = f"write a version without a blank before it, as in NAME{left}"
        raise UsageError(f"{error}: {advice}") from None


_KINDS = {"int": "a whole number", "float": "a number"}


def _nearest_option(magic: Callable[..., Any], given: str) -> str:
    """Say which option may have been meant, or which there are."""
    # Imported late: only a mistake needs it, and %load_ext should cost little.
    from difflib import get_close_matches

    options = [o for action in magic.parser._actions for o in action.option_strings]  # type: ignore[attr-defined]
    close = get_close_matches(given, options, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"its options are {', '.join(options)}" if options else "it takes no options"


def patterns(verb: str) -> Callable[[Any], Any]:
    """Give a magic the options that choose names."""
    taking: dict[str, Any] = {"nargs": "+", "action": "extend", "type": unquoted, "default": [], "metavar": "PATTERN"}
    only = argument("--only", **taking, help=f"{verb} only names that match, such as df_*")
    exclude = argument("--exclude", **taking, help="leave out names that match")
    # The one that is added last is shown first.
    return lambda magic: only(exclude(magic))


def refuse_contradictions(args: Any) -> None:
    """Refuse options of a load that exclude each other."""
    if args.prefix and args.into:
        raise UsageError("--prefix and --into exclude each other: give one")
    if args.no_overwrite and args.replace:
        raise UsageError("--no-overwrite and --replace exclude each other: give one")
    if args.replace and (args.only or args.exclude):
        raise UsageError(
            "--replace removes all other names, so it goes with neither --only nor --exclude: leave out one"
        )
    if args.rerun is not None and (args.prefix or args.into):
        raise UsageError("--rerun needs the variables under their own names: leave out --prefix and --into")


def swallowed(args: Any) -> str:
    """Return what to say of an error if the name may have become a pattern."""
    if args.name is not None or not (args.only or args.exclude):
        return ""
    return "; if you gave a name, put the name first: --only and --exclude take every word that follows"


@contextmanager
def one_line(if_interrupted: str, if_unknown: str = "") -> Iterator[None]:
    """Turn what a session refuses into one line; `if_unknown` is added where a name was not found.

    Of one within another the inner says what an interrupt came to.
    """
    try:
        with usual_limit():
            yield
    except (SessionNameError, SessionNotFoundError) as error:
        raise UsageError(" ".join(str(error).split()) + if_unknown) from None
    except SessionError as error:
        raise UsageError(" ".join(str(error).split())) from None
    except KeyboardInterrupt as stop:
        if hasattr(stop, "_render_traceback_"):
            raise
        _interrupt(f"interrupted: {if_interrupted}")


def _interrupt(line: str) -> NoReturn:
    """Stop the cell as an interrupt does, but show one line instead of our traceback."""
    stop = KeyboardInterrupt(line)
    # IPython asks every exception for this before it formats a traceback.
    stop._render_traceback_ = lambda: [line]  # type: ignore[attr-defined]
    raise stop from None
