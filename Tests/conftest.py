"""Makes `Support` and the modules of the conformance kit importable from every folder of tests."""

import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(TESTS))
sys.path.append(str(TESTS.parent / "protocol/conformance"))
