"""What the tests with agents' clients share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Support"))

import virtual_environment  # noqa: E402
from host import ROOT  # noqa: E402

SUITES = ROOT.parent / "shared/suites/mcp"

#: Lines about what a test saw and did not judge, such as times.
notes = []


@pytest.fixture(scope="session")
def schemas():
    """The schemas of the protocol's revisions, by revision."""
    if not SUITES.is_dir():
        pytest.skip(f"the schemas of the protocol are not at {SUITES}")
    return SUITES


@pytest.fixture(scope="session")
def note():
    """Adds a line to the end of the test run's output."""
    return notes.append


def pytest_terminal_summary(terminalreporter):
    for requirement, seconds in virtual_environment.seconds.items():
        notes.append(f"{requirement} took {seconds:.1f} s to install")
    for line in notes:
        terminalreporter.write_line(line)
