"""How the kit starts a plugin: from its folder with `plugin.json`, or an executable."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

from process import HostProcess, Launch

#: The variables that a plugin inherits; `environment` of plugin.json adds others.
INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")
MEMBERS = {"id", "version", "command", "protocol", "secrets", "environment", "checksums", "limits", "settings", "effects",
           "title", "description", "category", "$schema"}


class PluginProblem(Exception):
    """The plugin cannot be tested; says why."""


@dataclasses.dataclass(frozen=True)
class Sample:
    """What `--sample` says.

    - `settings`: with the values of secrets. The kit then sends requests to that vendor.
    - `arguments`: by command. Commands with arguments run even if they change something.
    """

    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    arguments: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class PluginLaunch(Launch):
    """- `id`: of its integration; None if only the plugin knows it.
    - `is_brokered`: it reaches the vendor through the host only.
    """

    id: str | None = None
    is_brokered: bool = True
    sample: Sample = dataclasses.field(default_factory=Sample)

    role = "plugin"

    def __call__(self, *arguments: str, **pipes: bool) -> HostProcess:
        """The plugin, with the kit as its host."""
        from plugin_process import PluginProcess

        return PluginProcess(self)


def read_launch(path: str, timeout: float, sample_path: str | None) -> PluginLaunch:
    """Raises PluginProblem."""
    sample = read_sample(sample_path)
    place = pathlib.Path(path)
    if place.is_dir():
        return _of_folder(place, timeout, sample)
    program = shutil.which(str(place.resolve()) if os.sep in path or place.exists() else path)
    if program is None:
        raise PluginProblem(f"{path} is neither a folder with a plugin.json nor an executable program")
    return PluginLaunch([program], timeout, environment({}), str(pathlib.Path(program).parent), sample=sample)


def environment(added: Mapping[str, str]) -> dict[str, str]:
    return {**{name: os.environ[name] for name in INHERITED if name in os.environ}, **added}


def _of_folder(folder: pathlib.Path, timeout: float, sample: Sample) -> PluginLaunch:
    file = folder / "plugin.json"
    declared = _object(file)
    for name in declared:
        if name not in MEMBERS:
            close = difflib.get_close_matches(name, MEMBERS, 1)
            raise PluginProblem(f"{file}: unknown member {name!r}" + (f"; did you mean {close[0]!r}?" if close else ""))
    id, command = declared.get("id"), declared.get("command")
    if not isinstance(id, str) or not id:
        raise PluginProblem(f"{file}: id is missing")
    if not isinstance(command, list) or not command or not all(isinstance(one, str) for one in command):
        raise PluginProblem(f"{file}: command must be a list of texts, such as [\"python3\", \"{id}.py\"]")
    if declared.get("protocol", "sallyport") != "sallyport":
        raise PluginProblem(f"{file}: the kit tests plugins of the protocol sallyport; this one is an MCP server")
    if declared.get("secrets", "brokered") not in ("brokered", "plain"):
        raise PluginProblem(f"{file}: secrets must be brokered or plain")
    added = declared.get("environment", {})
    if not isinstance(added, dict) or not all(isinstance(one, str) for one in added.values()):
        raise PluginProblem(f"{file}: environment must be an object of texts")
    program = folder / command[0] if os.sep in command[0] else command[0]
    found = shutil.which(str(program))
    if found is None:
        raise PluginProblem(f"{file}: {command[0]} is not an executable program")
    return PluginLaunch(
        [os.path.abspath(found), *command[1:]], timeout, environment(added), str(folder.resolve()), id=id,
        is_brokered=declared.get("secrets", "brokered") == "brokered", sample=sample)


def read_sample(path: str | None) -> Sample:
    if path is None:
        return Sample()
    read = _object(pathlib.Path(path))
    for name, value in read.items():
        if name not in ("settings", "arguments") or not isinstance(value, dict):
            raise PluginProblem(f"{path}: expected the objects settings and arguments, not {name!r}")
    arguments = read.get("arguments", {})
    if not all(isinstance(one, dict) for one in arguments.values()):
        raise PluginProblem(f"{path}: arguments has an object per command")
    return Sample(read.get("settings", {}), arguments)


def _object(file: pathlib.Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise PluginProblem(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise PluginProblem(f"{file} is not JSON: {error}") from None
    if not isinstance(read, dict):
        raise PluginProblem(f"{file} is not an object")
    return read
