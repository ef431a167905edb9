"""An HTTP/2 server for tests: every request on every stream gets what a function returns."""

import socket
import threading

import h2.config
import h2.connection
import h2.events


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
    """`answer(stream)` returns (status, body) once a request is whole.

    - `together`: how many requests except sign-ins have to be in flight on a connection before the
      first of them is answered.
    """

    def __init__(self, answer, tls, together=1):
        self.together = together
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
        except OSError as error:
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
        status, body = self.answer(stream)
        h2_connection.send_headers(
            identifier, [(":status", str(status)), ("content-length", str(len(body)))]
        )
        h2_connection.send_data(identifier, body, end_stream=True)


def text(value):
    return value if isinstance(value, str) else value.decode()
