"""What mypy says of an author's plugin. A line with `# error: CODE` must be that error, no other may."""

from dataclasses import dataclass
from typing import Annotated, Any, List, Literal, Optional

from sallyport.plugin import URL, AsyncCall, Call, Events, Field, Plugin, PluginError, Response, Result, Secret


@dataclass
class Settings:
    server_url: URL
    api_key: Secret
    region: str = "eu"


def sign_in(call: Call[Settings]) -> str:
    return str(call.post("/login", json={"key": call.settings.api_key}, sign_in=True).json()["token"])


plugin = Plugin("acme", settings=Settings, headers=lambda call: {"X-Token": call.token("access", sign_in)})
other = Plugin("other", settings=Settings, headers={"X-Key": "{{secret:api_key}}"}, titel="Other")  # error: call-arg
third: Plugin[Any] = Plugin("third", settings=Settings(URL(""), Secret("")))  # error: arg-type


@plugin.command(effect="read", items="$.items[*]", rate_limit=(10, 1.5), events=Events({"ID": "$.id"}))
def list_devices(
    call: Call[Settings], name: str = "", risk: Optional[Literal["low", "high"]] = None,
    page: Annotated[int, Field(minimum=1)] = 1,
) -> Any:
    region: str = call.settings.region
    response: Response = call.get("/devices", query={"name": name, "page": page, "risk": risk, "region": region})
    call.items([1, 2])
    call.progress(1, 2)
    return response.raise_for_status(remedy="Try again.").json()


@plugin.command(partial_success=True)
def isolate(call: Call[Settings], ids: List[str]) -> Result:
    call.settings.regoin  # error: attr-defined
    call.get("/devices", qery={})  # error: call-arg
    call.get("/devices", query="a")  # error: arg-type
    call.http("GET")  # error: call-arg
    call.settings.api_key + 1  # error: operator
    call.items(7)  # error: arg-type
    raised: int = call.get("/a").json  # error: assignment
    if raised:
        raise PluginError("No.", status=404)  # error: call-arg
    return call.targets(ids, lambda id: call.post(f"/{id.uper()}"))  # error: attr-defined


@plugin.command(effects="read")  # error: call-arg
def wrong_option(call: Call[Settings]) -> None: ...


@plugin.command()
async def refresh(call: AsyncCall[Settings], id: str) -> Any:
    (await call.get("/a")).raise_for_status()
    call.get("/a").json()  # error: attr-defined
    return (await call.put(f"/{id}", json=None)).json()


def test_it() -> None:
    host = plugin.test({"region": "us"}, {("GET", "/devices"): {"items": []}})
    names: List[str] = [one.name for one in host.using(all_pages=True).call("list_devices", page=1).files]
    print(names, host.requests[0].query, host.secrets["access"])
    host.requests[0].pth  # error: attr-defined


list_devices("x")  # error: arg-type
