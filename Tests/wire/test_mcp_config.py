"""`sallyport mcp-config`: the block that starts the host from an agent or editor."""

import json
import subprocess

import pytest

from Support.host import EXECUTABLE

GROUPS = {
    "claude-desktop": "mcpServers",
    "claude-code": "mcpServers",
    "vscode": "servers",
    "cursor": "mcpServers",
    "zed": "context_servers",
}


def mcp_config(*words, folder, **environment):
    return subprocess.run(
        [EXECUTABLE, "mcp-config", *words],
        cwd=folder,
        env={"PATH": "/usr/bin", **environment},
        capture_output=True,
        text=True,
    )


def entry(done, client, name="sallyport"):
    assert done.returncode == 0, done.stderr
    block = json.loads(done.stdout)
    assert list(block) == [GROUPS[client]]
    assert list(block[GROUPS[client]]) == [name]
    return block[GROUPS[client]][name]


@pytest.mark.parametrize("client", GROUPS)
def test_the_block_starts_a_host_that_answers_from_any_folder(client, tmp_path):
    server = entry(mcp_config(client, "--sandbox", "--tools=gmail__*", folder=tmp_path), client)
    assert server.get("type") == ("stdio" if client in ("claude-code", "vscode") else None)
    line = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = subprocess.run(
        [server["command"], *server["args"]],
        input=json.dumps(line) + "\n",
        cwd="/",
        capture_output=True,
        text=True,
    ).stdout
    tools = [tool["name"] for tool in json.loads(answer)["result"]["tools"]]
    assert tools and all(name.startswith("gmail__") for name in tools)


def test_paths_become_absolute_and_the_name_can_be_chosen(tmp_path):
    (tmp_path / "c.json").write_text('{"connections":{}}')
    done = mcp_config(
        "cursor", "--connections", "./c.json", "--files-dir=files", "--name", "soc", folder=tmp_path
    )
    server = entry(done, "cursor", name="soc")
    assert server["args"] == [
        "serve", "--connections", f"{tmp_path}/c.json", "--files-dir", f"{tmp_path}/files",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "client, env",
    [
        ("claude-code", {"GZ_KEY": "${GZ_KEY}"}),
        ("vscode", {"GZ_KEY": "${env:GZ_KEY}"}),
        ("cursor", {"GZ_KEY": "${env:GZ_KEY}"}),
        ("zed", None),
        ("claude-desktop", None),
    ],
)
@pytest.mark.parametrize(
    "reference", [{"$env": "GZ_KEY"}, {"$command": ["sh", "-c", "echo $GZ_KEY"], "environment": ["GZ_KEY"]}])
def test_secrets_are_named_and_not_copied(client, env, reference, tmp_path):
    connection = {
        "integration": "bitdefender_gravityzone",
        "settings": {"api_key": reference},
    }
    (tmp_path / "c.json").write_text(json.dumps({"connections": {"a": connection}}))
    done = mcp_config(
        client, folder=tmp_path, SALLYPORT_CONNECTIONS="c.json", GZ_KEY="the-key-itself"
    )
    server = entry(done, client)
    assert server["args"] == ["serve", "--connections", f"{tmp_path}/c.json"]
    assert server.get("env") == env
    assert ("GZ_KEY in the environment" in done.stderr) == (env is None)
    assert "the-key-itself" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words, complaint",
    [
        ([], "missing client"),
        (["cursr"], 'did you mean "cursor"?'),
        (["zed", "vscode"], 'unexpected argument "vscode"'),
        (["zed", "--tools", "gmial__*"], "no tool matches"),
        (["zed", "--conections", "x"], 'did you mean "--connections"?'),
        (["zed", "--connections", "missing.json"], "cannot read"),
        (["zed", "--connections", "broken.json"], "broken.json:1:2"),
    ],
)
def test_unusable_configuration_is_refused(words, complaint, tmp_path):
    (tmp_path / "broken.json").write_text("{")
    done = mcp_config(*words, folder=tmp_path)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stdout == ""
