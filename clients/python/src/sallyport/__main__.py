"""`python -m sallyport` is `sallyport`."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from .errors import ExecutableNotFound
from .executable import find_executable


def main() -> NoReturn:
    try:
        executable = find_executable()
    except ExecutableNotFound as error:
        sys.exit(f"sallyport: {error}")
    os.execv(executable, [executable, *sys.argv[1:]])


if __name__ == "__main__":
    main()
