"""A running `sallyport serve`, spoken to over its pipes as any caller would."""

import contextlib
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXECUTABLE = os.environ.get("SALLYPORT", str(ROOT / ".build/release/sallyport"))
PATIENCE = 30  # seconds that an answer is waited for
PASSWORD = "Correct-Horse-7"
USER = "operator@example.com"
# What hosts share by default, away from the user's own.
STATE = tempfile.TemporaryDirectory(prefix="sallyport-state-")


def settings(url, **more):
    return {"server_url": url, "user_name": USER, "password": PASSWORD, **more}


def connection(url, **more):
    """A connection of CODA Footprint; `settings` given by name replace the usual ones."""
    own = more.pop("settings", {})
    return {"integration": "coda_footprint", "settings": settings(url, **own), **more}


def environment(**more):
    """The tests' environment without what would lead requests elsewhere."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith("_proxy") and not name.startswith("SALLYPORT")
    }
    return {**clean, "XDG_STATE_HOME": STATE.name, **more}


class Host:
    """`with Host(connection(upstream.url)) as host: host.result("list_scanners")`"""

    def __init__(self, *connections, options=(), env=None, verb="serve"):
        self.directory = tempfile.TemporaryDirectory(prefix="sallyport-test-")
        self.path = pathlib.Path(self.directory.name)
        arguments = [EXECUTABLE, verb, *options]
        #: Of the commands that are run.
        self.integration = connections[0]["integration"] if connections else "coda_footprint"
        if connections:
            names = ["main", *(f"other{number}" for number in range(1, len(connections)))]
            file = self.path / "connections.json"
            file.write_text(json.dumps({"connections": dict(zip(names, connections))}))
            arguments += ["--connections", str(file)]
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(**(env or {})),
            cwd=self.path,
        )
        self.output = []  # every line of stdout, as bytes
        self.stderr = b""
        self.messages = []
        self.answers = {}
        self.changed = threading.Condition()
        self.ended = False
        self.sink = None  # gets each notification instead of `messages`
        self.keeps_output = True
        self.next_id = 1
        self.threads = [
            threading.Thread(target=self.read_output, daemon=True),
            threading.Thread(target=self.read_stderr, daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            self.kill()

    def read_output(self):
        for line in self.process.stdout:
            if not line.endswith(b"\n"):
                break  # it was killed
            message = json.loads(line)
            with self.changed:
                if self.keeps_output:
                    self.output.append(line)
                if "method" in message:
                    if self.sink:
                        self.sink(message)
                    else:
                        self.messages.append(message)
                else:
                    self.answers[message["id"]] = (message, line)
                self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def read_stderr(self):
        for line in self.process.stderr:
            self.stderr += line

    # Speaking

    def send(self, message):
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(data + b"\n")
        self.process.stdin.flush()

    def request(self, method, params=None):
        """Sends a request; returns its id."""
        number = self.next_id
        self.next_id += 1
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})
        return number

    def start(self, command, arguments=None, connection=None, **options):
        """Sends an invoke; returns its id."""
        params = {"integration": self.integration, "command": command}
        if arguments is not None:
            params["arguments"] = arguments
        if connection is not None:
            params["connection"] = connection
        if options:
            params["options"] = options
        return self.request("invoke", params)

    def wait(self, number, patience=PATIENCE):
        """The answer to an id: its message and its line."""
        with self.changed:
            here = self.changed.wait_for(lambda: number in self.answers or self.ended, patience)
            assert here, f"no answer to {number}; stderr: {self.stderr.decode()}"
            assert number in self.answers, f"it ended; stderr: {self.stderr.decode()}"
            return self.answers[number]

    def call(self, method, params=None):
        message, _ = self.wait(self.request(method, params))
        assert "result" in message, message
        return message["result"]

    def answer(self, command, arguments=None, connection=None, **options):
        """The whole response to an invoke."""
        return self.wait(self.start(command, arguments, connection, **options))[0]

    def result(self, command, arguments=None, connection=None, **options):
        message = self.answer(command, arguments, connection, **options)
        assert "result" in message, message
        return message["result"]

    def failure(self, command, arguments=None, connection=None, **options):
        """`data` of the error that an invoke ends in."""
        message = self.answer(command, arguments, connection, **options)
        assert "error" in message, message
        return message["error"]["data"]

    def notifications(self, method, number):
        with self.changed:
            return [
                message["params"]
                for message in self.messages
                if message["method"] == method and message["params"]["id"] == number
            ]

    def seen(self, method, number):
        """Waits for the first notification of a kind; returns it."""
        with self.changed:
            found = self.changed.wait_for(
                lambda: any(
                    m["method"] == method and m["params"]["id"] == number for m in self.messages
                ),
                PATIENCE,
            )
        assert found, f"no {method} for {number}"
        return self.notifications(method, number)[0]

    def raw_data(self, number):
        """The text of raw_data in the answer to an id, byte for byte."""
        line = self.wait(number)[1].decode()
        start = line.index('"raw_data":') + len('"raw_data":')
        _, length = json.JSONDecoder().raw_decode(line[start:])
        return line[start : start + length]

    # Ending

    def close(self):
        """Ends the input; returns the exit status."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        status = self.process.wait(PATIENCE)
        for thread in self.threads:
            thread.join(PATIENCE)
        self.process.stdout.close()
        self.process.stderr.close()
        self.directory.cleanup()
        return status

    def kill(self):
        self.process.kill()
        self.close()

    def peak_mebibytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024


def run(*arguments, text="", env=None):
    """Runs the executable to its end."""
    return subprocess.run(
        [EXECUTABLE, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(**(env or {})),
    )


def until(condition, what):
    """Waits for what no message announces."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.01)
