"""Fixtures of the tests of plugins."""

import pathlib

import pytest
from Support.host import EXECUTABLE
from Support.plugins import Plugins
from Support.sandbox import Sandbox


def pytest_configure(config: pytest.Config) -> None:
    if not pathlib.Path(EXECUTABLE).is_file():
        pytest.exit(f"{EXECUTABLE} is missing: sh Sources/build.sh", returncode=2)


@pytest.fixture
def plugins(tmp_path) -> Plugins:
    """An empty folder of plugins."""
    return Plugins(tmp_path / "plugins")


@pytest.fixture(scope="session")
def _one_sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_one_sandbox: Sandbox) -> Sandbox:
    """The emulated vendors in their initial state."""
    _one_sandbox.reset()
    return _one_sandbox
