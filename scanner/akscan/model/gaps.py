"""What could not be read, as a value: a gap never looks like an absence."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """Why something is not in the inventory."""

    FORBIDDEN = "forbidden"
    UNAUTHORIZED = "unauthorized"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    TLS = "tls"
    SERVER_ERROR = "server_error"
    REJECTED = "rejected"
    CONFLICT = "conflict"
    EXPIRED = "expired"
    MALFORMED = "malformed"
    NOT_FOUND = "not_found"
    STOPPED = "stopped"
    NOT_READ = "not_read"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


class Gap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that could not be read.

    ``source`` is ``arm`` or ``kubernetes``; ``scope`` the ARM id (or cluster) it is about; ``permission`` the ARM
    action or the Kubernetes verb and resource (``list pods``) that would have been needed, ``detail`` what the other
    side said.
    """

    source: str
    scope: str
    reason: Reason
    permission: str = ""
    detail: str = ""

    def __str__(self) -> str:
        lead = _SENTENCES[self.reason].format(permission=self.permission or "this read", scope=self.scope)
        return f"{lead}: {self.detail}" if self.detail else lead


def untold(source: str, scope: object, detail: str, permission: str = "") -> Gap:
    """Something was read and does not tell what is wanted: ``detail`` says what of it."""
    return Gap(source=source, scope=str(scope), reason=Reason.UNKNOWN, permission=permission, detail=detail)


_SENTENCES = {
    Reason.FORBIDDEN: "{permission} is missing on {scope}",
    Reason.UNAUTHORIZED: "{scope} did not accept the sign-in",
    Reason.THROTTLED: "{scope} still throttled after retries",
    Reason.TIMEOUT: "{scope} did not answer in time",
    Reason.UNREACHABLE: "{scope} cannot be reached from here",
    Reason.TLS: "the TLS connection to {scope} failed",
    Reason.SERVER_ERROR: "{scope} answered with an error",
    Reason.REJECTED: "{scope} rejected the request",
    Reason.CONFLICT: "{scope} was busy with another operation; scan again when that has ended",
    Reason.EXPIRED: "{scope} changed faster than it could be read; scan again",
    Reason.MALFORMED: "the answer of {scope} could not be understood",
    Reason.NOT_FOUND: "{scope} does not exist, or is hidden from this identity",
    Reason.STOPPED: "the cluster is stopped",
    Reason.NOT_READ: "{permission} was not read for {scope}",
    Reason.INTERRUPTED: "the scan was interrupted before {scope} was read",
    Reason.UNKNOWN: "{scope} does not tell",
}


class NotCollected(Exception):  # noqa: N818 a verdict, not a fault
    """A rule touched a gap; the engine makes *not assessed* of it."""

    def __init__(self, gap: Gap) -> None:
        super().__init__(str(gap))
        self.gap = gap


def require_no_perimeter(scope: str, public_network_access: str) -> None:
    """Raises `NotCollected` where a network security perimeter decides who reaches a resource, its own firewall and the
    services that this trusts aside (https://learn.microsoft.com/azure/private-link/network-security-perimeter-concepts).
    """
    if public_network_access.casefold() == "securedbyperimeter":
        detail = "a network security perimeter decides who reaches it"
        raise NotCollected(Gap(source="arm", scope=str(scope), reason=Reason.UNKNOWN, detail=detail))
