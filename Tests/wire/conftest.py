"""Fixtures of the wire tests."""

import pathlib

import pytest
from Support.host import EXECUTABLE, ROOT
from Support.vendor import GatedVendor

SUITES = ROOT.parent / "shared/suites"


def pytest_configure(config: pytest.Config) -> None:
    if not pathlib.Path(EXECUTABLE).is_file():
        pytest.exit(
            f"{EXECUTABLE} is missing: sh Sources/build.sh"
            " --static-swift-stdlib", returncode=2)


@pytest.fixture(scope="session")
def suites() -> pathlib.Path:
    """Public test data next to the checkout."""
    if not SUITES.is_dir():
        pytest.skip(f"the public test suites are not at {SUITES}")
    return SUITES


@pytest.fixture
def vendor():
    """A vendor whose requests wait for the test."""
    with GatedVendor() as vendor:
        yield vendor
