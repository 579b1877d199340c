"""What the other side's failures mean: from the exceptions of the SDKs and status codes to gaps."""

from __future__ import annotations

import re

from akscan.model.decode import Malformed
from akscan.model.gaps import Gap, Reason
from akscan.model.needs import Need
from akscan.quoting import code, refusal, sign_in

_REASONS = {
    401: Reason.UNAUTHORIZED,
    403: Reason.FORBIDDEN,
    404: Reason.NOT_FOUND,
    408: Reason.TIMEOUT,
    409: Reason.CONFLICT,
    410: Reason.EXPIRED,
    429: Reason.THROTTLED,
    504: Reason.TIMEOUT,
}
_NOT_FOUND = 404
#: https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors
_ABSENT_CODES = ("ResourceNotFound", "ResourceGroupNotFound", "NotFound", "ParentResourceNotFound")
_CLIENT_ERRORS = 400
#: "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license."
_UNLICENSED = "AadPremiumLicenseRequired"
_SERVER_ERRORS = 500
FOREIGN_PAGE = "a page of something on the way (a proxy or a sign-in portal), not of the API"
_DETAIL_CHARACTERS = 300


class Ended(Exception):  # noqa: N818 becomes a gap
    """Reading came to its end before this was read."""


class Interrupted(Ended):
    """The scan was told to stop."""


class OutOfTime(Ended):
    """The time for the scan, or for this part of it, is used up; the message names the option."""


class TooLong(Exception):  # noqa: N818 becomes a gap
    """The other side wants to be asked again later than there is time for."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it asks to wait for {seconds:.0f} s, longer than the scan may take")


class Refused(Exception):  # noqa: N818 becomes a gap
    """An answer that is no success, of the Kubernetes API or of something on the way to it."""

    def __init__(self, status: int, message: str, *, by_api: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.by_api = by_api


def reason_of_status(status: int) -> Reason:
    """The reason behind an HTTP status, of an answer that is no success or was not understood."""
    if status >= _SERVER_ERRORS:
        return _REASONS.get(status, Reason.SERVER_ERROR)
    return _REASONS.get(status, Reason.REJECTED) if status >= _CLIENT_ERRORS else Reason.MALFORMED


def is_page(body: str) -> bool:
    """Whether a body is a web page: neither ARM nor an API server answers with one."""
    return body.lstrip()[:1] == "<"


def is_absent(error: Exception) -> bool:
    """Whether the other side itself said that the named object does not exist."""
    if isinstance(error, Refused):
        return error.status == _NOT_FOUND and error.by_api
    told = getattr(getattr(error, "error", None), "code", "")
    return getattr(error, "status_code", None) == _NOT_FOUND and told in _ABSENT_CODES


def is_unlicensed(error: Exception) -> bool:
    """Whether the tenant has no licence of Privileged Identity Management, so that nothing in it is eligible, and no
    assignment ends by itself.
    """
    told = getattr(getattr(error, "error", None), "code", "")
    return getattr(error, "status_code", None) == _CLIENT_ERRORS and told == _UNLICENSED


def gap_of(error: Exception, *, source: str, scope: str, need: Need | str, ended: Ended | None = None) -> Gap:
    """The gap that an exception of an SDK, of urllib3 or of our own stands for. ``ended`` is why reading had to end, if
    it had to: the connections that broke then are no fault of the other side.
    """
    reason, detail = _classify(error, ended)
    return Gap(source=source, scope=scope, reason=reason, permission=str(need), detail=_short(detail))


def _classify(error: Exception, ended: Ended | None) -> tuple[Reason, str]:
    match error:
        case Interrupted():
            return Reason.INTERRUPTED, ""
        case OutOfTime():
            return Reason.TIMEOUT, str(error)
        case TooLong():
            return Reason.THROTTLED, str(error)
        case Malformed():
            return Reason.MALFORMED, str(error)
        case Refused(status=status):
            return reason_of_status(status), str(error)
    answered = getattr(error, "status_code", None)
    if isinstance(answered, int):
        return reason_of_status(answered), _arm_message(error, answered)
    return _classify(ended, None) if ended else _without_answer(error)


def _without_answer(error: Exception) -> tuple[Reason, str]:
    """Nobody answered: by the classes of azure-core, requests and urllib3, and by what they say."""
    names = {kind.__name__ for kind in type(error).__mro__}
    text = f"{error} {error.__cause__ or ''}"
    if "CERTIFICATE" in text.upper() or "SSL" in text.upper():
        return Reason.TLS, _certificate_fault(text)
    if "ClientAuthenticationError" in names:
        return Reason.UNAUTHORIZED, sign_in(str(error))
    if any("Timeout" in name for name in names) or "timed out" in text:
        return Reason.TIMEOUT, ""
    if names & {"ServiceRequestError", "ServiceResponseError", "IncompleteReadError", "HTTPError", "OSError"}:
        return Reason.UNREACHABLE, _connection_fault(text)
    return Reason.MALFORMED, type(error).__name__


def _arm_message(error: Exception, status: int) -> str:
    """ARM's own code, and of its message what `akscan.quoting` passes on."""
    inner = getattr(error, "error", None)
    if told := code(getattr(inner, "code", None)):
        return ": ".join(part for part in (told, refusal(getattr(inner, "message", None))) if part)
    response = getattr(error, "response", None)
    if response is not None and is_page(response.text()):
        return FOREIGN_PAGE
    return f"HTTP status {status} without a message" if status >= _CLIENT_ERRORS else "no valid JSON"


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
