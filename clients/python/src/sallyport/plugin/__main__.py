"""`python3 -m sallyport.plugin new NAME` writes a plugin to start from."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys

from .command import ID, ID_RULE
from .schema import title_of

PROGRAM = '''\
"""{title} as a plugin for Sallyport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sallyport.plugin import URL, Call, Plugin, Secret


@dataclass
class Settings:
    """How to reach {title}.

    Attributes:
        server_url: The address of the server.
        api_key: The key of an API user.
    """

    server_url: URL
    api_key: Secret


plugin = Plugin("{id}", settings=Settings, headers={{"Authorization": "Bearer {{{{secret:api_key}}}}"}})


@plugin.command(effect="read")
def test_connection(call: Call[Settings]) -> Any:
    """Checks the address and the credentials."""
    return call.get("/").raise_for_status().json()


@plugin.command(effect="read", items="$.items[*]")
def list_items(call: Call[Settings], name: str = "") -> Any:
    """Lists the items.

    Args:
        name: Only items whose name contains this text.
    """
    return call.get("/items", query={{"name": name or None}}).raise_for_status().json()


if __name__ == "__main__":
    plugin.run()
'''

TEST = '''\
"""Tests of the plugin, without a vendor: python3 -m pytest"""

from {id} import plugin


def test_items_are_listed():
    host = plugin.test(vendor={{("GET", "/items"): {{"items": [1, 2]}}}})
    assert host.call("list_items", name="a").raw_data == {{"items": [1, 2]}}
    assert host.requests[0].query == {{"name": "a"}}
'''


def declaration(id: str) -> dict[str, object]:
    """The content of plugin.json. The plugin runs with this Python and this SDK."""
    is_separate = sys.prefix != sys.base_prefix
    made: dict[str, object] = {
        "id": id, "version": "0.1.0", "command": [sys.executable if is_separate else "python3", f"{id}.py"]}
    package = pathlib.Path(__file__).resolve().parents[2]
    if package.name not in ("site-packages", "dist-packages"):
        made["environment"] = {"PYTHONPATH": str(package)}
    return made


def create(id: str, folder: pathlib.Path) -> None:
    """Raises FileExistsError."""
    folder.mkdir(parents=True)
    words = {"id": id, "title": title_of(id)}
    (folder / "plugin.json").write_text(json.dumps(declaration(id), indent=2) + "\n", "utf-8")
    (folder / f"{id}.py").write_text(PROGRAM.format(**words), "utf-8")
    (folder / f"test_{id}.py").write_text(TEST.format(**words), "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m sallyport.plugin", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="new")
    new = commands.add_parser("new", help="write a plugin to start from")
    new.add_argument("name", metavar="NAME", help="the id of the integration, such as acme_edr")
    new.add_argument(
        "--plugins", metavar="DIR", default="plugins", help="the folder of plugins (default: plugins)")
    options = parser.parse_args()
    if not ID.fullmatch(options.name):
        parser.error(f"{options.name}: {ID_RULE}")
    folder = pathlib.Path(options.plugins) / options.name
    try:
        create(options.name, folder)
    except FileExistsError:
        parser.error(f"{folder} exists")
    print(
        f"Wrote {folder}{os.sep}. Next:\n"
        f"  sallyport plugin check {folder}\n"
        f"  edit {folder / options.name}.py")


if __name__ == "__main__":
    main()
