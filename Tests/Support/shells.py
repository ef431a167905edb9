"""Interactive shells with the completion of sallyport, on a pseudoterminal: a test types, and sees the words
that the shell would pass."""

from __future__ import annotations

import fcntl
import os
import pathlib
import pty
import select
import shlex
import shutil
import subprocess
import termios
import time

import pytest
from Support.host import EXECUTABLE, TIMEOUT, environment, eventually

PROMPT = "ready> "

#: How each shell starts: its words, and the files of its home directory.
BASH = f"PS1='{PROMPT}'\nbind 'set enable-bracketed-paste off'\nsource <(sallyport completion bash)\n"
ZSH = f"PROMPT='{PROMPT}'\nunsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste\n" \
      "autoload -Uz compinit; compinit -u -D\nsource <(sallyport completion zsh)\n"
FISH = f"function fish_prompt; printf '{PROMPT}'; end\nsallyport completion fish | source\n"

SHELLS = {
    "bash": (["bash", "--noprofile", "--rcfile", "rc", "-i"], {"rc": BASH}),
    "zsh": (["zsh", "-i"], {".zshrc": ZSH}),
    "fish": (["fish", "--no-config", "-i", "-C", FISH], {}),
}


def need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed (Debian: {program})")


class Shell:
    """A directory with a `sallyport` that records its words, and shells that find it."""

    def __init__(self, name: str, home: pathlib.Path, **more: str) -> None:
        need(name)
        self.name = name
        self.home = home
        self.result = home / "result"
        programs = home / "programs"
        programs.mkdir()
        wrapper = programs / "sallyport"
        wrapper.write_text(
            f"#!/bin/sh\ncase $1 in __complete | completion) exec {shlex.quote(str(EXECUTABLE))} \"$@\" ;; esac\n"
            f"for word in \"$@\"; do printf '%s\\0' \"$word\"; done > {self.result}.new\n"
            f"mv {self.result}.new {self.result}\n")
        wrapper.chmod(0o755)
        words, files = SHELLS[name]
        for file, text in files.items():
            (home / file).write_text(text)
        self.words = words
        self.environment = environment({
            "HOME": str(home), "ZDOTDIR": str(home), "PATH": f"{programs}:{os.environ['PATH']}", "TERM": "xterm",
            "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home), "LC_ALL": "C.UTF-8", **more})

    def completed(self, typed: str) -> list[str]:
        """The words of a command line after a tab and a return."""
        self.result.unlink(missing_ok=True)
        controller, terminal = pty.openpty()
        process = subprocess.Popen(
            self.words, stdin=terminal, stdout=terminal, stderr=terminal, cwd=self.home, env=self.environment,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(terminal)
        seen = b""
        try:
            deadline = time.monotonic() + TIMEOUT
            while PROMPT.encode() not in seen:
                assert time.monotonic() < deadline, seen
                if select.select([controller], [], [], 0.2)[0]:
                    seen += os.read(controller, 65_536)
            os.write(controller, typed.encode() + b"\t\r")

            def has_result() -> bool:
                while select.select([controller], [], [], 0)[0]:
                    os.read(controller, 65_536)
                return self.result.exists()

            eventually(has_result, f"{self.name} runs {typed!r}")
        finally:
            process.kill()
            process.wait()
            os.close(controller)
        return self.result.read_bytes().decode().split("\0")[:-1]
