"""Where the host's executable is."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Union

from .errors import ExecutableNotFound

Path = Union[str, "os.PathLike[str]"]

#: Names the executable in the environment.
VARIABLE = "SALLYPORT"
NAME = "sallyport"


def find_executable(executable: Path | None = None) -> str:
    """The path of the executable: the given one, $SALLYPORT, the wheel's own, or one on PATH.

    Raises `ExecutableNotFound`, which says what to do.
    """
    if executable is not None:
        return _checked(os.fspath(executable), "the argument `executable`")
    named = os.environ.get(VARIABLE)
    if named:
        return _checked(named, f"${VARIABLE}")
    own = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", NAME)
    if os.access(own, os.X_OK):
        return own
    found = shutil.which(NAME)
    # The wheel's script of this name ends up here itself; it must not find itself.
    if found is not None and not os.path.samefile(found, _script()):
        return found
    raise ExecutableNotFound(
        "There is no sallyport executable: not in this package, since it was not installed from a "
        f"wheel that carries one, and not on PATH. Build it with `swift build -c release --product "
        f"sallyport` and name it in ${VARIABLE} or as Host(executable=…), or install the wheel."
    )


def _checked(path: str, origin: str) -> str:
    """A path, or a name that is looked for on PATH, as a shell would take it."""
    found = shutil.which(path)
    if found is None:
        raise ExecutableNotFound(f"{path}, from {origin}, is not a file that can be executed.")
    return found


def _script() -> str:
    script = sys.argv[0] if sys.argv else ""
    return script if os.path.exists(script) else os.devnull
