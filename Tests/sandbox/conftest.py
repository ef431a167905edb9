"""The emulated Workspace, reset for each test."""

import pytest
from Support.sandbox import Sandbox
from Support.workspace import Workspace


@pytest.fixture(scope="module")
def workspace_process():
    sandbox = Sandbox()
    try:
        yield sandbox
    finally:
        sandbox.stop()


@pytest.fixture
def workspace_sandbox(workspace_process):
    workspace_process.reset()
    return workspace_process


@pytest.fixture
def workspace(workspace_sandbox):
    return Workspace(workspace_sandbox.base)


@pytest.fixture
def messages(workspace):
    """The messages of the triage inbox."""
    return workspace.messages()
