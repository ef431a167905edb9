"""The shortest plugins of the guides are complete: they are built, checked and called."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from plugin_launch import Sample, read_launch
from plugin_process import PluginProcess
from Support.documents import BLOCK, blocks
from Support.host import ROOT, TIMEOUT, environment
from Support.example_plugins import SDK, run_go
from Support.example_plugins import vendor as acme_vendor

GUIDES = ROOT / "protocol/guide"
PYTHON, GO = GUIDES / "plugins-python.md", GUIDES / "plugins-go.md"


def write_files(guide, folder):
    for block in BLOCK.finditer(guide.read_text("utf-8")):
        if (block["mark"] or "").startswith("file: "):
            path = folder / block["mark"].removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block["text"], "utf-8")


@pytest.fixture
def python_plugin(tmp_path):
    write_files(PYTHON, tmp_path)
    (tmp_path / "clients").symlink_to(ROOT / "clients")
    return tmp_path / "plugins/acme"


@pytest.fixture
def go_plugin(tmp_path):
    """Built with the commands of the guide."""
    write_files(GO, tmp_path)
    (tmp_path / "clients").symlink_to(ROOT / "clients")
    folder = tmp_path / "plugins/acme_go"
    commands = re.search(r"```sh\ncd plugins/acme_go\n(.*?)go build\n```", GO.read_text("utf-8"), re.DOTALL)[1]
    for command in [*commands.splitlines(), "go build"]:
        run_go(folder, *command.split()[1:])
    return folder


def check(folder, vendor):
    launch = read_launch(str(folder), TIMEOUT, None)
    settings = {"server_url": vendor.url, "api_key": acme_vendor.API_KEY}
    with PluginProcess(type(launch)(**{**launch.__dict__, "sample": Sample(settings, {})})) as process:
        answer = process.answer(process.invoke("list_endpoints", {"name": "pc-hr"}))
    assert [one["name"] for one in answer["result"]["raw_data"]["items"]] == ["PC-HR-106", "PC-HR-107"]
    ended = subprocess.run(
        [sys.executable, "-B", str(ROOT / "protocol/conformance"), "--plugin", str(folder)],
        capture_output=True, text=True, timeout=8 * TIMEOUT, env=environment())
    assert ended.returncode == 0, ended.stdout
    assert "20 passed, 0 failed, 1 skipped" in ended.stdout


def test_shortest_python_plugin(python_plugin, vendor):
    lines = (python_plugin / "acme.py").read_text().splitlines()
    assert len([one for one in lines if one.strip()]) <= 15
    check(python_plugin, vendor)


def test_shortest_go_plugin(go_plugin, vendor):
    check(go_plugin, vendor)


def test_the_tests_of_the_python_guide_pass(python_plugin, tmp_path):
    program = python_plugin / "acme.py"
    program.write_text(program.read_text().replace(
        "\nplugin.run()", '\nif __name__ == "__main__":\n    plugin.run()'))
    (test,) = [block["text"] for block in blocks(PYTHON, "python") if "from acme import plugin" in block["text"]]
    (python_plugin / "test_acme.py").write_text(test)
    ended = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(python_plugin)],
        capture_output=True, text=True, timeout=4 * TIMEOUT, env=environment({"PYTHONPATH": f"{SDK}:{python_plugin}"}))
    assert ended.returncode == 0 and "2 passed" in ended.stdout, ended.stdout + ended.stderr


def test_the_other_python_blocks_are_programs():
    """Each continues the shortest plugin."""
    texts = [block["text"] for block in blocks(PYTHON, "python")]
    shortest = texts[0].replace("plugin.run()\n", "")
    programs = [text for text in texts[1:] if "from acme import" not in text]
    assert len(programs) == 2
    for text in programs:
        program = f"{shortest}\n{text}\nimport json; print(json.dumps(plugin.describe()))"
        ended = subprocess.run(
            [sys.executable, "-B", "-c", program], capture_output=True, text=True, env=environment({"PYTHONPATH": SDK}))
        assert ended.returncode == 0, ended.stderr
        json.loads(ended.stdout)


def test_the_guide_has_all_members_of_plugin_json():
    from plugin_launch import MEMBERS

    text = (GUIDES / "plugins.md").read_text("utf-8")
    unnamed = {name for name in MEMBERS - {"$schema", "title", "description", "category"} if f"`{name}`" not in text}
    assert unnamed == set()


def test_new_plugin_passes_the_kit_and_its_own_test(tmp_path):
    def run(*words):
        return subprocess.run(
            [sys.executable, "-B", *words], capture_output=True, text=True, cwd=tmp_path, timeout=8 * TIMEOUT,
            env=environment({"PYTHONPATH": SDK}))

    ended = run("-m", "sallyport.plugin", "new", "acme_new")
    assert ended.returncode == 0, ended.stderr
    folder = tmp_path / "plugins/acme_new"
    assert sorted(path.name for path in folder.iterdir()) == ["acme_new.py", "plugin.json", "test_acme_new.py"]
    ended = run(str(ROOT / "protocol/conformance"), "--plugin", str(folder))
    assert ended.returncode == 0, ended.stdout
    ended = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", str(folder / "test_acme_new.py"))
    assert ended.returncode == 0, ended.stdout
    for words, complaint in ((["acme_new"], "exists"), (["Acme"], "lower-case letters")):
        ended = run("-m", "sallyport.plugin", "new", *words)
        assert ended.returncode == 2 and complaint in ended.stderr
