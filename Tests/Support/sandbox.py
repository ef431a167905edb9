"""`sallyport sandbox` for tests: what it was asked, its faults, its clock."""

import json
import signal
import subprocess

import requests

from Support.session import EXECUTABLE, environment

CONTROL = {"X-Sandbox": "1"}


class Sandbox:
    """A process of its own, unless `base` is that of one inside a host."""

    def __init__(self, base=None):
        self.process = None
        if base is None:
            self.process = subprocess.Popen(
                [EXECUTABLE, "sandbox"], stdout=subprocess.PIPE, env=environment()
            )
            self.document = json.loads(self.process.stdout.readline())
            self.connection = self.document["connections"]["coda_sandbox"]
            self.gravityzone = self.document["connections"]["gravityzone_sandbox"]
            base = self.connection["settings"]["server_url"]
        self.base = base
        self.forgotten = 0

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(10) == 0
        self.process.stdout.close()

    def connection_of(self, profile, **more):
        settings = dict(self.connection["settings"])
        if profile == "current":
            settings |= {"server_url": self.base + "/current", "api_profile": "current"}
        return {**self.connection, "settings": {**settings, **more.pop("settings", {})}, **more}

    def control(self, verb, route, **more):
        answer = requests.request(verb, f"{self.base}/_sandbox/{route}", headers=CONTROL, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reset(self):
        self.control("POST", "faults", json=[])
        self.control("POST", "reset")
        self.forgotten = 0

    def forget_log(self):
        self.forgotten = len(self.control("GET", "log"))

    def faults(self, *texts):
        self.control("POST", "faults", json=list(texts))

    def advance(self, seconds):
        self.control("POST", "clock", json={"advance_seconds": seconds})

    def log(self, sign_ins=False):
        """What it was asked, oldest first."""
        entries = self.control("GET", "log")[self.forgotten :]
        return [e for e in entries if sign_ins or "/auth/token/" not in e["path"]]
