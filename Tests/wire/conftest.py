"""What the wire tests share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Support"))

from host import EXECUTABLE, ROOT, Sandbox  # noqa: E402
from vendor import GatedVendor  # noqa: E402

SUITES = ROOT.parent / "shared/suites"


def pytest_configure(config: pytest.Config) -> None:
    if not pathlib.Path(EXECUTABLE).is_file():
        pytest.exit(
            f"{EXECUTABLE} is missing: swift build -c release --product sallyport"
            " --static-swift-stdlib", returncode=2)


@pytest.fixture(scope="session")
def suites() -> pathlib.Path:
    """Public test data beside the checkout."""
    if not SUITES.is_dir():
        pytest.skip(f"the public test suites are not at {SUITES}")
    return SUITES


@pytest.fixture(scope="session")
def _one_sandbox():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_one_sandbox: Sandbox) -> Sandbox:
    """The emulated vendors, as fresh."""
    _one_sandbox.reset()
    return _one_sandbox


@pytest.fixture
def vendor():
    """A vendor whose requests wait for the test."""
    with GatedVendor() as vendor:
        yield vendor
