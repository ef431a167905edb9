"""What every client is made to do, and what it prints of it: a line of JSON for each step.

A client is an object with these methods, as far as its package can do them; all give what was on the
wire as plain data.

- `tools()`: the tools, all pages.
- `call(name, arguments, progress=None)`: the result of a tool; `progress(done, total, message)`.
- `give_up(name, arguments)`: calls, waits a moment, and abandons the call as users of the package do.
- `resources()`, `read(uri)`; `prompts()`, `prompt(name, arguments)`.
- `answer`: "accept" or "decline", what its user says to a question; `questions`: what was asked.
"""

import json
import os
import sys

#: Seconds after which a client stops waiting for what does not come.
PATIENCE = 0.5

#: The host, as the test has it started.
COMMAND, *ARGUMENTS = sys.argv[1:]
#: Clients hand on little of their environment.
ENVIRONMENT = {name: os.environ[name] for name in ("XDG_STATE_HOME",)}

#: Of an account that a user adds during the session.
SECOND_CONNECTION = {"name": "second", "connection": {
    "integration": "bitdefender_gravityzone",
    "settings": {"api_key": "not-a-real-key", "server_url": "http://127.0.0.1:9"}}}

ENDPOINTS = [f"6affe1e0b1a43d000300000{number}" for number in range(1, 6)]


def say(step, **facts):
    print(json.dumps({"step": step, **facts}), flush=True)


def wire(model):
    """Plain data of what a package has as its own types."""
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


def text(result):
    return "\n".join(item["text"] for item in result["content"] if item["type"] == "text")


async def listed_endpoints(client):
    result = await client.call(
        "bitdefender_gravityzone__list_endpoints", {"endpoint_type": "endpoints"})
    return [item["id"] for item in result["structuredContent"]["raw_data"]["result"]["items"]]


async def read(client):
    """What a tool gives, and what it says of a mistake."""
    say("tools", names=[tool["name"] for tool in await client.tools()])
    result = await client.call("coda_footprint__list_devices", {
        "connection": "coda_sandbox", "filter": {"riskLevel": "critical", "pageSize": 5}})
    say("read", error=result.get("isError", False), text=text(result).split("\n")[0],
        names=[item["name"] for item in result["structuredContent"]["raw_data"]["items"]])
    failed = await client.call(
        "coda_footprint__list_device_users", {"connection": "coda_sandbox", "device_id": 9999})
    say("failed", error=failed["isError"], text=text(failed),
        kind=(failed["structuredContent"] or {}).get("kind"))
    invalid = await client.call("coda_footprint__list_devices", {
        "connection": "coda_sandbox", "filter": {"riskLevl": "critical"}})
    say("invalid", error=invalid["isError"], text=text(invalid))


async def watch(client):
    """How far a command over several targets is."""
    told = []

    async def progress(done, total, message):
        told.append([done, total, message])

    result = await client.call(
        "bitdefender_gravityzone__update_endpoint_labels",
        {"endpoint_ids": ENDPOINTS, "label": "seen"}, progress)
    # Of what is done at once, the later number may come first, and the earlier one is left out.
    say("progress", rising=all(one[0] < next[0] for one, next in zip(told, told[1:])),
        last=told[-1], text=text(result).split("\n")[0])


async def give_up(client):
    """A call that is never answered; the session goes on."""
    error = await client.give_up("coda_footprint__list_tenants", {"connection": "slow"})
    say("abandoned", error=error, endpoints=len(await listed_endpoints(client)))


async def files(client):
    """A file that a command stored, as a resource."""
    result = await client.call("gmail__download_email_attachment", {
        "user_email": "soc@harbor.example", "message_id": "1a1e36095ba05ccd",
        "attachment_file_names": ["invoice.csv"]})
    links = [item for item in result["content"] if item["type"] == "resource_link"]
    resources = {resource["uri"]: resource for resource in await client.resources()}
    [content] = await client.read(links[0]["uri"])
    say("files", links=[[link["name"], link["mimeType"], link["size"]] for link in links],
        listed=all(link["uri"] in resources for link in links),
        same=content["uri"] == links[0]["uri"], kind=content["mimeType"],
        text=content["text"].splitlines()[0], characters=len(content["text"]))


async def playbooks(client):
    prompts = await client.prompts()
    [message] = await client.prompt("isolate_host", {"host": "LOBBY-PC1", "reason": "beaconing"})
    say("prompts", names=[prompt["name"] for prompt in prompts], role=message["role"],
        text=message["content"]["text"].split("\n")[0])


async def consent(client):
    """The user says no, then yes; what is left at the vendor tells what was done."""
    for answer in ("decline", "accept"):
        client.answer = answer
        result = await client.call(
            "bitdefender_gravityzone__delete_endpoints", {"endpoint_ids": ENDPOINTS[3:]})
        say(answer, error=result.get("isError", False), text=text(result).split("\n")[0],
            left=len(await listed_endpoints(client)))
    say("questions", asked=client.questions)


async def changed(client):
    """After the client was notified of changed tools: a call now has to name its account."""
    [tool] = [tool for tool in await client.tools()
              if tool["name"] == "bitdefender_gravityzone__list_groups"]
    say("changed", connections=tool["inputSchema"]["properties"]["connection"]["enum"],
        required=tool["inputSchema"]["required"])
