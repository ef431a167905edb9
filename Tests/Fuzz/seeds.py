#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: one folder per target, from the tests of this project and from
../shared/suites if it is present. Usage: seeds.py FOLDER. Nothing of it is committed.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import pathlib
import re
import struct
import sys
from collections.abc import Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITES = ROOT.parent / "shared/suites"
TESTS = ROOT / "Tests"

#: libFuzzer keeps inputs short; longer seeds only slow it down.
MAXIMUM_BYTES = 4_096

LITERAL = re.compile(r'(#?)"""\n(.*?)"""\1|(#?)"((?:[^"\\\n]|\\.)*)"\3', re.S)
ESCAPES = {"\\n": "\n", "\\r": "\r", "\\t": "\t", '\\"': '"', "\\\\": "\\", "\\0": "\0"}


def literals(*patterns: str) -> Iterator[bytes]:
    """The string literals of test files, Swift and Python."""
    for pattern in patterns:
        for file in sorted(TESTS.glob(pattern)):
            for found in LITERAL.finditer(file.read_text("utf-8")):
                text = found[2] if found[2] is not None else found[4]
                if not (found[1] or found[3]):
                    text = re.sub(r"\\u\{(\w+)\}", lambda one: chr(min(int(one[1], 16), sys.maxunicode)), text)
                    text = re.sub(r'\\[nrt"\\0]', lambda one: ESCAPES[one[0]], text)
                yield text.encode("utf-8", "surrogatepass")


def suite(*patterns: str) -> Iterator[bytes]:
    for pattern in patterns:
        for file in sorted(SUITES.glob(pattern)):
            yield file.read_bytes()


def transcripts() -> Iterator[bytes]:
    """The lines that callers send, one by one and in pairs."""
    lines = [
        line[3:].encode()
        for file in sorted((ROOT / "protocol/transcripts").glob("*.txt"))
        for line in file.read_text("utf-8").splitlines() if line.startswith("-> ")]
    yield from lines
    for one, other in zip(lines, lines[1:]):
        yield one + b"\n" + other + b"\r\n"


def jsonpath() -> Iterator[bytes]:
    for text in suite("jsonpath/cts.json"):
        for case in json.loads(text)["tests"]:
            document = json.dumps(case.get("document", {})).encode()
            yield case["selector"].encode() + b"\n" + document
    yield from literals("JSONPathTests/JSONPathTests.swift")


def schemas() -> Iterator[bytes]:
    for text in suite("json-schema/*.json.gz"):
        for group in [group for file in json.loads(gzip.decompress(text)).values() for group in file]:
            schema = json.dumps(group["schema"]).encode()
            yield from (schema + b"\n" + json.dumps(test["data"]).encode() for test in group["tests"])
    yield from literals("JSONSchemaTests/*.swift")


def patterns() -> Iterator[bytes]:
    for pattern in literals("RegexpTests/*.swift"):
        yield pattern.replace(b"\\\\", b"\\") + b"\naA_1 \xc3\xa9-."


def connections() -> Iterator[bytes]:
    settings = {
        "coda_footprint": {"server_url": "https://a.example", "user_name": "u", "password": "p"},
        "bitdefender_gravityzone": {"access_url": "https://a.example", "api_key": {"$env": "KEY"}},
        "gmail": {"refresh_token": {"$file": "/no/such"}, "client_id": "i", "client_secret": "s",
                  "user_email": "a@b.example"},
    }  # fmt: skip
    for integration, own in settings.items():
        for more in ({}, {"proxy": "http://u:p@proxy:1"}, {"tls": {"ca_file": "/no/such"}},
                     {"rate_limits": {"default": {"requests": 5, "per_seconds": 1}}},
                     {"policy": {"allow": ["list_*"], "read_only": True}, "active": False}):  # fmt: skip
            one = {"integration": integration, "settings": own, **more}
            yield json.dumps({"connections": {"a": one}}).encode()
            yield json.dumps({"connections": {"a": one, "b": one}}, indent=2).encode()


def ledger() -> Iterator[bytes]:
    ends = ['"started"', '"unknown"', '"not_applied"', '"done","result":{"return_data":"x"}']
    lines = [f'{{"key":"0a","call":"0c","time":{10**12},"end":{end}}}' for end in ends]
    yield from (line.encode() for line in lines)
    yield "\n".join([*lines, lines[0][:40], "", "x"]).encode()
    yield from literals("EngineTests/Ledger*.swift")


def cursors() -> Iterator[bytes]:
    document = {"v": 2, "user": "a@b.example", "condition": "cbf29ce484222325", "from": 1_700_000_000_000,
                "fetched": ["18c", 0, "18d", 1_000]}  # fmt: skip
    text = json.dumps(document, separators=(",", ":")).encode()
    yield text
    yield base64.urlsafe_b64encode(text).rstrip(b"=")


def batch() -> Iterator[bytes]:
    for type in (b"multipart/mixed; boundary=b", b'multipart/mixed; boundary="b c"'):
        parts = b"".join(
            b"--b\r\nContent-Type: application/http\r\nContent-ID: <response-%d>\r\n\r\n"
            b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n\r\n{}\r\n" % (number, status)
            for number, status in enumerate((200, 404, 429)))
        yield type + b"\n" + parts + b"--b--\r\n"
    yield from literals("gmail/test_batch*.py")


def rates() -> Iterator[bytes]:
    now = 86_400_000_000_000
    for words in ([0, 0, 0, 0, 0, 0], [now, 0, 0, 5, 1_000_000_000, 2, now - 5, now + 5, now + 5],
                  [-(2**63), 0, 0, 4_096, 31_536_000_000_000_000, 1, -(2**63)]):  # fmt: skip
        yield struct.pack(f"<{len(words)}q", *words)


def payloads() -> Iterator[bytes]:
    headers = [{"name": "Subject", "value": "=?utf-8?q?a?="}, {"name": "From", "value": "A <a@b.example>"}]
    leaf = {"partId": "0", "mimeType": "text/plain", "filename": "", "headers": headers,
            "body": {"size": 3, "data": "YWJj"}}  # fmt: skip
    attached = {"partId": "1", "mimeType": "message/rfc822", "filename": "m.eml",
                "body": {"attachmentId": "ANGjd", "size": 9}, "parts": [leaf]}  # fmt: skip
    for payload in (leaf, attached, {"mimeType": "multipart/mixed", "headers": headers, "parts": [leaf, attached]}):
        yield json.dumps(payload).encode()


SEEDS = {
    "framing": lambda: [*transcripts(), *suite("json/test_parsing/*.json", "jsonrpc/*"),
                        *literals("RPCTests/*.swift", "JSONTests/*.swift")],
    "jsonpath": jsonpath,
    "iregexp": lambda: literals("RegexpTests/IRegexpTests.swift"),
    "schema": schemas,
    "schema_pattern": patterns,
    "mail": lambda: [*suite("mail/**/*.eml"), *literals("MailTests/*.swift")],
    "headers": lambda: [*literals("MailTests/*.swift"), *suite("mail/**/*.txt")],
    "gmail_payload": payloads,
    "html": lambda: literals("MailTests/*.swift", "gmail/*.py"),
    "filters": lambda: literals("gravityzone/*.py", "IntegrationKitTests/*.swift"),
    "times": lambda: literals("BasicsTests/Timestamp*.swift", "IntegrationKitTests/Timestamp*.swift"),
    "time_formats": lambda: [
        format + b"\n" + time for format in (b"%d.%m.%Y %H:%M", b"%m/%d/%y", b"%A %e %B %Y %T %z", b"%s", b"%x %X", b"%FT%T")
        for time in (b"19.05.2022 02:00", b"05/19/22", b"Thursday 19 May 2022 02:00:00 +0200", b"1652925600", b"x")],
    "cursors": cursors,
    "batch": batch,
    "connections": connections,
    "ledger": ledger,
    "rates": rates,
    "keys": lambda: literals("CryptoTests/*.swift"),
    "content_disposition": lambda: [
        *literals("HTTPTests/*.swift"), b"attachment; filename=\"a\\\"b.zip\"; filename*=utf-8''%e2%82%ac.zip"],
    "retry_after": lambda: literals("HTTPTests/RetryAfterTests.swift"),
    "urls": lambda: literals("HTTPTests/BaseURLTests.swift", "HTTPTests/*.swift"),
    "requests": lambda: [
        b"GET /a?b=c HTTP/1.1\nHost: x\nContent-Length: 3\n",
        b"POST * HTTP/1.0\nTransfer-Encoding: chunked\nExpect: 100-continue\nConnection: close\n",
        *literals("http/*.py", "sandbox/*.py")],
}  # fmt: skip

#: Texts that a mutation rarely finds.
WORDS = {
    "framing": ['"jsonrpc":"2.0"', '"id":', '"method":', '"params":', "\\ud83d\\ude00", "\xef\xbb\xbf", "1e400"],
    "jsonpath": ["$..", "[?@.", "[?length(@", "count(", "match(@,'", "search(@,'", "value(", "&&", "||", "[-1:0:-1]", "['", "!=", "<="],
    "iregexp": ["\\p{Lu}", "\\P{N}", "{1,3}", "[^", "(a|b)*", "\\.", "[a-z]"],
    "schema": ['{"$ref":"#/$defs/a"}', '"unevaluatedProperties":false', '"$dynamicRef":"#a"', '"$dynamicAnchor":"a"', '"$id":"a"',
               '"multipleOf":0.1', '"uniqueItems":true', '"patternProperties":{', '"anyOf":[', '"if":', '"enum":[', "1e400"],
    "schema_pattern": ["\\p{L}", "[^\\w-]", "(?:", "{2,3}?", "\\b", "\\u{1F600}", "(?<a>", "[\\s\\S]"],
    "mail": ["Content-Type: multipart/mixed; boundary=a\n\n--a\n", "Content-Type: message/rfc822\n\n", "--a--\n",
             "Content-Transfer-Encoding: base64\n", "Content-Transfer-Encoding: quoted-printable\n", "charset=iso-2022-jp",
             "=?utf-8?b?", "=?iso-8859-1?q?", "filename*0*=utf-8''", "\r\n"],
    "headers": ["=?utf-8?b?", "=?iso-2022-jp?b?", "?=", "*0*=utf-8''", "; filename=", "<a@b>", "(c)", ";", " +0000", "utf-16", "gb18030", "utf-7"],
    "html": ["<br>", "<p>", "&amp;", "&#x41;", "<!--", "<script>", "<a href=", "<li>", "<td>"],
    "filters": ["details.name:", "details.macs in (", " AND ", "depth.allItemsRecursively:True", "type.groups:", "\""],
    "times": ["2022-05-19T02:00:00Z", "23:59:60", "+02:00", " AM", "05/19/2022"],
    "time_formats": ["%Y-%m-%d", "%j", "%E", "%O", "%c", "%s", "%z", "%G-W%V"],
    "batch": ["--b\r\n", "Content-ID: <response-0>\r\n\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\n\r\n"],
    "connections": ['"connections":', '"settings":', '"integration":"gmail"', '"$file":', '"rate_limits":', '"policy":', '"tls":'],
    "ledger": ['{"key":"', '","call":"', '","time":', ',"end":"', 'done","result":', 'started"}'],
    "keys": ["-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----", ",ENCRYPTED", "\\n"],
    "content_disposition": ["; filename=\"", "; filename*=utf-8''", "%2F", "\\\""],
    "retry_after": ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94", "Sun Nov  6 08:49:37 1994"],
    "urls": ["https://", "http://127.0.0.1:", "[::1]", "socks5h://", "@"],
    "requests": ["HTTP/1.1\n", "Content-Length: ", "Transfer-Encoding: chunked\n", "Host: a\n"],
}  # fmt: skip


def quoted(word: str) -> str:
    return '"' + "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b'"\\' else f"\\x{byte:02x}"
        for byte in word.encode("latin-1")) + '"'


def main(folder: pathlib.Path) -> None:
    for target, seeds in SEEDS.items():
        own = folder / target
        own.mkdir(parents=True, exist_ok=True)
        for seed in seeds():
            if len(seed) <= MAXIMUM_BYTES:
                (own / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
        words = "".join(quoted(word) + "\n" for word in WORDS.get(target, []))
        (folder / f"{target}.dict").write_text(words)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
