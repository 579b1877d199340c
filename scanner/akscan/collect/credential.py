"""The sign-in of a scan: a credential of azure-identity, and a fresh one when a good token is suddenly refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

_UNAUTHORIZED = 401
_BEARER = "Bearer "


class Credential:
    """Hands out tokens. azure-identity keeps a token until shortly before its end by our clock; when the other side
    ends it earlier (revoked, clocks that differ), only a credential that never saw it asks for another.
    """

    def __init__(self, make: Callable[[], TokenCredential]) -> None:
        self._make = make
        self._credential = make()
        self._accepted: set[str] = set()
        self._replaced: set[str] = set()
        self._exchanged_unproven = False
        self._lock = threading.Lock()
        self._asking = threading.Lock()

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """As `TokenCredential`, one thread at a time: each that finds no token kept would run ``az`` by itself. Raises
        the credential's own error.
        """
        with self._asking:
            return self._credential.get_token(*scopes, **options)

    def accept(self, token: str) -> None:
        """The other side took the token."""
        if token not in self._accepted:
            with self._lock:
                self._accepted.add(token)
                self._exchanged_unproven = False

    def renew(self, refused: str) -> bool:
        """Whether another token than the refused one can be had. Of those that never were any good, one is exchanged:
        it may have ended before its first use.
        """
        with self._lock:
            if refused in self._accepted or (refused not in self._replaced and not self._exchanged_unproven):
                self._exchanged_unproven = refused not in self._accepted
                self._accepted.discard(refused)
                self._replaced.add(refused)
                self._credential = self._make()
            return refused in self._replaced


class Authentication(ARMChallengeAuthenticationPolicy):
    """As inherited; a token that ended too early is renewed once."""

    def __init__(self, credential: Credential, scope: str) -> None:
        super().__init__(credential, scope)
        self._renewable = credential
        self._scope = scope

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """As inherited."""
        response = super().send(request)
        token = request.http_request.headers.get("Authorization", "").removeprefix(_BEARER)
        if response.http_response.status_code != _UNAUTHORIZED:
            self._renewable.accept(token)
        elif self._renewable.renew(token):
            self.authorize_request(request, self._scope)
            response = self.next.send(request)
        return response
