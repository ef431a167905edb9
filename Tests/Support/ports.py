"""A TCP port for a program that has to be given one."""

from __future__ import annotations

import random
import socket

#: Below the ports that the system gives to sockets which ask for none: between the look and the use
#: nobody else is given it.
CANDIDATES = range(10_000, 32_000)


def free_port() -> int:
    """A port on which nobody listens, at random so that test processes do not meet."""
    choose = random.SystemRandom().choice
    for _ in range(1_000):
        port = choose(CANDIDATES)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            pass
    raise AssertionError("no free port below 32,000")
