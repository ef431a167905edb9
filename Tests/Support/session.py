"""A running `sallyport serve` whose answers are kept by their ids, for tests of commands."""

import contextlib
import json
import pathlib
import tempfile
import threading

from Support.host import TIMEOUT, Process

PATIENCE = TIMEOUT  # seconds that an answer is waited for
PASSWORD = "Correct-Horse-7"
USER = "operator@example.com"


def settings(url, **more):
    return {"server_url": url, "user_name": USER, "password": PASSWORD, **more}


def connection(url, **more):
    """A connection of CODA Footprint; `settings` given by name replace the usual ones."""
    own = more.pop("settings", {})
    return {"integration": "coda_footprint", "settings": settings(url, **own), **more}


class Host(Process):
    """`with Host(connection(upstream.url)) as host: host.result("list_scanners")`

    Leaving the context shuts the host down; after an exception it kills it.
    """

    def __init__(self, *connections, options=(), env=None, verb="serve"):
        self.directory = tempfile.TemporaryDirectory(prefix="sallyport-test-")
        self.path = pathlib.Path(self.directory.name)
        words = [verb, *options]
        #: Of the commands that are run.
        self.integration = connections[0]["integration"] if connections else "coda_footprint"
        if connections:
            names = ["main", *(f"other{number}" for number in range(1, len(connections)))]
            file = self.path / "connections.json"
            file.write_text(json.dumps({"connections": dict(zip(names, connections))}))
            words += ["--connections", str(file)]
        self.output = []  # every line of stdout, as bytes
        self.messages = []
        self.answers = {}
        self.changed = threading.Condition()
        self.ended = False
        self.sink = None  # gets each notification instead of `messages`
        self.keeps_output = True
        self.next_id = 1
        # A killed host leaves part of a line.
        super().__init__(
            *words, take=self._take, takes_partial=False, more_environment=env, directory=self.path)

    def __exit__(self, kind, *_):
        if kind is None:
            self.close()
        else:
            self.kill()

    def _take(self, line):
        message = None if line is None else json.loads(line)
        with self.changed:
            if line is None:
                self.ended = True
            else:
                if self.keeps_output:
                    self.output.append(line + b"\n")
                if "method" not in message:
                    self.answers[message["id"]] = (message, line)
                elif self.sink:
                    self.sink(message)
                else:
                    self.messages.append(message)
            self.changed.notify_all()

    @property
    def stderr(self):
        """So far; all of it after `close`."""
        return self.error_bytes

    def everything(self):
        """Shuts the host down; returns all of stdout and stderr."""
        self.close()
        return b"".join(self.output) + self.stderr

    # Sending

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
            assert here, f"no answer to {number}; stderr: {self.errors}"
            assert number in self.answers, f"it ended; stderr: {self.errors}"
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
        """Ends the input; returns the exit status. May be called again."""
        with contextlib.suppress(BrokenPipeError):
            self.close_input()
        try:
            return self.exit_code(PATIENCE)
        finally:
            self.kill()

    def kill(self):
        super().kill()
        self.directory.cleanup()

    def peak_mebibytes(self):
        return self.peak_memory_bytes / (1 << 20)
