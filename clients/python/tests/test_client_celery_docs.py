"""What protocol/guide/many-machines.md shows, run: the program and the activity of Temporal as they are
(the activity in Temporal's own test environment, without a server), the task of Airflow with stubs in
place of Airflow, the worker of the manifest with its variables but this machine's paths. Kubernetes
itself and the image are not run.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import yaml
from conftest import ROOT, TIMEOUT
from sallyport import Host
from sallyport.celery import WorkerSettings
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from workers import Machines, machines, redis_server  # noqa: F401

GUIDE = (ROOT / "protocol/guide/many-machines.md").read_text("utf-8")
ENDPOINT = "6affe1e0b1a43d0003000001"
NOWHERE = "0" * 24


def program(word: str) -> str:
    """The one in the guide that has the word in it."""
    [found] = [one for one in re.findall(r"```python\n(.*?)```", GUIDE, re.S) if f"from {word}" in one]
    return str(found)


class Sandbox:
    """Emulated vendors on loopback; `endpoints` is the connection of the guide."""

    def __init__(self, folder: pathlib.Path) -> None:
        command = [os.environ["SALLYPORT"], "sandbox"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder)
        assert self.process.stdout is not None
        document = json.loads(self.process.stdout.readline())
        self.url = document["connections"]["coda_sandbox"]["settings"]["server_url"]
        self.file = folder / "connections.json"
        connection = document["connections"]["gravityzone_sandbox"]
        self.file.write_text(json.dumps({"connections": {"endpoints": connection}}))

    @property
    def isolations(self) -> int:
        """How many requests to isolate something have come."""
        answer = requests.get(f"{self.url}/_sandbox/log", headers={"X-Sandbox": "1"}, timeout=TIMEOUT)
        return sum(entry["path"].endswith("/incidents") for entry in answer.json())

    def stop(self) -> None:
        self.process.terminate()
        self.process.communicate(timeout=TIMEOUT)


@pytest.fixture
def endpoints(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    monkeypatch.chdir(tmp_path)
    sandbox = Sandbox(tmp_path)
    yield sandbox
    sandbox.stop()


def run_program(machines: Machines) -> str:
    done = subprocess.run(
        [sys.executable, "-B", "-c", program("sallyport.celery")], capture_output=True, text=True,
        env={**os.environ, "SALLYPORT_BROKER_URL": machines.server.url}, timeout=TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_gets_its_answer_from_the_worker_of_the_manifest(
    machines: Machines, endpoints: Sandbox, tmp_path: pathlib.Path
) -> None:
    deployment, config, claim = yaml.safe_load_all(re.findall(r"```yaml\n(.*?)```", GUIDE, re.S)[0])
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    variables = {one["name"]: one.get("value") for one in container["env"]}

    # One at a time, and time to drain.
    assert (deployment["spec"]["replicas"], deployment["spec"]["strategy"]) == (1, {"type": "Recreate"})
    assert pod["terminationGracePeriodSeconds"] > float(variables["SALLYPORT_DRAIN_SECONDS"])
    assert deployment["spec"]["selector"]["matchLabels"] == deployment["spec"]["template"]["metadata"]["labels"]

    # What it mounts is there, and what is named is mounted.
    volumes = {one["name"]: one for one in pod["volumes"]}
    mounts = {one["mountPath"]: volumes[one["name"]] for one in container["volumeMounts"]}
    assert mounts["/etc/sallyport"]["configMap"]["name"] == config["metadata"]["name"]
    assert mounts["/var/lib/sallyport"]["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    shown = tmp_path / "shown.json"
    shown.write_text(config["data"]["connections.json"])
    [connection] = json.loads(shown.read_text())["connections"].values()
    secret = pathlib.PurePath(connection["settings"]["api_key"]["$file"])
    assert "secret" in mounts[str(secret.parent)]
    with Host(connections=shown) as host:
        assert host.connections()[0]["integration"] == "bitdefender_gravityzone"

    # Its worker.
    own = {"SALLYPORT_CONNECTIONS": str(endpoints.file), "SALLYPORT_BROKER_URL": machines.server.url,
           "SALLYPORT_STATE_DIR": str(tmp_path / "state")}  # fmt: skip
    environment = {**variables, **own}
    settings = WorkerSettings.from_environment(environment)
    assert (settings.worker_connections, settings.drain_seconds) == (("endpoints",), 30)
    names = {name[len("SALLYPORT_") :].lower(): value for name, value in environment.items()}
    worker = machines.worker(**{**names, "lease_seconds": 60})
    assert container["command"] == "celery -A sallyport.celery worker --loglevel INFO".split()
    assert run_program(machines) == "Successful\n"

    # Its probe.
    [_, _, probe] = container["livenessProbe"]["exec"]["command"]
    ping = probe.replace("celery@$(hostname)", f"{worker.log.stem}@test")
    path = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    for expected in (0, 69):
        done = subprocess.run(["sh", "-c", ping], env={**os.environ, **own, "PATH": path}, capture_output=True)
        assert done.returncode == expected, done.stdout + done.stderr
        worker.stop()


def test_the_activity_of_temporal_runs(endpoints: Sandbox) -> None:
    module: dict[str, Any] = {}
    exec(program("temporalio"), module)
    first, second = ActivityEnvironment(), ActivityEnvironment()
    second.info = dataclasses.replace(second.info, activity_id="second")
    with module["host"]:
        assert first.run(module["isolate"], [ENDPOINT]) == "Successful"
        # Another attempt asks nobody again.
        assert first.run(module["isolate"], [ENDPOINT]) == "Successful"
        assert endpoints.isolations == 1
        with pytest.raises(ApplicationError) as caught:
            second.run(module["isolate"], [NOWHERE])
    assert caught.value.details[:2] == ("Isolate Endpoints failed.", 400)
    assert caught.value.non_retryable


def test_the_task_of_airflow_runs(endpoints: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    class AirflowFailException(Exception):
        pass

    job = types.SimpleNamespace(dag_id="d", run_id="r", task_id="t", map_index=-1)
    options: dict[str, Any] = {}
    sdk = types.ModuleType("airflow.sdk")
    sdk.task = lambda **given: options.update(given) or (lambda function: function)  # type: ignore[attr-defined]
    sdk.get_current_context = lambda: {"ti": job}  # type: ignore[attr-defined]
    exceptions = types.ModuleType("airflow.exceptions")
    exceptions.AirflowFailException = AirflowFailException  # type: ignore[attr-defined]
    for name, stub in {"airflow.sdk": sdk, "airflow.exceptions": exceptions}.items():
        monkeypatch.setitem(sys.modules, name, stub)

    module: dict[str, Any] = {}
    exec(program("airflow"), module)
    assert options == {"pool": "endpoints", "retries": 3}
    assert module["isolate"]([ENDPOINT]) == "Successful"
    assert module["isolate"]([ENDPOINT]) == "Successful"
    assert endpoints.isolations == 1
    job.run_id = "another"
    with pytest.raises(AirflowFailException, match="Isolate Endpoints failed. 400"):
        module["isolate"]([NOWHERE])
