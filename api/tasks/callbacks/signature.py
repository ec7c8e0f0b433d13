"""Signatures of callbacks, as Standard Webhooks 1.0 has them."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

PREFIX = "whsec_"
# no token is signed over such a text, as theirs have no space
LABEL = b"stream-serving webhook secret of account "


def secret_of(key: bytes, account: int) -> str:
    """The secret of an account's callbacks, derived from the key that signs tokens: `whsec_` and 32 bytes in base64."""
    return PREFIX + base64.b64encode(hmac.digest(key, LABEL + str(account).encode(), hashlib.sha256)).decode()


def signed(secret: str, webhook_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The head fields of a callback whose `timestamp` is in seconds since 1970."""
    content = b".".join((webhook_id.encode(), str(timestamp).encode(), body))
    mac = hmac.digest(base64.b64decode(secret.removeprefix(PREFIX)), content, hashlib.sha256)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }
