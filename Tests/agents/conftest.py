"""What the tests with agents' clients share."""

import pytest
from Support.schema import SUITES, schema


@pytest.fixture(scope="session")
def schemas():
    """Gives the schema of a revision of the protocol."""
    if not SUITES.is_dir():
        pytest.skip(f"the schemas of the protocol are not at {SUITES}")
    return schema
