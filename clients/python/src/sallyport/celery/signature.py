"""Signatures of tasks: a worker runs only commands of callers that have its key."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pathlib
import urllib.parse
from collections.abc import Mapping
from typing import Any

from sallyport.errors import SallyportError

#: Characters of a key: 16 random bytes in hexadecimal digits.
SHORTEST_KEY = 32
#: Rounds of PBKDF2, for a key that is derived from a password.
ROUNDS = 200_000


class ConfigurationError(SallyportError):
    """The environment of a worker, or an argument of `Remote`, cannot be used."""


class Signer:
    """Signs with HMAC-SHA256."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, task: str, message: Mapping[str, Any]) -> str:
        """The signature of a message under the id of its task: for another task it is invalid."""
        # Sorted and without spaces, because a message does not keep the text of its JSON.
        body = json.dumps([task, message], sort_keys=True, separators=(",", ":"))
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()

    def verify(self, task: str, message: Mapping[str, Any], signature: Any) -> bool:
        try:
            expected = self.sign(task, message)
        except (TypeError, ValueError):  # Celery's serializer has types that JSON has not.
            return False
        return isinstance(signature, str) and hmac.compare_digest(
            expected.encode(), signature.encode("utf-8", "surrogatepass")
        )


def signer_for(url: str, environment: Mapping[str, str] = os.environ) -> Signer | None:
    """Signs with `SALLYPORT_CELERY_KEY`, the content of `SALLYPORT_CELERY_KEY_FILE`, or a key that is
    derived from the password of Redis. None without all three.
    """
    key = environment.get("SALLYPORT_CELERY_KEY")
    file = environment.get("SALLYPORT_CELERY_KEY_FILE")
    if not key and file:
        try:
            key = pathlib.Path(file).read_text("utf-8").strip()
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"SALLYPORT_CELERY_KEY_FILE {file} cannot be read ({type(error).__name__})."
            ) from None
    if key or file:
        if len(key or "") < SHORTEST_KEY:
            raise ConfigurationError(
                f"The key of SALLYPORT_CELERY_KEY must have at least {SHORTEST_KEY} characters; "
                "make one with: openssl rand -hex 32."
            )
        return Signer((key or "").encode())
    password = urllib.parse.urlsplit(url).password
    if not password:
        return None
    # Slowly: a signature must not help to guess the password.
    text = urllib.parse.unquote(password).encode()
    return Signer(hashlib.pbkdf2_hmac("sha256", text, b"sallyport.celery", ROUNDS))
