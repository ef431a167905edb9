"""What the tests of the Model Context Protocol share."""

import contextlib

import pytest
from Support.mcp_client import REVISIONS, SUITES, Client, connections


@pytest.fixture(scope="session", autouse=True)
def _schemas():
    if not SUITES.is_dir():
        pytest.skip(f"the schemas of the Model Context Protocol are not at {SUITES}")


@pytest.fixture(params=REVISIONS)
def revision(request):
    return request.param


@pytest.fixture
def start(tmp_path):
    """Starts a client: `start("2025-11-25", "--read-only", main={…})`; connections by name, and
    the sandbox without any."""
    with contextlib.ExitStack() as open_clients:

        def start(revision, *options, capabilities=None, introduces=True, **named):
            source = connections(tmp_path, **named) if named else ["--sandbox"]
            client = Client(
                revision, *source, "--files-dir", str(tmp_path / "files"), *options,
                capabilities=capabilities, introduces=introduces)
            return open_clients.enter_context(client)

        yield start
