"""What the other side's failures mean: from the exceptions of the SDKs and status codes to gaps."""

from __future__ import annotations

import re
import threading

from akscan.model.decode import Malformed
from akscan.model.gaps import Gap, Reason
from akscan.model.needs import Need

_REASONS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    429: Reason.THROTTLED,
    408: Reason.TIMEOUT,
    504: Reason.TIMEOUT,
}
_NOT_FOUND = 404
_SERVER_ERRORS = 500
_DETAIL_CHARACTERS = 300


class Interrupted(Exception):  # noqa: N818 the user's wish, not a fault
    """The scan was told to stop."""


def check(stop: threading.Event) -> None:
    """Raises `Interrupted` once the scan was told to stop."""
    if stop.is_set():
        raise Interrupted


class Refused(Exception):  # noqa: N818 becomes a gap
    """An answer of the Kubernetes API that is no success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def reason_of_status(status: int) -> Reason:
    """The reason behind an HTTP status that is no success."""
    return _REASONS.get(status, Reason.SERVER_ERROR if status >= _SERVER_ERRORS else Reason.MALFORMED)


def is_absent(error: Exception) -> bool:
    """Whether the other side said that the named object does not exist."""
    return getattr(error, "status_code", None) == _NOT_FOUND or (
        isinstance(error, Refused) and error.status == _NOT_FOUND
    )


def gap_of(error: Exception, *, source: str, scope: str, need: Need | str) -> Gap:
    """The gap that an exception of an SDK, of urllib3 or of our own stands for."""
    reason, detail = _classify(error)
    return Gap(source=source, scope=scope, reason=reason, permission=str(need), detail=_short(detail))


def _classify(error: Exception) -> tuple[Reason, str]:
    match error:
        case Interrupted():
            return Reason.INTERRUPTED, ""
        case Malformed():
            return Reason.MALFORMED, str(error)
        case Refused(status=status):
            return reason_of_status(status), str(error)
    answered = getattr(error, "status_code", None)
    if isinstance(answered, int):
        return reason_of_status(answered), _arm_message(error)
    return _without_answer(error)


def _without_answer(error: Exception) -> tuple[Reason, str]:
    """Nobody answered: by the classes of azure-core, requests and urllib3, and by what they say."""
    names = {kind.__name__ for kind in type(error).__mro__}
    text = f"{error} {error.__cause__ or ''}"
    if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
        return Reason.TLS, _certificate_fault(text)
    if "ClientAuthenticationError" in names:
        return Reason.UNAUTHORIZED, str(error)
    if any("Timeout" in name for name in names) or "timed out" in text:
        return Reason.TIMEOUT, ""
    if names & {"ServiceRequestError", "ServiceResponseError", "HTTPError", "OSError"}:
        return Reason.UNREACHABLE, _connection_fault(text)
    return Reason.MALFORMED, f"{type(error).__name__}: {error}"


def _arm_message(error: Exception) -> str:
    """ARM's own code and message, without the dump of the SDK around them."""
    inner = getattr(error, "error", None)
    code, message = getattr(inner, "code", None), getattr(inner, "message", None)
    return f"{code}: {message}" if code else str(getattr(error, "message", error))


def _certificate_fault(text: str) -> str:
    found = re.search(r"certificate verify failed: ([^(\"']+)", text)
    return found[1].strip() if found else "the handshake failed"


def _connection_fault(text: str) -> str:
    lowered = text.casefold()
    if "name or service not known" in lowered or "nameresolution" in lowered or "getaddrinfo" in lowered:
        return "the name does not resolve"
    if "refused" in lowered:
        return "the connection was refused"
    return "the connection broke"


def _short(detail: str) -> str:
    line = " ".join(detail.split())
    return line if len(line) <= _DETAIL_CHARACTERS else f"{line[: _DETAIL_CHARACTERS - 3]}..."
