"""What the tests with agents' clients share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Support"))

import virtual_environment  # noqa: E402
from Support.schema import SUITES, schema  # noqa: E402

#: Lines about what a test saw and did not judge, such as times.
notes = []


@pytest.fixture(scope="session")
def schemas():
    """Gives the schema of a revision of the protocol."""
    if not SUITES.is_dir():
        pytest.skip(f"the schemas of the protocol are not at {SUITES}")
    return schema


@pytest.fixture(scope="session")
def note():
    """Adds a line to the end of the test run's output."""
    return notes.append


def pytest_terminal_summary(terminalreporter):
    for requirement, seconds in virtual_environment.seconds.items():
        notes.append(f"{requirement} took {seconds:.1f} s to install")
    for line in notes:
        terminalreporter.write_line(line)
