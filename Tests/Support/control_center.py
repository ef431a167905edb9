"""A Control Center of GravityZone that a test programs, over raw sockets (see `upstream`)."""

import base64

from Support.upstream import Upstream, reply

KEY = "ab12cd34ef56ab12cd34ef56ab12cd34"
AUTHORIZATION = "Basic " + base64.b64encode(f"{KEY}:".encode()).decode()
#: No test waits for the vendor's own limits unless it is about them.
FAST = {
    name: {"requests": 100_000, "per_seconds": 1} for name in ("default", "tasks", "blocklist")
}


def connection(url, **more):
    own = more.pop("settings", {})
    settings = {"server_url": url, "api_key": KEY, **own}
    return {
        "integration": "bitdefender_gravityzone",
        "settings": settings,
        "rate_limits": FAST,
        **more,
    }


def success(request, result):
    return reply(200, {"id": request.json["id"], "jsonrpc": "2.0", "result": result})


def failure(request, details, status=200, code=-32602, message="Invalid params"):
    error = {"code": code, "message": message, "data": {"details": details}}
    return reply(status, {"id": request.json["id"], "jsonrpc": "2.0", "error": error})


class ControlCenter(Upstream):
    """`answer` gets the request, its method and its params; without one everything is true."""

    def __init__(self, answer=None, **more):
        self.method = answer or (lambda request, method, params: success(request, True))
        super().__init__(self.route, **more)

    def route(self, request):
        if request.method != "POST":
            return self.method(request, request.path, dict(request.query))
        return self.method(request, request.json["method"], request.json["params"])

    def connection(self, **more):
        return connection(self.url, **more)

    @property
    def calls(self):
        """`(path, method, params)` of each, in the order in which they came."""
        return [
            (r.path, r.json["method"], r.json["params"]) for r in list(self.requests) if r.body
        ]
