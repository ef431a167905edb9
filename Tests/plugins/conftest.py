"""Fixtures of the tests of plugins."""

import pathlib

import pytest
from Support.host import EXECUTABLE
from Support.plugins import Plugins


def pytest_configure(config: pytest.Config) -> None:
    if not pathlib.Path(EXECUTABLE).is_file():
        pytest.exit(f"{EXECUTABLE} is missing: sh Sources/build.sh", returncode=2)


@pytest.fixture
def plugins(tmp_path) -> Plugins:
    """An empty folder of plugins."""
    return Plugins(tmp_path / "plugins")
