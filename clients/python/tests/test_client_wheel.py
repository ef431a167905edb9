"""The wheel, used as somebody who has nothing else."""

from __future__ import annotations

import csv
import email
import io
import os
import pathlib
import re
import subprocess
import sys
import venv
import zipfile

import pytest
from conftest import CLIENT, TIMEOUT

PROGRAM = """
import sallyport
with sallyport.Host(sandbox=True) as host:
    print(host.coda_footprint.list_tenants().return_data)
print(sallyport.find_executable())
"""


def run(*command: str | pathlib.Path, **environment: str) -> str:
    # Neither this checkout nor an executable elsewhere helps.
    kept = {name: os.environ[name] for name in ("HOME", "XDG_STATE_HOME", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [str(part) for part in command],
        env={**kept, "PATH": "/usr/bin:/bin", **environment},
        cwd="/", capture_output=True, text=True, timeout=10 * TIMEOUT,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("dist")
    program = CLIENT / "build_backend.py"
    output = run(sys.executable, "-B", program, folder, SALLYPORT=os.environ["SALLYPORT"])
    return pathlib.Path(output.strip())


@pytest.fixture(scope="module")
def python(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True, symlinks=True)
    # --no-index: it needs nothing else.
    run(folder / "bin/pip", "install", "--quiet", "--no-index", wheel)
    return folder / "bin/python"


def test_it_works_where_there_is_nothing_else(python: pathlib.Path) -> None:
    first, second = run(python, "-c", PROGRAM).splitlines()
    assert first == "Successful"
    assert pathlib.Path(second).parent.parent.parent.name == "site-packages"


def test_missing_extra_is_named_in_the_error(python: pathlib.Path) -> None:
    program = "try:\n import sallyport.celery\nexcept ImportError as error:\n print(error)"
    (way,) = re.findall(r"`(pip install .*\[celery\]\")`", (CLIENT / "README.md").read_text())
    assert run(python, "-c", program) == (
        f"sallyport.celery needs Celery and Redis' client. Install the wheel with its extra celery: {way}\n"
    )


def test_wheel_installs_the_command(python: pathlib.Path) -> None:
    versions = run(os.environ["SALLYPORT"], "version")
    assert run(python, "-m", "sallyport", "version") == versions
    assert run(python.parent / "sallyport", "version") == versions


def test_its_name_says_where_it_runs(wheel: pathlib.Path) -> None:
    machine = os.uname().machine
    assert re.fullmatch(rf"sallyport-[0-9.]+-py3-none-manylinux_2_\d+_{machine}\.whl", wheel.name)


def test_its_record_is_right_and_it_is_typed(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [record] = [name for name in names if name.endswith("/RECORD")]
        rows = list(csv.reader(io.StringIO(archive.read(record).decode())))
        assert [row[0] for row in rows] == names
        assert {"sallyport/py.typed", "sallyport/bin/sallyport"} <= set(names)
        assert not [name for name in names if "__pycache__" in name]


def test_it_needs_nothing_but_for_its_extras(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))
        assert "sallyport/celery/worker.py" in archive.namelist()
    assert metadata.get_all("Provides-Extra") == ["celery"]
    assert metadata.get_all("Requires-Dist") == ['celery[redis] >=5.6; extra == "celery"']


def test_the_same_sources_give_the_same_bytes(wheel: pathlib.Path, tmp_path: pathlib.Path) -> None:
    program = CLIENT / "build_backend.py"
    again = run(sys.executable, "-B", program, tmp_path, SALLYPORT=os.environ["SALLYPORT"]).strip()
    assert pathlib.Path(again).read_bytes() == wheel.read_bytes()


def test_pip_builds_it_too(tmp_path: pathlib.Path) -> None:
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--wheel-dir",
        tmp_path, CLIENT, SALLYPORT=os.environ["SALLYPORT"])  # fmt: skip
    assert [path.suffix for path in tmp_path.iterdir()] == [".whl"]
    left = [path for path in CLIENT.iterdir() if path.name in ("build", "sallyport.egg-info")]
    assert not left


def test_missing_executable_has_a_remedy() -> None:
    done = subprocess.run(
        [sys.executable, "-B", str(CLIENT / "build_backend.py")],
        env={**os.environ, "SALLYPORT": "/no/such"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1 and "Sources/build.sh" in done.stderr
