"""Acme EDR as a plugin: a sign-in, pages, targets, events and a file. The vendor is ../vendor.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Optional
from urllib.parse import quote

from sallyport.plugin import URL, Call, Events, Field, Plugin, Result, Secret


@dataclass
class Settings:
    """How to reach Acme EDR.

    Attributes:
        server_url: The address of the Acme server.
        user_name: The name of an API user.
        password: The password of the API user.
    """

    server_url: URL
    user_name: str
    password: Secret


def sign_in(call: Call[Settings]) -> str:
    body = {"user": call.settings.user_name, "password": call.settings.password}
    answer = call.post("/api/login", json=body, sign_in=True).raise_for_status().json()
    return str(answer.get("access_token", ""))


def authorize(call: Call[Settings]) -> dict[str, str]:
    return {"Authorization": f"Bearer {call.token('access_token', sign_in)}"}


plugin = Plugin(
    "acme_edr", title="Acme EDR", description="Endpoint detection and response of Acme.", version="1.0.0",
    category="Endpoint Security", settings=Settings, headers=authorize)

EndpointID = Annotated[str, Field(min_length=1, source=("list_endpoints", "$.items[*].id"))]
EndpointIDs = Annotated[list[str], Field(min_items=1, source=("list_endpoints", "$.items[*].id"))]


@plugin.command(effect="read")
def test_connection(call: Call[Settings]) -> Any:
    """Checks the address and the credentials."""
    return call.get("/api/whoami").raise_for_status().json()


@plugin.command(effect="read", items="$.items[*]", pages=True, rate_limit=(100, 1))
def list_endpoints(
    call: Call[Settings], name: Optional[str] = None, page: Annotated[int, Field(minimum=1)] = 1,
    page_size: Annotated[int, Field(minimum=1, maximum=100)] = 3,
) -> Any:
    """Lists the endpoints.

    Args:
        name: Only endpoints whose name contains this text.
        page: The number of the page, from 1.
        page_size: The number of endpoints per page.
    """
    done = 0
    while True:
        query = {"name": name, "page": page, "page_size": page_size}
        body = call.get("/api/endpoints", query=query).raise_for_status().json()
        call.items(body["items"])
        done += len(body["items"])
        call.progress(done, body["total"])
        if not call.all_pages or not body["items"] or done >= body["total"]:
            return body
        page += 1


@plugin.command(effect="read")
def get_endpoint(call: Call[Settings], endpoint_id: EndpointID) -> Any:
    """Returns one endpoint.

    Args:
        endpoint_id: The ID of the endpoint.
    """
    return call.get(f"/api/endpoints/{quote(endpoint_id, safe='')}").raise_for_status().json()


def set_isolation(call: Call[Settings], endpoint_ids: list[str], isolated: bool) -> Result:
    def run(id: str) -> Any:
        answer = call.post(f"/api/endpoints/{quote(id, safe='')}/isolation", json={"isolated": isolated})
        return answer.raise_for_status(remedy="Use IDs of endpoints that are online from list_endpoints.").json()

    return call.targets(endpoint_ids, run)


@plugin.command(
    effect="write", idempotent=True, sensitive=True, partial_success=True, permissions=["Isolate endpoints"],
    read_back="get_endpoint")
def isolate_endpoints(call: Call[Settings], endpoint_ids: EndpointIDs) -> Result:
    """Disconnects endpoints from the network. They can still reach the Acme server.

    Args:
        endpoint_ids: The IDs of the endpoints.
    """
    return set_isolation(call, endpoint_ids, True)


@plugin.command(
    effect="write", idempotent=True, partial_success=True, permissions=["Isolate endpoints"], read_back="get_endpoint")
def restore_endpoints(call: Call[Settings], endpoint_ids: EndpointIDs) -> Result:
    """Ends the isolation of endpoints.

    Args:
        endpoint_ids: The IDs of the endpoints.
    """
    return set_isolation(call, endpoint_ids, False)


@plugin.command(effect="read", events=Events({
    "Unique Event Key": "$.id", "Event Type": "Acme Alert", "Title": "$.title", "Severity": "$.severity",
    "Endpoint": "$.endpoint.id", "Time": "$.created"}))
def fetch_alert(
    call: Call[Settings], number_of_alerts: Annotated[int, Field(minimum=1, maximum=1000)] = 100,
    cursor: Optional[str] = None,
) -> Result:
    """Fetches alerts as events, oldest first.

    Args:
        number_of_alerts: The maximum number of alerts.
        cursor: The cursor of an earlier result. Only later alerts are fetched.
    """
    query = {"after": cursor or "0", "limit": number_of_alerts}
    body = call.get("/api/alerts", query=query).raise_for_status().json()
    alerts = body["alerts"]
    return Result(raw_data=alerts, events=[call.event(one) for one in alerts], cursor=str(body["last"]))


@plugin.command(effect="write", permissions=["Comment alerts"])
def add_alert_comment(call: Call[Settings], alert_id: int, text: Annotated[str, Field(min_length=1)]) -> Any:
    """Adds a comment to an alert.

    Args:
        alert_id: The ID of the alert.
        text: The comment.
    """
    return call.post(f"/api/alerts/{alert_id}/comments", json={"text": text}).raise_for_status().json()


@plugin.command(effect="read")
def download_report(call: Call[Settings], report_id: Annotated[str, Field(examples=["rep-1"])]) -> None:
    """Stores a report as a file.

    Args:
        report_id: The ID of the report.
    """
    answer = call.get(f"/api/reports/{quote(report_id, safe='')}/content").raise_for_status()
    call.file_put(f"{report_id}.csv", answer.content, content_type="text/csv")


if __name__ == "__main__":
    plugin.run()
