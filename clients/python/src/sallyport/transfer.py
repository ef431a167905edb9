"""The directory through which content that is too long for a line reaches a host."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading

_lock = threading.Lock()
_path: str | None = None


def transfer_directory() -> str:
    """A private directory of this process. Its hosts may read files below it, and no others."""
    global _path
    with _lock:
        if _path is None:
            _path = tempfile.mkdtemp(prefix="sallyport-")
            atexit.register(_remove, os.getpid(), _path)
        return _path


def _remove(process: int, path: str) -> None:
    # A fork runs it, too.
    if os.getpid() == process:
        shutil.rmtree(path, ignore_errors=True)


def _forget() -> None:
    """After a fork: the directory belongs to the other process."""
    global _lock, _path
    _lock, _path = threading.Lock(), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
