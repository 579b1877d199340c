"""Ways to a Kubernetes API server: a kubeconfig context, or what ARM hands out plus a Microsoft Entra token."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import urllib3
import yaml
from kubernetes import client, config

from akscan.collect.cloud import AKS_SERVER_APPLICATION, Cloud
from akscan.collect.credential import Credential
from akscan.collect.faults import FOREIGN_PAGE, Refused, is_page
from akscan.collect.limits import Limit, retries, watch
from akscan.errors import AkscanError
from akscan.model.decode import Malformed
from akscan.quoting import code, refusal

try:
    from yaml import CSafeLoader as _YamlLoader
except ImportError:  # PyYAML built without libyaml: the same language, some ten times slower
    from yaml import SafeLoader as _YamlLoader  # type: ignore[assignment]  # same interface

#: to one API server; also the size of its connection pool
REQUESTS_AT_ONCE = 4

_JSON = "application/json"
_REVIEWS = "/apis/authorization.k8s.io/v1"
ACCESS_REVIEWS = f"{_REVIEWS}/selfsubjectaccessreviews"
RULES_REVIEWS = f"{_REVIEWS}/selfsubjectrulesreviews"
#: The only POSTs to a cluster: questions about the caller itself, of which nothing is stored.
REVIEW_POSTS = (ACCESS_REVIEWS, RULES_REVIEWS)

_SUCCESSES = (200, 201)
_UNAUTHORIZED = 401
_SHOWN_BYTES = 1024
_NO_MESSAGE = "HTTP status %d without a message"


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None = None


class Connection:
    """GETs, and reviews of the caller's own permissions, of one API server through the official client's connection
    pool, within a limit.
    """

    def __init__(self, open_api: Callable[[], client.ApiClient], limit: Limit, sign_in: SignIn | None = None) -> None:
        self._open_api = open_api
        self._limit = limit
        self._sign_in = sign_in
        self._accepted = False
        self._open()

    def _open(self) -> None:
        self._api = self._open_api()
        watch(self._api.rest_client.pool_manager, lambda: self._limit)

    def close(self) -> None:
        """Close its connections."""
        self._api.rest_client.close()
        self._api.close()  # type: ignore[no-untyped-call]

    @property
    def host(self) -> str:
        """The address of the API server."""
        return str(self._api.configuration.host)

    def get(self, path: str, accept: str = _JSON) -> bytes:
        """The body of a successful answer. Raises `Refused` for any other, and what urllib3 raises."""
        return self._successful(_Request("GET", path, {"Accept": accept, "Accept-Encoding": "gzip"}))

    def post(self, path: str, review: Mapping[str, Any]) -> bytes:
        """The answered review. Raises like `get`, and `PermissionError` for a path that is no review."""
        if path not in REVIEW_POSTS:
            raise PermissionError(f"akscan does not write: POST {path}")
        return self._successful(_Request("POST", path, {"Accept": _JSON, "Content-Type": _JSON}, review))

    def _successful(self, request: _Request) -> bytes:
        status, body = self._whole(request)
        if status not in _SUCCESSES:
            raise _refused(status, body)
        if is_page(body[:_SHOWN_BYTES].decode(errors="replace")):
            raise Malformed(FOREIGN_PAGE)
        return body

    def _whole(self, request: _Request) -> tuple[int, bytes]:
        """Asks once more where the connection broke within the answer."""
        try:
            return self._authorized(request)
        except urllib3.exceptions.ProtocolError:
            self._limit.check()
            return self._authorized(request)

    def _authorized(self, request: _Request) -> tuple[int, bytes]:
        """Signs in once more where a sign-in that had been good ended too early."""
        headers = self._authorization()
        status, body = self._send(request, headers)
        if status != _UNAUTHORIZED:
            self._accepted = True
            if self._sign_in is not None:
                self._sign_in.accept(headers)
        elif self._renewed(headers):
            status, body = self._send(request, self._authorization())
        return status, body

    def _renewed(self, refused: Mapping[str, str]) -> bool:
        if self._sign_in is not None:
            return self._sign_in.renew(refused)
        if self._accepted:
            # the kubeconfig once more: an exec plugin makes another token, a token file may hold one
            self._accepted = False
            self.close()
            self._open()
            return True
        return False

    def _send(self, request: _Request, authorization: Mapping[str, str]) -> tuple[int, bytes]:
        answer = self._api.call_api(
            request.method,
            f"{self.host}{request.path}",
            header_params={**request.headers, **authorization},
            body=request.body,
            _request_timeout=self._limit.timeouts,
        )
        return int(answer.status), answer.read()  # type: ignore[no-untyped-call]

    def _authorization(self) -> Mapping[str, str]:
        if self._sign_in is not None:
            return self._sign_in.headers()
        headers: dict[str, str] = {}
        self._api.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
        return headers


class SignIn:
    """Tokens of a credential of ours for one application."""

    def __init__(self, credential: Credential, scope: str) -> None:
        self._credential = credential
        self._scope = scope

    def headers(self) -> dict[str, str]:
        """Raises the credential's own error."""
        return {"Authorization": f"Bearer {self._credential.get_token(self._scope).token}"}

    def accept(self, headers: Mapping[str, str]) -> None:
        """The API server took these."""
        self._credential.accept(_token(headers))

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Whether others can be had."""
        return self._credential.renew(_token(refused))


def _token(headers: Mapping[str, str]) -> str:
    return headers["Authorization"].removeprefix("Bearer ")


def _refused(status: int, body: bytes) -> Refused:
    """With the reason of a Kubernetes Status, and of its message what `akscan.quoting` passes on; with nothing of what
    something on the way said.
    """
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = body[:_SHOWN_BYTES].decode(errors="replace")
        return Refused(status, FOREIGN_PAGE, by_api=False) if is_page(text) else Refused(status, _NO_MESSAGE % status)
    if not isinstance(answer, Mapping) or "message" not in answer:
        return Refused(status, "the answer is no Status", by_api=False)
    return Refused(status, refusal(answer["message"]) or code(answer.get("reason")) or _NO_MESSAGE % status)


@contextmanager
def from_context(name: str, cloud: Cloud, limit: Limit) -> Iterator[Connection]:
    """A context of the user's kubeconfig, exec plugins included. Raises `AkscanError` where there is no such
    context.
    """

    def open_api() -> client.ApiClient:
        return config.new_client_from_config(  # type: ignore[no-untyped-call, no-any-return]
            context=name, persist_config=False, client_configuration=_settings(cloud, limit)
        )

    try:
        connection = Connection(open_api, limit)
    except config.ConfigException as error:
        raise AkscanError(f"kubeconfig context {name!r}: {error}", "kubectl config get-contexts lists them") from None
    with closing(connection):
        yield connection


@contextmanager
def from_arm(kubeconfig: bytes, cloud: Cloud, credential: Credential, limit: Limit) -> Iterator[Connection]:
    """The kubeconfig that AKS hands out to users. Where it wants Microsoft Entra ID, the token comes from our
    credential.
    """
    document = _document(kubeconfig)
    user = _first(document, "users").get("user", {})
    sign_in = None
    if "exec" in user or "auth-provider" in user:
        sign_in = SignIn(credential, f"{_server_application(user)}/.default")
        user.pop("exec", None)
        user.pop("auth-provider", None)

    def open_api() -> client.ApiClient:
        return config.new_client_from_config_dict(  # type: ignore[no-untyped-call, no-any-return]
            document, persist_config=False, client_configuration=_settings(cloud, limit)
        )

    with closing(Connection(open_api, limit, sign_in)) as connection:
        yield connection


def _settings(cloud: Cloud, limit: Limit) -> client.Configuration:
    settings = client.Configuration()
    settings.connection_pool_maxsize = REQUESTS_AT_ONCE
    settings.retries = retries(limit)
    if cloud.ca_file:
        # the company's certificates beside the cluster's own: a proxy may stand between
        settings.ca_cert_data = Path(cloud.ca_file).read_text(encoding="utf-8")
    return settings


def _document(kubeconfig: bytes) -> dict[str, Any]:
    try:
        document = yaml.load(kubeconfig, _YamlLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise Malformed("the kubeconfig is no YAML" + (f" (line {mark.line + 1})" if mark else "")) from None
    if not isinstance(document, dict):
        raise Malformed("the kubeconfig is no mapping")
    return document


def _first(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    entries = document.get(key)
    if not isinstance(entries, Sequence) or not entries or not isinstance(entries[0], dict):
        raise Malformed(f"the kubeconfig has no {key}")
    return entries[0]


def _server_application(user: Mapping[str, Any]) -> str:
    """The application that the kubeconfig asks a token for (``--server-id``), else that of AKS."""
    arguments = [str(argument) for argument in (user.get("exec") or {}).get("args") or ()]
    for flag, value in itertools.pairwise(arguments):
        if flag == "--server-id":
            return value
    provider = (user.get("auth-provider") or {}).get("config") or {}
    return str(provider.get("apiserver-id", AKS_SERVER_APPLICATION))
