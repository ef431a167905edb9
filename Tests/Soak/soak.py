#!/usr/bin/env python3
"""Mixed load against the emulated vendors, with faults at every layer.

    python3 Tests/Soak/soak.py [--minutes 20] [--rate 150] [--seed N]

Three hosts share a state directory. All integrations are called: reads, streams, dry runs, batches, changes
with and without idempotency keys, cancels, files, connections of callers, invalid lines. The vendor injects
faults and is killed, a proxy drops connections, and one of the hosts is killed again and again.

The run fails if an id is not answered exactly once, if the vendors' data differ from the model, if a
change was applied twice, or if memory or descriptors of a host grow.
"""

from __future__ import annotations

import argparse
import collections
import json
import pathlib
import queue
import random
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from model import Scope, Write, outcome  # noqa: E402
from proxy import Proxy  # noqa: E402
from Support.host import EXECUTABLE, Process, request, run  # noqa: E402
from Support.ports import free_port  # noqa: E402
from Support.sandbox import Sandbox  # noqa: E402

FAULTS = [
    "coda: 429 every 9 retry-after 1", "coda: 503 every 7", "coda: slow 150ms", "coda: drop body every 11",
    "coda: reset every 13", "coda: garbage every 17", "coda: expired token every 19", "coda-auth: 503 every 3",
    "gravityzone: 429 every 9 retry-after 1", "gravityzone: reset every 8", "gravityzone: drop body every 9",
    "gravityzone: slow 100ms", "gravityzone: garbage every 15", "gmail: 503 every 8", "gmail: reset every 9",
    "gmail: drop body every 10", "gmail: 403 userRateLimitExceeded every 12 retry-after 1", "gmail: slow 100ms",
    "gmail-auth: 503 every 4",
]  # fmt: skip
#: The limits of the real vendor allow too few calls for a load.
NO_LIMITS = ["gravityzone: no rate limits"]
TIMEOUT_MS = 8_000
WINDOW = 24
CONNECTIONS = {"coda_footprint": "coda_sandbox", "bitdefender_gravityzone": "gravityzone_sandbox",
               "gmail": "gmail_sandbox"}  # fmt: skip
#: Megabytes and descriptors by which a host may grow after its warm-up.
MEMORY_MIB, DESCRIPTORS = 32, 16


class Emulator:
    """`sallyport sandbox` on one port; it can be killed."""

    def __init__(self) -> None:
        self.port = free_port()
        self.kills = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [EXECUTABLE, "sandbox", "--port", str(self.port)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        assert self.process.stdout
        self.document = json.loads(self.process.stdout.readline())
        self.control = Sandbox(base=f"http://127.0.0.1:{self.port}")
        self.control.faults(*NO_LIMITS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.kills += 1


class Host:
    """One host, and the requests that it has not answered."""

    def __init__(self, name: str, words: list[str], answers: queue.SimpleQueue[Any]) -> None:
        self.name = name
        self.words = words
        self.answers = answers
        self.pending: dict[str, dict[str, Any]] = {}
        #: Invalid lines; their errors have no id.
        self.nulls = 0
        self.starts = 0
        self.start()

    def start(self) -> None:
        self.starts += 1
        generation = self.starts
        self.process = Process(
            "serve", *self.words, takes_partial=False,
            take=lambda line: self.answers.put((self, generation, line)))  # fmt: skip

    def send(self, id: str, message: Any, info: dict[str, Any]) -> None:
        self.pending[id] = info
        self.process.send(message)

    def kill(self) -> list[dict[str, Any]]:
        """Returns what it was asked and did not answer."""
        self.process.process.send_signal(signal.SIGKILL)
        self.process.kill()
        lost, self.pending, self.nulls = list(self.pending.values()), {}, 0
        return lost

    @property
    def memory_mib(self) -> float:
        status = pathlib.Path(f"/proc/{self.process.process.pid}/status").read_text()
        [line] = [each for each in status.splitlines() if each.startswith("VmRSS:")]
        return int(line.split()[1]) / 1024

    @property
    def descriptors(self) -> int:
        return len(list(pathlib.Path(f"/proc/{self.process.process.pid}/fd").iterdir()))


class Soak:
    def __init__(self, folder: pathlib.Path, seed: int, rate: float) -> None:
        self.random = random.Random(seed)
        self.rate = rate
        self.emulator = Emulator()
        self.proxy = Proxy(self.emulator.port, seed)
        document = json.dumps(self.emulator.document).replace(
            f"127.0.0.1:{self.emulator.port}", f"127.0.0.1:{self.proxy.port}")
        connections = json.loads(document)["connections"]
        many = {"requests": 1_000, "per_seconds": 1}
        connections["gravityzone_sandbox"]["rate_limits"] = {"default": many, "tasks": many}
        self.inline = connections["coda_sandbox"]
        file = folder / "connections.json"
        file.write_text(json.dumps({"connections": connections}))
        file.chmod(0o600)
        self.samples = self.all_samples()
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()
        words = ["--connections", str(file), "--state-dir", str(folder / "state"), "--log-level", "error"]
        self.hosts = [
            Host(f"host {number}", [*words, "--audit", str(folder / f"audit-{number}.jsonl")], self.answers)
            for number in range(3)]
        self.writes: list[Write] = []
        self.again: list[Write] = []
        self.scopes = [Scope(target, {"in"}) for target in (7001, 7002, 7003)]
        self.counts: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []
        self.measures: dict[str, list[tuple[float, int]]] = collections.defaultdict(list)
        self.number = 0

    def all_samples(self) -> list[tuple[dict[str, Any], str]]:
        """The parameters of one call of each command, with its effect."""
        samples = []
        self.paged = set()
        for integration in json.loads(run("capabilities", "--json").output)["integrations"]:
            for command in integration["commands"]:
                [line] = run("sample", integration["id"], command["id"]).lines
                params = json.loads(line)["params"]
                params["connection"] = CONNECTIONS[integration["id"]]
                samples.append((params, command["effect"]))
                if command["pages"]:
                    self.paged.add((integration["id"], command["id"]))
        return samples

    # Sending

    def id(self) -> str:
        self.number += 1
        return f"soak-{self.number}"

    def call(self, host: Host, params: dict[str, Any], **info: Any) -> None:
        id = self.id()
        options = params.setdefault("options", {})
        options.setdefault("timeout_ms", TIMEOUT_MS)
        host.send(id, request(id, "invoke", params), {"what": "invoke", "params": params, **info})

    def sample(self, *, is_dry: bool) -> dict[str, Any]:
        effect = None
        while effect is None or not is_dry and effect != "read":
            params, effect = self.random.choice(self.samples)
        return {**params, "arguments": dict(params["arguments"]), "options": {"dry_run": is_dry}}

    def send_any(self, host: Host) -> None:
        kinds = {"read": 30, "dry": 20, "stream": 8, "write": 16, "again": 6, "scope": 4, "batch": 6, "cancel": 8,
                 "control": 8, "file": 4, "connection": 4, "invalid": 2}  # fmt: skip
        kind = self.random.choices(list(kinds), list(kinds.values()))[0]
        self.counts[kind] += 1
        getattr(self, f"send_{kind}")(host)

    def is_paged(self, params: dict[str, Any]) -> bool:
        return (params["integration"], params["command"]) in self.paged

    def send_read(self, host: Host) -> None:
        params = self.sample(is_dry=False)
        params["options"]["all_pages"] = self.is_paged(params) and self.random.random() < 0.3
        if self.random.random() < 0.1:
            params["options"]["timeout_ms"] = self.random.randint(1, 300)
        self.call(host, params)

    def send_dry(self, host: Host) -> None:
        self.call(host, self.sample(is_dry=True))

    def send_stream(self, host: Host) -> None:
        params = self.sample(is_dry=False)
        params["options"] |= {
            "stream": True, "all_pages": self.is_paged(params), "progress": True}
        self.call(host, params)

    def send_write(self, host: Host) -> None:
        name = f"soak{self.random.getrandbits(64):016x}"
        kind, params = self.random.choice([
            ("mail", {"integration": "gmail", "command": "send_email", "arguments": {
                "sender_email": "soc@harbor.example", "subject": name, "to_recipients": ["fiona@harbor.example"]}}),
            ("scan", {"integration": "bitdefender_gravityzone", "command": "create_scan_task", "arguments": {
                "scan_name": name, "endpoint_ids": ["6affe1e0b1a43d0003000001"]}}),
        ])  # fmt: skip
        key = f"key-{name}" if self.random.random() < 0.7 else None
        write = Write(kind, name, params, key, self.emulator.kills)
        self.writes.append(write)
        self.attempt(host, write)

    def attempt(self, host: Host, write: Write) -> None:
        write.attempts += 1
        params = json.loads(json.dumps(write.arguments))
        params["connection"] = CONNECTIONS[params["integration"]]
        params["options"] = {"idempotency_key": write.key} if write.key else {}
        self.call(host, params, write=write)

    def send_again(self, host: Host) -> None:
        """The same key once more, often on another host."""
        if self.again:
            self.attempt(host, self.again.pop(0))

    def send_scope(self, host: Host) -> None:
        free = [scope for scope in self.scopes if scope.in_flight is None]
        if not free:
            return
        scope = self.random.choice(free)
        scope.in_flight, scope.vendor = self.random.choice(["in", "out"]), self.emulator.kills
        self.call(host, {
            "integration": "coda_footprint", "command": "update_target_scan_scope", "connection": "coda_sandbox",
            "arguments": {"target_id": scope.target, "scope": scope.in_flight}}, scope=scope)  # fmt: skip

    def send_batch(self, host: Host) -> None:
        ids = [self.id() for _ in range(self.random.randint(1, 6))]
        calls = []
        for id in ids:
            method, params = "ping", None
            if self.random.random() < 0.7:
                method, params = "invoke", self.sample(is_dry=self.random.random() < 0.5)
                params["options"]["timeout_ms"] = TIMEOUT_MS
            calls.append(request(id, method, params))
            host.pending[id] = {"what": "batch"}
        host.process.send(calls)

    def send_cancel(self, host: Host) -> None:
        running = [id for id, info in host.pending.items() if info["what"] == "invoke"]
        if running:
            id = self.id()
            host.send(id, request(id, "cancel", {"id": self.random.choice(running)}), {"what": "cancel"})

    def send_control(self, host: Host) -> None:
        method, params = self.random.choice([
            ("ping", None), ("stats", None), ("limits", None), ("connections/list", None), ("files/list", None),
            ("capabilities", {"detail": "summary"}), ("no/such/method", None)])  # fmt: skip
        id = self.id()
        host.send(id, request(id, method, params), {"what": method})

    def send_file(self, host: Host) -> None:
        id = self.id()
        host.send(id, request(id, "files/put", {"name": "soak.txt", "content_base64": "c29hawo=", "source": "playbook_file"}), {"what": "put"})

    def send_connection(self, host: Host) -> None:
        name = f"put{self.random.randint(0, 9)}"
        put, remove = self.id(), self.id()
        settings = {**self.inline["settings"], "password": f"secret-{self.random.randint(0, 99)}"}
        connection = {**self.inline, "settings": settings}
        host.send(put, request(put, "connections/put", {"name": name, "connection": connection}), {"what": "put"})
        host.send(remove, request(remove, "connections/remove", {"name": name}), {"what": "remove"})

    def send_invalid(self, host: Host) -> None:
        host.nulls += 1
        host.process.send(self.random.choice([b"{", b"[]", b"\xff\xfe", b'{"jsonrpc":"2.0","id":1,"method":', b"nul"]))

    # Receiving

    def take(self, seconds: float) -> None:
        """Handles the answers that came, and waits this long for more."""
        end = time.monotonic() + seconds
        while True:
            try:
                host, generation, line = self.answers.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return
            if generation != host.starts:
                continue
            if line is None:
                self.problems.append(f"{host.name} ended: {host.process.errors[-2_000:]}")
                host.pending, host.nulls = {}, 0
                raise KeyboardInterrupt
            message = json.loads(line)
            for one in message if isinstance(message, list) else [message]:
                if "method" not in one:
                    self.settle(host, one)

    def settle(self, host: Host, response: dict[str, Any]) -> None:
        id = response["id"]
        self.counts["answers"] += 1
        if id is None:
            host.nulls -= 1
            if host.nulls < 0:
                self.problems.append(f"{host.name}: an error without a line: {response}")
            return
        info = host.pending.pop(id, None)
        if info is None:
            self.problems.append(f"{host.name}: {id} is answered twice, or was never asked")
            return
        error = response.get("error", {})
        kind = error.get("data", {}).get("kind") if isinstance(error.get("data"), dict) else None
        self.counts[f"{info['what']}: {kind or error.get('code', 'ok')}"] += 1
        if kind == "internal" or error.get("code") == -32603:
            self.problems.append(f"{host.name}: {info.get('params')}: {error}")
        for changed in ("write", "scope"):
            if changed in info:
                info[changed].note(outcome(response), self.emulator.kills)
        write = info.get("write")
        if write and write.key and write.attempts < 4 and self.random.random() < 0.4:
            self.again.append(write)
        for file in response.get("result", {}).get("files", []) if isinstance(response.get("result"), dict) else []:
            self.remove_file(host, file["file_id"])
        if info["what"] == "put" and "file_id" in response.get("result", {}):
            self.remove_file(host, response["result"]["file_id"])

    def remove_file(self, host: Host, file: str) -> None:
        id = self.id()
        host.send(id, request(id, "files/remove", {"file_id": file}), {"what": "files/remove"})

    # Faults

    def kill_host(self, host: Host) -> None:
        for info in host.kill():
            if "write" in info:
                info["write"].note("unknown", self.emulator.kills)
                if info["write"].key:
                    self.again.append(info["write"])
            if "scope" in info:
                info["scope"].note("unknown", self.emulator.kills)
        self.counts["killed hosts"] += 1
        host.start()

    def kill_emulator(self) -> None:
        self.emulator.kill()
        for write in self.writes:
            write.forget_vendor()
        for scope in self.scopes:
            # The data of the start; an answer that is still due does not count for the new emulator.
            scope.possible = {"in", "out"}
        self.take(1.0)
        self.emulator.start()
        self.counts["killed emulators"] += 1

    def change_faults(self) -> None:
        faults = self.random.sample(FAULTS, self.random.randint(0, 3))
        self.emulator.control.faults(*NO_LIMITS, *faults)
        self.proxy.drops = self.random.choice([0.0, 0.05, 0.2])

    # Checking

    def quiesce(self) -> None:
        """Waits until everything is answered, without faults."""
        self.emulator.control.faults(*NO_LIMITS)
        self.proxy.drops = 0.0
        end = time.monotonic() + 120
        while any(host.pending or host.nulls for host in self.hosts) and time.monotonic() < end:
            self.take(0.2)
        for host in self.hosts:
            if host.pending or host.nulls:
                unanswered = {id: info["what"] for id, info in list(host.pending.items())[:5]}
                self.problems.append(f"{host.name}: not answered: {unanswered}, {host.nulls} without id")

    def ask(self, integration: str, command: str, arguments: dict[str, Any]) -> Any:
        """A read on the first host, when nothing else is in flight."""
        host, id = self.hosts[0], self.id()
        params = {"integration": integration, "command": command, "connection": CONNECTIONS[integration],
                  "arguments": arguments, "options": {"all_pages": True, "timeout_ms": 60_000}}  # fmt: skip
        host.process.send(request(id, "invoke", params))
        while True:
            _, _, line = self.answers.get(timeout=90)
            message = json.loads(line)
            if isinstance(message, dict) and message.get("id") == id:
                return message["result"]["raw_data"]

    def compare(self) -> None:
        """The vendors' data with the model."""
        names: collections.Counter[str] = collections.Counter()
        tasks = self.ask("bitdefender_gravityzone", "list_scan_tasks", {})
        names.update(task["name"] for task in tasks["result"]["items"] if task["name"].startswith("soak"))
        for write in (write for write in self.writes if write.kind == "mail"):
            filter = {"user_email": "soc@harbor.example", "filter": f"subject:{write.name}"}
            names[write.name] = len(self.ask("gmail", "search_emails", filter).get("messages", []))
        for write in self.writes:
            count = names.pop(write.name, 0)
            if not write.least <= count <= write.most:
                self.problems.append(f"{write}: applied {count} times")
        for name, count in names.items():
            if count:
                self.problems.append(f"{name} was never sent and is there")
        surfaces = self.ask("coda_footprint", "list_scan_surfaces", {})
        found = {one["id"]: one for one in walk(surfaces) if "isTargetStopped" in one}
        for scope in self.scopes:
            value = "out" if found[scope.target]["isTargetStopped"] else "in"
            if value not in scope.possible:
                self.problems.append(f"{scope}: the vendor has {value}")
        self.counts["compared writes"] += len(self.writes)
        self.counts["compared writes: applied once"] += sum(write.least for write in self.writes)
        self.counts["compared writes: never applied"] += sum(not write.most for write in self.writes)
        self.writes.clear()
        self.again.clear()

    def measure(self) -> None:
        for host in self.hosts:
            self.measures[f"{host.name}, start {host.starts}"].append((host.memory_mib, host.descriptors))

    def judge_measures(self) -> None:
        for name, measures in self.measures.items():
            # The first one is taken after a warm-up with all kinds of calls.
            if len(measures) < 2:
                continue
            (memory, descriptors), (last_memory, last_descriptors) = measures[0], measures[-1]
            if last_memory - memory > MEMORY_MIB:
                self.problems.append(f"{name}: memory grew from {memory:.0f} to {last_memory:.0f} MiB")
            if last_descriptors - descriptors > DESCRIPTORS:
                self.problems.append(f"{name}: descriptors grew from {descriptors} to {last_descriptors}")

    # The run

    def round(self, seconds: float) -> None:
        """Load with faults, then a check of everything."""
        end = time.monotonic() + seconds
        due = {"faults": 0.0, "kill": time.monotonic() + min(15.0, seconds / 3)}
        while (now := time.monotonic()) < end:
            if now >= due["faults"]:
                due["faults"] = now + 4.0
                self.change_faults()
            if now >= due["kill"]:
                due["kill"] = now + 15.0
                self.kill_host(self.hosts[2])
            for host in self.hosts:
                if len(host.pending) < WINDOW:
                    self.send_any(host)
            self.take(len(self.hosts) / self.rate)
        self.quiesce()
        self.compare()
        time.sleep(1.0)
        self.measure()

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        length = max(5.0, min(60.0, seconds / 3))
        while time.monotonic() < end and not self.problems:
            self.round(min(length, end - time.monotonic() + 1))
            if time.monotonic() < end and not self.problems:
                # With calls in flight.
                for host in self.hosts:
                    for _ in range(5):
                        self.send_any(host)
                self.kill_emulator()
        self.judge_measures()

    def close(self) -> None:
        for host in self.hosts:
            host.process.kill()
        self.emulator.kill()
        self.proxy.stop()


def walk(value: Any) -> Any:
    """All objects in a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=20)
    arguments.add_argument("--rate", type=float, default=150, help="messages per second")
    arguments.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    given = arguments.parse_args()
    print(f"seed {given.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="sallyport-soak-") as folder:
        soak = Soak(pathlib.Path(folder), given.seed, given.rate)
        begin = time.monotonic()
        try:
            soak.run(given.minutes * 60)
        except KeyboardInterrupt:
            soak.problems.append("interrupted")
        finally:
            soak.close()
    print(f"{time.monotonic() - begin:.0f} s, {soak.proxy.dropped} dropped connections")
    for name, count in sorted(soak.counts.items()):
        print(f"{count:8d} {name}")
    for name, measures in soak.measures.items():
        if len(measures) > 1:
            shown = ", ".join(f"{memory:.0f} MiB/{descriptors}" for memory, descriptors in measures)
            print(f"{name}: {shown}")
    for problem in soak.problems[:20]:
        print(f"PROBLEM {problem}")
    print("failed" if soak.problems else "passed")
    return 1 if soak.problems else 0


if __name__ == "__main__":
    sys.exit(main())
