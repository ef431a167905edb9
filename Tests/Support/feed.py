"""A mailbox behind a programmed Google, and calls of fetch_event that read it."""

import base64
import re
import threading
import urllib.parse

from Support.programmed_google import ANNA, BATCH, Google, batch_reply, batched, refusal
from Support.upstream import reply

BOX = "/gmail/v1/users/anna%40corp.example/messages"
#: 2021-05-25 00:00 UTC, in milliseconds, and a day later.
START, END = 1_621_900_800_000, 1_621_987_200_000
SPAN = {"user_email": ANNA, "start_time": "2021-05-25 00:00", "end_time": "2021-05-26 00:00"}
LOOK_BACK = 600_000
#: What keeps Gmail from listing drafts and own mail.
SELECTED = "-in:drafts (in:inbox OR -in:sent)"


def url64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def part(type, id="", data=None, name="", headers=(), parts=None, attachment=None):
    body = {"size": len(data or "")}
    if data is not None:
        body["data"] = url64(data)
    if attachment:
        body["attachmentId"] = attachment
    made = {
        "partId": id, "mimeType": type, "filename": name,
        "headers": [{"name": name, "value": value} for name, value in headers], "body": body}
    return made | ({"parts": parts} if parts is not None else {})


def mail(number, milliseconds, payload=None, **more):
    return {
        "id": f"{number:016x}", "threadId": f"{number:016x}", "labelIds": ["INBOX"], "snippet": f"Mail {number}",
        "internalDate": str(milliseconds), "payload": payload or part("text/plain", data=f"Text {number}"), **more}


class Mailbox(Google):
    """Lists and reads `mails` like Gmail: by seconds, newest first, in pages.

    `order` changes the order of the list. `answer` can override the response to a target."""

    def __init__(self, mails, order=None, page=500, answer=lambda target: None):
        self.mails = {m["id"]: m for m in mails}
        self.order = order or (lambda m: (-int(m["internalDate"]), m["id"]))
        self.page = page
        self.special = answer
        self.queries = []
        self.reads = []
        self.box_lock = threading.Lock()
        super().__init__(self.respond)

    def put(self, *mails):
        self.mails |= {m["id"]: m for m in mails}

    def respond(self, request):
        if request.path == BATCH:
            return batch_reply([(id, self.one(target)) for id, _, target in batched(request)])
        return self.one(request.target)

    def one(self, target):
        if answer := self.special(target):
            return answer
        path, _, query = target.partition("?")
        query = dict(urllib.parse.parse_qsl(query))
        if path == BOX:
            return self.listed(query)
        id = path.removeprefix(f"{BOX}/")
        with self.box_lock:
            self.reads.append(id)
        return reply(200, self.mails[id]) if id in self.mails else refusal(404, "Requested entity was not found.")

    def listed(self, query):
        after, before = re.match(r"after:(\d+)(?: before:(\d+))?", query["q"]).groups()
        after, before = int(after), int(before) if before else float("inf")
        with self.box_lock:
            self.queries.append(query["q"])
        found = [m for m in self.mails.values() if after <= int(m["internalDate"]) // 1000 < before]
        found.sort(key=self.order)
        at = int(query.get("pageToken", 0))
        size = min(self.page, int(query["maxResults"]))
        body = {"resultSizeEstimate": 1}
        if page := found[at:at + size]:
            body["messages"] = [{"id": m["id"], "threadId": m["threadId"]} for m in page]
        if at + size < len(found):
            body["nextPageToken"] = str(at + size)
        return reply(200, body)


def keys(result):
    return [event["fields"]["Unique Event Key"] for event in result["events"]]


def fetch(host, arguments=SPAN, mapping=None, **more):
    options = {"field_mapping": mapping} if mapping else {}
    return host.result("fetch_event", arguments | more, **options)


def walk(host, count, cursor=None, **more):
    """The ids of successive calls, each with the cursor of the one before, until one returns none."""
    found = []
    while True:
        result = fetch(host, number_of_events_fetched=count, **more, **({"cursor": cursor} if cursor else {}))
        cursor = result["cursor"]
        if not result["events"]:
            return found, cursor
        assert len(result["events"]) <= count
        found += keys(result)
        assert len(found) == len(set(found)), "an event was repeated"


def by_time(mails):
    return [m["id"] for m in sorted(mails, key=lambda m: (int(m["internalDate"]), m["id"]))]


class Faulty(Mailbox):
    """Rejects targets that contain `broken`, until it is None."""

    def __init__(self, mails, broken, status, **more):
        self.broken = broken
        refused = lambda target: refusal(status, "Not this one.") if self.broken and self.broken in target else None
        super().__init__(mails, answer=refused, **more)
