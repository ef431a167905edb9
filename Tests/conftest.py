"""Makes `Support` and the modules of the conformance kit importable from every folder of tests, and
prints notes at the end of a run."""

import pathlib
import sys

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))
sys.path.append(str(TESTS.parent / "protocol/conformance"))

#: What tests saw and did not judge, such as times. Printed at the end of the run.
notes: list[str] = []


@pytest.fixture(scope="session")
def note():
    """Adds a line to the end of the test run's output."""
    return notes.append


@pytest.fixture(scope="module")
def running():
    """Emulated vendors in a separate process."""
    from Support.sandbox import Sandbox

    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture(scope="session")
def _one_sandbox():
    from Support.sandbox import Sandbox

    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_one_sandbox):
    """The emulated vendors in their initial state."""
    _one_sandbox.reset()
    return _one_sandbox


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    from Support import host

    host.use_new_state()


def _all_notes() -> list[str]:
    from Support import virtual_environment

    return notes + [
        f"{requirement} took {seconds:.1f} s to install"
        for requirement, seconds in virtual_environment.seconds.items()]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of pytest-xdist hands its notes to the process that prints."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["notes"] = _all_notes()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node) -> None:
    notes.extend(getattr(node, "workeroutput", {}).get("notes", []))


def pytest_terminal_summary(terminalreporter) -> None:
    for line in _all_notes():
        terminalreporter.write_line(line)
