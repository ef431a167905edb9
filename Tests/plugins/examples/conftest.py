"""The example plugins and their vendor."""

from __future__ import annotations

import json
import pathlib
import shutil
import sys
import threading

import pytest
from Support.example_plugins import EXAMPLES, GO_SDK, SDK, run_go
from Support.example_plugins import vendor as acme_vendor


@pytest.fixture(scope="session")
def plugins(tmp_path_factory) -> pathlib.Path:
    """A folder with both example plugins, ready to run."""
    folder = tmp_path_factory.mktemp("plugins")
    python = folder / "acme_edr_python"
    shutil.copytree(EXAMPLES / "acme_edr_python", python, ignore=shutil.ignore_patterns("__pycache__"))
    declared = json.loads((python / "plugin.json").read_text())
    declared["command"][0] = sys.executable
    declared["environment"] = {"PYTHONPATH": SDK, "PYTHONDONTWRITEBYTECODE": "1"}
    (python / "plugin.json").write_text(json.dumps(declared))
    compiled = folder / "acme_edr_go"
    shutil.copytree(EXAMPLES / "acme_edr_go", compiled)
    module = compiled / "go.mod"
    module.write_text(module.read_text().replace("../../../../clients/go", GO_SDK))
    run_go(compiled, "build")
    return folder


@pytest.fixture
def vendor():
    """The emulated vendor with its own state; `url`, `acme`."""
    with acme_vendor.Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def settings(vendor) -> dict[str, str]:
    return {"server_url": vendor.url, "user_name": acme_vendor.USER, "password": acme_vendor.PASSWORD}
