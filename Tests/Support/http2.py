"""An HTTP/2 server for tests: every request on every stream gets what a function returns."""

import socket
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

from Support import upstream


class Stream:
    def __init__(self, connection, headers):
        self.connection = connection
        self.headers = headers
        self.body = b""

    def header(self, name):
        return dict(self.headers).get(name)

    @property
    def path(self):
        return self.header(":path").partition("?")[0]


class HTTP2Server:
    """`answer(stream)` returns (status, body) once a request is whole, or a function of the h2
    connection and the id of the stream.

    - `http1`: the `Upstream` that answers a connection without HTTP/2.
    - `together`: how many requests except sign-ins have to be in flight on a connection before the
      first of them is answered.
    """

    def __init__(self, answer, tls, together=1, http1=None):
        self.together = together
        self.http1 = http1
        self.answer = answer
        self.tls = tls
        self.streams = []
        self.protocols = []
        self.most_at_once = 0
        self.faults = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            number = len(self.protocols)
            self.protocols.append(None)
            threading.Thread(target=self.run, args=(number, plain), daemon=True).start()

    def run(self, number, plain):
        try:
            with self.tls.wrap_socket(plain, server_side=True) as secure:
                self.protocols[number] = secure.selected_alpn_protocol()
                if self.protocols[number] == "h2":
                    self.serve(number, secure)
                elif self.http1 is not None:
                    upstream.Connection(number, self.http1, secure).run()
        except (OSError, h2.exceptions.ProtocolError) as error:
            self.faults.append(error)

    def serve(self, number, secure):
        h2_connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        h2_connection.initiate_connection()
        secure.sendall(h2_connection.data_to_send())
        opened, whole = {}, []
        missing = self.together
        while data := secure.recv(65_536):
            for event in h2_connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    headers = [(text(name), text(value)) for name, value in event.headers]
                    opened[event.stream_id] = Stream(number, headers)
                elif isinstance(event, h2.events.DataReceived):
                    opened[event.stream_id].body += event.data
                    h2_connection.acknowledge_received_data(
                        event.flow_controlled_length, event.stream_id
                    )
                elif isinstance(event, h2.events.StreamEnded):
                    self.streams.append(opened[event.stream_id])
                    whole.append(event.stream_id)
            calls = [id for id in whole if not opened[id].path.endswith("/auth/token/")]
            self.most_at_once = max(self.most_at_once, len(calls))
            if len(calls) >= missing:
                missing = 1
            for id in [id for id in whole if id not in calls or missing == 1]:
                whole.remove(id)
                self.respond(h2_connection, id, opened.pop(id))
            secure.sendall(h2_connection.data_to_send())

    def respond(self, h2_connection, identifier, stream):
        action = self.answer(stream)
        if callable(action):
            action(h2_connection, identifier)
            return
        status, body = action
        h2_connection.send_headers(
            identifier, [(":status", str(status)), ("content-length", str(len(body)))]
        )
        h2_connection.send_data(identifier, body, end_stream=True)


def refuse(h2_connection, identifier):
    """The stream is refused before it is processed (RFC 9113 section 8.7)."""
    h2_connection.reset_stream(identifier, h2.errors.ErrorCodes.REFUSED_STREAM)


def leave(h2_connection, identifier):
    """A GOAWAY that excludes the stream (RFC 9113 section 6.8)."""
    h2_connection.close_connection(last_stream_id=max(0, identifier - 2))


def break_off(h2_connection, identifier):
    """The stream ends with an error after which it may have been processed."""
    h2_connection.reset_stream(identifier, h2.errors.ErrorCodes.INTERNAL_ERROR)


def ask_for_http1(h2_connection, identifier):
    h2_connection.reset_stream(identifier, h2.errors.ErrorCodes.HTTP_1_1_REQUIRED)


def text(value):
    return value if isinstance(value, str) else value.decode()
