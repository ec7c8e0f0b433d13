"""Why a TLS connection to the model server failed, as the action it asks for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from subscriber.errors import SubscriberError, Transient, WrongSetting

if TYPE_CHECKING:
    from subscriber.pipeline import Model

# as Python words the errors of OpenSSL: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: … (_ssl.c:1006)
_REASON: Final = re.compile(r"\[(?:SSL|X509)(?:: ([\w/]+))?\] (.*?) \(_ssl\.c")
# the ends of alerts that a server sends about the client's certificate
_REFUSALS: Final = (
    *("UNKNOWN_CA", "BAD_CERTIFICATE", "UNSUPPORTED_CERTIFICATE", "ACCESS_DENIED"),
    *("CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "CERTIFICATE_UNKNOWN"),
)


def failure(said: str, url: str, model: Model) -> SubscriberError:
    """What `said`, the text of a failed connection's error, asks for: another setting, or patience."""
    found = _REASON.search(said)
    reason, words = (found[1] or "", found[2]) if found else ("", "SSLError")
    words = words.removeprefix("certificate verify failed: ").rstrip(".")
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return WrongSetting(f"{url}: {_untrusted(words, model)}")
    if reason.endswith("CERTIFICATE_REQUIRED"):
        return WrongSetting(
            f"{url}: the server wants a client certificate: model.client_certificate and model.client_key name one"
        )
    if "ALERT" in reason and reason.endswith(_REFUSALS):
        return WrongSetting(
            f"{url}: the server refuses the client certificate ({words}): check model.client_certificate, "
            f"{model.client_certificate or 'which is not set'}"
        )
    if reason == "WRONG_VERSION_NUMBER":
        return WrongSetting(f"{url}: the server does not speak TLS: should model.url begin with http://?")
    if reason.endswith("HANDSHAKE_FAILURE") and not model.client_certificate:
        # TLS 1.2 has no word of its own for a missing certificate, and this one has other causes, some of which pass
        words += "; it may want a client certificate: model.client_certificate"
    return Transient(f"model API cannot be reached ({words})")


def _untrusted(words: str, model: Model) -> str:
    if "mismatch" in words:
        return f"{words}: model.url must name the host as its certificate does"
    advice = (
        f"is its authority in model.ca_file, {model.ca_file}?"
        if model.ca_file
        else "model.ca_file names the file of its authority"
    )
    return f"the server's certificate is not trusted ({words}): {advice}"
