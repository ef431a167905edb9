"""Proxies that refuse: nothing reaches the vendor, and no attempt is repeated that would be refused
again."""

import base64
import socket
import threading

import pytest
from Support.session import Host, connection
from Support.upstream import Upstream, reply

VENDOR = "https://vendor.invalid"


def refusing(status, *challenges):
    return Upstream(lambda request: reply(status, "", [("Proxy-Authenticate", c) for c in challenges], close=True))


def failure(proxy_url, command="patch_rescan", server=VENDOR, env=None):
    more = {} if env else {"proxy": proxy_url}
    with Host(connection(server, **more), env=env) as host:
        error = host.failure(command)
        assert (error["kind"], error["status_code"]) == ("network", 502)
        assert error["outcome"] == "not_applied"
        assert "Wrong-Password" not in str(error)
        return error


def with_user(url):
    return url.replace("//", "//robot:Wrong-Password@")


@pytest.mark.parametrize("server", [VENDOR, "http://127.0.0.1:9"], ids=["tunnel", "plain"])
@pytest.mark.parametrize("challenges, words", [
    (["NTLM", "Negotiate"], ["NTLM, Negotiate", "only Basic"]),
    (["Negotiate, NTLM"], ["Negotiate, NTLM", "only Basic"]),
    (['Digest realm="a, Basic b", nonce="x,y"'], ["Digest", "only Basic"]),
    (['Basic realm="proxy"'], ["requires a user name and password", "Basic"]),
    ([], ["requires a user name and password", "no scheme"]),
])
def test_a_proxy_that_wants_a_user_is_asked_once(challenges, words, server):
    with refusing(407, *challenges) as proxy:
        error = failure(proxy.url, server=server)
        assert error["retryable"] is False and "407" in error["message"]
        for word in words:
            assert word in error["message"]
        assert len(proxy.requests) == 1


@pytest.mark.parametrize("way", ["setting", "environment"])
def test_a_wrong_proxy_password_is_sent_once(way):
    with refusing(407, 'Basic realm="proxy"') as proxy:
        url = with_user(proxy.url)
        error = failure(url, env={"https_proxy": url} if way == "environment" else None)
        assert error["retryable"] is False
        assert "rejects the user name or password" in error["message"]
        assert "proxy URL" in error["remedy"]
        (request,) = proxy.requests
        sent = base64.b64decode(request.header("proxy-authorization").removeprefix("Basic "))
        assert sent == b"robot:Wrong-Password"


@pytest.mark.parametrize("status, is_retried", [(400, False), (403, False), (451, False), (429, True), (502, True), (503, True)])
def test_a_refused_tunnel_is_repeated_only_if_it_may_succeed(status, is_retried):
    with refusing(status) as proxy:
        error = failure(proxy.url)
        assert error["retryable"] is is_retried and str(status) in error["message"]
        assert (len(proxy.requests) > 1) is is_retried


def socks5(*answers):
    """A SOCKS5 proxy (RFC 1928, RFC 1929) that sends each answer after something came; and a list
    with one element for each connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections = []

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            connections.append(client)
            with client:
                for answer in answers:
                    client.recv(4_096)
                    client.sendall(answer)
                client.recv(4_096)

    threading.Thread(target=serve, daemon=True).start()
    return listener, connections


SOCKS = {
    "no method": ([b"\x05\xff"], "authentication"),
    "wrong password": ([b"\x05\x02", b"\x01\x01"], "rejected"),
    "not allowed": ([b"\x05\x02", b"\x01\x00", b"\x05\x02\x00\x01\0\0\0\0\0\0"], "refuses"),
}


@pytest.mark.parametrize("what", SOCKS)
def test_a_socks_proxy_that_refuses_is_asked_once(what):
    answers, word = SOCKS[what]
    listener, connections = socks5(*answers)
    with listener:
        url = f"socks5h://robot:Wrong-Password@127.0.0.1:{listener.getsockname()[1]}"
        error = failure(url)
        assert error["retryable"] is False and word in error["message"], error
        assert not error["message"].endswith("..")
        assert len(connections) == 1
        listener.shutdown(socket.SHUT_RDWR)


def test_a_socks_proxy_that_cannot_reach_the_server_is_asked_again():
    listener, connections = socks5(b"\x05\x02", b"\x01\x00", b"\x05\x04\x00\x01\0\0\0\0\0\0")
    with listener:
        error = failure(f"socks5h://robot:Wrong-Password@127.0.0.1:{listener.getsockname()[1]}")
        assert error["retryable"] is True and len(connections) > 1
        listener.shutdown(socket.SHUT_RDWR)
