"""Builds the wheel with the executable. `python3 clients/python/build_backend.py [DIRECTORY]`

It is also the backend in pyproject.toml, so `pip install clients/python` and `pip wheel` work.
The executable is $SALLYPORT or the release build of this checkout. It needs only the standard library and
no network, and the same sources give the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import os
import pathlib
import platform
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = HERE / "src/sallyport"
NAME = "sallyport"
REQUIRES_PYTHON = ">=3.9"
#: Optional dependencies: `pip install "sallyport-….whl[celery]"`.
EXTRAS = {"celery": ["celery[redis] >=5.6"]}
#: The oldest time that a zip archive can represent.
EPOCH = (1980, 1, 1, 0, 0, 0)

Settings = Mapping[str, Any]


def version() -> str:
    text = (PACKAGE / "__init__.py").read_text("utf-8")
    match = re.search(r'^__version__ = "([^"]+)"$', text, re.MULTILINE)
    if match is None:
        raise SystemExit("sallyport/__init__.py has no version")
    return match[1]


def metadata() -> str:
    return "\n".join(
        [
            "Metadata-Version: 2.1",
            f"Name: {NAME}",
            f"Version: {version()}",
            "Summary: Runs commands of security vendors through Sallyport",
            f"Requires-Python: {REQUIRES_PYTHON}",
            "Classifier: Typing :: Typed",
            *requirements(),
            "Description-Content-Type: text/markdown",
            "",
            (HERE / "README.md").read_text("utf-8"),
        ]
    )


def requirements() -> Iterator[str]:
    for extra, needed in EXTRAS.items():
        yield f"Provides-Extra: {extra}"
        for one in needed:
            yield f'Requires-Dist: {one}; extra == "{extra}"'


def executable() -> pathlib.Path:
    named = os.environ.get("SALLYPORT")
    path = pathlib.Path(named) if named else HERE.parent.parent / ".build/release/sallyport"
    if not path.is_file():
        raise SystemExit(
            f"{path} does not exist. Build it with `sh Sources/build.sh`, "
            "or set $SALLYPORT."
        )
    return path


def platform_tag(content: bytes) -> str:
    """The platform tag (PEP 600): the newest glibc symbol that the executable needs."""
    machine = platform.machine()
    if not content.startswith(b"\x7fELF"):
        raise SystemExit("The executable is not an ELF file; wheels for other systems are not supported.")
    versions = re.findall(rb"\0GLIBC_(\d+)\.(\d+)(?:\.\d+)?(?=\0)", content)
    if not versions:
        return f"linux_{machine}"
    # glibc 2.17 is where the scheme begins.
    major, minor = max((int(major), int(minor)) for major, minor in [*versions, (2, 17)])
    return f"manylinux_{major}_{minor}_{machine}"


def build(folder: pathlib.Path, *, editable: bool = False) -> str:
    """Writes the wheel. Returns the name of its file."""
    program = b"" if editable else executable().read_bytes()
    tag = f"py3-none-{'any' if editable else platform_tag(program)}"
    info = f"{NAME}-{version()}.dist-info"
    files: dict[str, tuple[bytes, int]] = {}
    if editable:
        files[f"{NAME}-editable.pth"] = (f"{PACKAGE.parent}\n".encode(), 0o644)
    else:
        files.update((name, (content, 0o644)) for name, content in package())
        files[f"{NAME}/bin/{NAME}"] = (program, 0o755)
        script = f"[console_scripts]\n{NAME} = {NAME}.__main__:main\n"
        files[f"{info}/entry_points.txt"] = (script.encode(), 0o644)
    files[f"{info}/METADATA"] = (metadata().encode(), 0o644)
    wheel = (
        "Wheel-Version: 1.0\nGenerator: sallyport\n"
        f"Root-Is-Purelib: {'true' if editable else 'false'}\nTag: {tag}\n"
    )
    files[f"{info}/WHEEL"] = (wheel.encode(), 0o644)
    record = "".join(
        f"{name},sha256={digest(content)},{len(content)}\n" for name, (content, _) in files.items()
    )
    files[f"{info}/RECORD"] = (f"{record}{info}/RECORD,,\n".encode(), 0o644)

    folder.mkdir(parents=True, exist_ok=True)
    file = f"{NAME}-{version()}-{tag}.whl"
    with zipfile.ZipFile(folder / file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (content, mode) in files.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, content)
    return file


def package() -> Iterator[tuple[str, bytes]]:
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix == ".py" or path.name == "py.typed":
            yield path.relative_to(PACKAGE.parent).as_posix(), path.read_bytes()


def digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


# What pip calls (PEP 517 and 660).


def build_wheel(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    return build(pathlib.Path(wheel_directory))


def build_editable(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    return build(pathlib.Path(wheel_directory), editable=True)


def build_sdist(sdist_directory: str, config_settings: Settings | None = None) -> str:
    raise SystemExit("Source distributions are not supported: the executable is built from the repository.")


def main() -> None:
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "dist"
    print(folder / build(folder))


if __name__ == "__main__":
    main()
