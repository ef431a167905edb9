"""A mailbox that keeps what is sent, and a host that is connected to it."""

import tempfile

import pytest
from Support.mailbox import Mailbox
from Support.session import Host


@pytest.fixture
def mailbox():
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def host(mailbox):
    with Host(mailbox.connection(), options=["--files-from", tempfile.gettempdir()]) as host:
        yield host
