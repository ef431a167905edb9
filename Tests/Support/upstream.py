"""A vendor that a test programs: HTTP/1.1 over raw sockets, so that it can also behave badly.

    with Upstream(lambda request: reply(200, {"items": []})) as upstream:
        ...
        assert upstream.requests[0].path == "/api/console/elements/devices/"

The function gets a `Request` and returns what happens: a `Reply`, or a function of the
`Connection` that does what it likes with the socket (`reset`, `hang_up`, `wait_for`, raw bytes).
Each connection has its own thread, so a function may block.
"""

import base64
import json
import select
import socket
import ssl
import struct
import threading
import time
import urllib.parse

PATIENCE = 20  # seconds that anything is waited for


class Request:
    def __init__(self, connection, method, target, version, headers, body):
        self.connection = connection
        self.method = method
        self.target = target
        self.version = version
        self.headers = headers  # [(name, value)], as received
        self.body = body
        self.at = time.monotonic()
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)

    def header(self, name):
        """The value of a header, or None; more than one is a fault."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.method} {self.target} on {self.connection.number}>"


class Reply:
    def __init__(self, status, body=b"", headers=(), close=False):
        self.status = status
        self.body = body
        self.headers = list(headers)
        self.close = close

    def bytes(self, request):
        lines = [f"HTTP/1.1 {self.status} Status"]
        names = {name.lower() for name, _ in self.headers}
        if not names & {"content-length", "transfer-encoding"}:
            lines.append(f"Content-Length: {len(self.body)}")
        if self.close:
            lines.append("Connection: close")
        lines += [f"{name}: {value}" for name, value in self.headers]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("latin-1") + (b"" if request.method == "HEAD" else self.body)


def reply(status=200, body=None, headers=(), close=False):
    """A reply with a JSON value, text or bytes; None is no body."""
    headers = list(headers)
    if body is None:
        data = b""
    elif isinstance(body, bytes):
        data = body
    elif isinstance(body, str):
        data = body.encode()
    else:
        data = json.dumps(body).encode()
        headers.append(("Content-Type", "application/json"))
    return Reply(status, data, headers, close)


def raw(*chunks, close=True):
    """Bytes as they are."""

    def act(connection):
        for chunk in chunks:
            connection.send(chunk)
        return close

    return act


def reset(connection):
    """The connection breaks with RST."""
    connection.reset()
    return True


def hang_up(connection):
    """The connection closes without a response."""
    return True


def after(event, then):
    """Something that happens when an event is set, unless the client leaves before."""

    def act(connection):
        while not event.wait(0.02):
            if connection.peer_has_left():
                return True
        return connection.perform(then)

    return act


def silent(connection):
    """Nothing, until the client leaves."""
    connection.wait_until_left()
    return True


class Connection:
    def __init__(self, number, upstream, plain):
        self.number = number
        self.upstream = upstream
        self.socket = plain
        self.closed = threading.Event()  # the peer has left, or we have
        self.request = None
        self.certificate = None
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def peer_has_left(self):
        readable, _, _ = select.select([self.socket], [], [], 0)
        if not readable:
            return False
        try:
            return self.socket.recv(1, 0 if isinstance(self.socket, ssl.SSLSocket) else socket.MSG_PEEK) == b""
        except OSError:
            return True

    def wait_until_left(self):
        select.select([self.socket], [], [], PATIENCE)
        assert self.peer_has_left(), "the client did not leave"

    def perform(self, action):
        """Returns whether the connection ends now."""
        if isinstance(action, Reply):
            self.send(action.bytes(self.request))
            return action.close
        return action(self)

    # The thread

    def run(self):
        try:
            if self.upstream.tls is not None:
                self.shake_hands()
            while (request := self.read()) is not None:
                self.request = request
                action = self.upstream.received(request)
                if self.perform(action):
                    break
        except (OSError, ValueError) as error:
            self.upstream.faults.append(error)
        finally:
            try:
                self.socket.close()
            except OSError:
                pass
            self.closed.set()
            self.upstream.left(self)

    def shake_hands(self):
        plain = self.socket
        try:
            self.socket = self.upstream.tls.wrap_socket(
                plain, server_side=True, do_handshake_on_connect=False
            )
            self.socket.do_handshake()
            self.certificate = self.socket.getpeercert()
        except ssl.SSLError:
            # What the client has sent meanwhile must be read, or the alert is lost to a reset.
            plain = socket.socket(fileno=self.socket.detach())
            self.socket = plain
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(65_536):
                pass
            raise

    def fill(self):
        data = self.socket.recv(262_144)
        self.buffer += data
        return bool(data)

    def read(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self.fill():
                return None
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
        headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]
        length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
        while len(self.buffer) < length:
            if not self.fill():
                return None
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Request(self, method, target, version, headers, body)


class Upstream:
    """A listening socket, a thread for each connection, and a record of all of it."""

    def __init__(self, answer, tls=None, host="127.0.0.1", name=None, port=0):
        self.answer = answer
        self.tls = tls
        self.requests = []
        self.connections = []
        self.faults = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.changed = threading.Condition()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.listener = socket.create_server((host, port), family=family, backlog=256)
        self.port = self.listener.getsockname()[1]
        shown = name or (f"[{host}]" if ":" in host else host)
        self.url = f"{'https' if tls else 'http'}://{shown}:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Nobody listens any more, and every connection ends."""
        # A thread in accept keeps the socket alive; shutdown wakes it.
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        for connection in list(self.connections):
            try:
                connection.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                connection = Connection(len(self.connections), self, plain)
                self.connections.append(connection)
                self.changed.notify_all()
            threading.Thread(target=connection.run, daemon=True).start()

    def received(self, request):
        with self.changed:
            self.requests.append(request)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            self.changed.notify_all()
        try:
            action = self.answer(request)
        finally:
            with self.changed:
                self.in_flight -= 1
        return action

    def left(self, connection):
        with self.changed:
            self.changed.notify_all()

    def wait(self, condition, what):
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE), f"never happened: {what}"

    def wait_for(self, count, path=None):
        """Waits until so many requests (to a path) have come; returns them."""
        self.wait(lambda: len(self.to(path)) >= count, f"{count} requests to {path}")
        return self.to(path)

    def to(self, path=None, method=None):
        return [
            request
            for request in list(self.requests)
            if (path is None or request.path == path) and method in (None, request.method)
        ]


# A vendor of CODA's kind

LOGIN = "/api/auth/token/"
REFRESH = "/api/auth/token/refresh/"
TENANTS = "/api/common/auth/session/accounts/"
DEVICES = "/api/console/elements/devices/"
CONTEXTS = "/api/console/elements/contexts/technical/"
SCANNERS = "/api/console/scanSurface/scanners/"
SURFACE = "/api/console/scanSurface/"
PORTS = "/api/console/scanSurface/currentTargets/ports/"
RESCAN = "/api/console/scanSurface/rescan/"
TARGET = "/api/console/scanSurface/currentTargets/77/"
UNAUTHORIZED = {"detail": "Given token not valid for any token type", "code": "token_not_valid"}


class Tenant(Upstream):
    """Signs in everybody; what comes after that is up to the test.

    `login` and `refresh` may be replaced; they get the request and the number of the sign-in,
    which the tokens carry, from 1.
    """

    def __init__(self, answer=None, login=None, refresh=None, **more):
        self.answer_signed_in = answer or (lambda request: reply(200, []))
        self.login = login or (lambda request, number: reply(200, self.tokens(number)))
        self.refresh = refresh or (
            lambda request, number: reply(200, {"access": self.tokens(number)["access"]})
        )
        self.sign_ins = 0
        self.lock = threading.Lock()
        super().__init__(self.route, **more)

    @staticmethod
    def tokens(number):
        def token(kind):
            claims = json.dumps({"kind": kind, "number": number}).encode()
            return base64.urlsafe_b64encode(claims).decode().rstrip("=")

        return {"refresh": "refresh." + token("refresh"), "access": "access." + token("access")}

    def route(self, request):
        if request.path not in (LOGIN, REFRESH):
            return self.answer_signed_in(request)
        with self.lock:
            self.sign_ins += 1
            number = self.sign_ins
        return (self.login if request.path == LOGIN else self.refresh)(request, number)

    @property
    def logins(self):
        return self.to(LOGIN)

    @property
    def refreshes(self):
        return self.to(REFRESH)

    @property
    def calls(self):
        """The requests without the sign-ins."""
        return [r for r in list(self.requests) if r.path not in (LOGIN, REFRESH)]


def in_turn(*actions):
    """Each request gets the next action; the last one stays."""
    rest = list(actions)
    lock = threading.Lock()

    def answer(request):
        with lock:
            return rest.pop(0) if len(rest) > 1 else rest[0]

    return answer


# Proxies


def splice(client, address):
    """Bytes both ways until one side ends."""
    with socket.create_connection(address) as server:
        while True:
            for source in select.select([client, server], [], [], 20)[0]:
                data = source.recv(65_536)
                if not data:
                    return
                (server if source is client else client).sendall(data)


def tunnel(request):
    """What a proxy does when it is asked for a tunnel."""
    host, _, port = request.target.rpartition(":")

    def act(client):
        client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        splice(client.socket, (host, int(port)))
        return True

    return act
