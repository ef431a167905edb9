"""Mails with huge headers: what they cost, and that they hide nothing."""

import sys
import pathlib

import pytest
from Support.session import Host

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from test_attachments import ID, Message, arguments, stored, tree  # noqa: E402

SIZE = 6 << 20
BOUNDARY = b'; boundary="edge"'
PARTS = (
    b"\r\n--edge\r\nContent-Type: text/plain\r\n\r\nHello\r\n"
    b"--edge\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=inner.zip\r\n\r\n"
    b"PK-content\r\n--edge--\r\n")


def mail(content_type, *headers):
    lines = [b"Subject: Inner", b"Content-Type: " + content_type, *headers]
    return b"\r\n".join(lines) + b"\r\n" + PARTS


def outer(inner):
    return (b'Subject: Outer\r\nContent-Type: multipart/mixed; boundary="out"\r\n\r\n'
            b"--out\r\nContent-Type: message/rfc822\r\nContent-Disposition: attachment; "
            b"filename=reported.eml\r\n\r\n" + inner + b"\r\n--out--\r\n")


HUGE = {
    "parameters": mail(b"multipart/mixed" + b"; a=b" * (SIZE // 5) + BOUNDARY),
    "one name": mail(b"multipart/mixed" + BOUNDARY + b"; name*0=a" * (SIZE // 10)),
    "comments": mail(b"multipart/mixed " + b"(a)" * (SIZE // 3) + BOUNDARY),
    "addresses": mail(b"multipart/mixed" + BOUNDARY, b"To: " + b"a@b.example," * (SIZE // 12)),
    "encoded words": mail(b"multipart/mixed" + BOUNDARY, b"X-A: " + b"=?utf-8?q?a?= " * (SIZE // 14)),
}


def download(raw, *names):
    with Message(tree(), raw=raw) as google, Host(google.connection()) as host:
        host.call("ping")
        result = host.result("download_email_attachment", arguments(*names), timeout_ms=60_000)
        return stored(result), host.peak_mebibytes()


@pytest.fixture(scope="module")
def usual():
    """Mebibytes that a host needs for a mail of that size without such a header."""
    raw = outer(mail(b"multipart/mixed" + BOUNDARY) + b"x" * SIZE)
    return download(raw, "reported.eml")[1]


@pytest.mark.parametrize("what", HUGE)
def test_a_huge_header_costs_little_more_than_its_size(what, usual):
    files, peak = download(outer(HUGE[what]), "reported.eml")
    assert [(name, content) for name, _, content in files] == [("reported.eml", HUGE[what])]
    assert peak < usual + 40, f"{peak} MiB, usually {usual}"
