"""Finds the host's executable."""

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
    """The path of the executable: the given one, $SALLYPORT, the wheel's, or one on PATH.

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
    # The wheel's script has this name and calls this function; it must not find itself.
    if found is not None and not os.path.samefile(found, _script()):
        return found
    raise ExecutableNotFound(
        "No sallyport executable: this package was not installed from a wheel that contains one, "
        f"and there is none on PATH. Build it with `sh Sources/build.sh` and set ${VARIABLE} or "
        "Host(executable=…), or install the wheel."
    )


def _checked(path: str, origin: str) -> str:
    """A path, or a name that is looked up on PATH, as a shell does."""
    found = shutil.which(path)
    if found is None:
        raise ExecutableNotFound(f"{path}, from {origin}, is not an executable file.")
    return found


def _script() -> str:
    script = sys.argv[0] if sys.argv else ""
    return script if os.path.exists(script) else os.devnull
