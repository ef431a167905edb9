"""The host's file store."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any, BinaryIO, Protocol, TypeVar, Union

from . import methods
from .executable import Path
from .methods import Method
from .results import FileReference
from .transfer import transfer_directory

T = TypeVar("T")
File = Union[str, FileReference]

#: The source of files from a playbook.
PLAYBOOK_FILE = "playbook_file"


class _Ask(Protocol):
    def __call__(self, method: Method[T], /) -> T: ...


class _AskLater(Protocol):
    def __call__(self, method: Method[T], /) -> Awaitable[T]: ...


def file_id(file: File) -> str:
    return file if isinstance(file, str) else file.file_id


@contextlib.contextmanager
def put_request(
    content: bytes | None,
    path: Path | None,
    name: str | None,
    source: str,
    content_type: str | None,
) -> Iterator[Method[FileReference]]:
    """A large content would exceed the host's line length, so it is passed as a file."""
    if (content is None) == (path is None):
        raise TypeError("put takes either content or path")
    if content is not None:
        if name is None:
            raise TypeError("content needs a name")
        with _method(io.BytesIO(content), len(content), name, source, content_type) as method:
            yield method
        return
    assert path is not None
    # Read here: the host reads no file of its caller's choice.
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        base = name or os.path.basename(os.fspath(path))
        with _method(file, size, base, source, content_type) as method:
            yield method


@contextlib.contextmanager
def _method(
    content: BinaryIO, size: int, name: str, source: str, content_type: str | None
) -> Iterator[Method[FileReference]]:
    if size <= methods.MAXIMUM_INLINE_BYTES:
        yield methods.put_file(content.read(), None, name, source, content_type)
        return
    with tempfile.NamedTemporaryFile(dir=transfer_directory()) as file:
        shutil.copyfileobj(content, file)
        file.flush()
        yield methods.put_file(None, file.name, name, source, content_type)


class Files:
    """The files of a `Host`."""

    def __init__(self, ask: _Ask) -> None:
        self._ask = ask

    def put(
        self,
        content: bytes | None = None,
        *,
        path: Path | None = None,
        name: str | None = None,
        source: str = PLAYBOOK_FILE,
        content_type: str | None = None,
    ) -> FileReference:
        """Stores a content, or a copy of a local file."""
        with put_request(content, path, name, source, content_type) as method:
            return self._ask(method)

    def chunks(self, file: File) -> Iterator[bytes]:
        """The content, a megabyte at a time."""
        id, offset = file_id(file), 0
        while True:
            chunk = self._ask(methods.get_chunk(id, offset))
            if chunk.content:
                yield chunk.content
            if chunk.is_last:
                return
            offset += len(chunk.content)

    def get(self, file: File) -> bytes:
        """The whole content."""
        return b"".join(self.chunks(file))

    def save(self, file: File, path: Path) -> None:
        """Writes the content to a local file."""
        with open(path, "wb") as output:
            for chunk in self.chunks(file):
                output.write(chunk)

    def list(self) -> Iterator[FileReference]:
        """All files, newest last."""
        cursor = None
        while True:
            page = self._ask(methods.list_files(cursor))
            yield from page.files
            cursor = page.next_cursor
            if cursor is None:
                return

    def remove(self, file: File) -> bool:
        """Returns whether the file existed."""
        return self._ask(methods.remove_file(file_id(file)))


class AsyncFiles:
    """The files of an `AsyncHost`; see `Files`."""

    def __init__(self, ask: _AskLater) -> None:
        self._ask = ask

    async def put(
        self,
        content: bytes | None = None,
        *,
        path: Path | None = None,
        name: str | None = None,
        source: str = PLAYBOOK_FILE,
        content_type: str | None = None,
    ) -> FileReference:
        """Stores a content, or a copy of a local file."""
        with put_request(content, path, name, source, content_type) as method:
            return await self._ask(method)

    async def chunks(self, file: File) -> AsyncIterator[bytes]:
        """The content, a megabyte at a time."""
        id, offset = file_id(file), 0
        while True:
            chunk = await self._ask(methods.get_chunk(id, offset))
            if chunk.content:
                yield chunk.content
            if chunk.is_last:
                return
            offset += len(chunk.content)

    async def get(self, file: File) -> bytes:
        """The whole content."""
        return b"".join([chunk async for chunk in self.chunks(file)])

    async def save(self, file: File, path: Path) -> None:
        """Writes the content to a local file."""
        with open(path, "wb") as output:
            async for chunk in self.chunks(file):
                output.write(chunk)

    async def list(self) -> AsyncIterator[FileReference]:
        """All files, newest last."""
        cursor = None
        while True:
            page = await self._ask(methods.list_files(cursor))
            for file in page.files:
                yield file
            cursor = page.next_cursor
            if cursor is None:
                return

    async def remove(self, file: File) -> bool:
        """Returns whether the file existed."""
        return await self._ask(methods.remove_file(file_id(file)))
