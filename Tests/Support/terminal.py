"""What a program wrote to a pseudoterminal."""

from __future__ import annotations

import os


def read_to_end(controller: int) -> str:
    """Everything up to the end, once nobody has the terminal open; closes the controller.

    A single `read` returns as much as the system has passed on so far, which may be a part.
    """
    data = b""
    try:
        while piece := os.read(controller, 1 << 16):
            data += piece
    except OSError:
        pass  # EIO: the end of a terminal.
    os.close(controller)
    return data.decode()
