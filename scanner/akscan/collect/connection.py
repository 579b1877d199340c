"""Ways to a Kubernetes API server: a kubeconfig context, or what ARM hands out plus a Microsoft Entra token."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import urllib3
import yaml
from kubernetes import client, config

from akscan.collect.cloud import AKS_SERVER_APPLICATION, Cloud
from akscan.collect.faults import Refused
from akscan.errors import AkscanError
from akscan.model.decode import Malformed

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_REVIEWS = "/apis/authorization.k8s.io/v1"
ACCESS_REVIEWS = f"{_REVIEWS}/selfsubjectaccessreviews"
RULES_REVIEWS = f"{_REVIEWS}/selfsubjectrulesreviews"
#: The only POSTs to a cluster: questions about the caller itself, of which nothing is stored.
REVIEW_POSTS = (ACCESS_REVIEWS, RULES_REVIEWS)

_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_SUCCESS = 200
_CREATED = 201
_UNAUTHORIZED = 401


class Connection:
    """GETs, and reviews of the caller's own permissions, of one API server through the official client's connection
    pool.
    """

    def __init__(self, api: client.ApiClient, token: Callable[[], str] | None = None) -> None:
        self._api = api
        self._token = token

    @property
    def host(self) -> str:
        """The address of the API server."""
        return str(self._api.configuration.host)

    def get(self, path: str, accept: str = "application/json") -> bytes:
        """The body of a successful answer. Raises `Refused` for any other, and what urllib3 raises."""
        status, body = self._get(path, accept)
        if status == _UNAUTHORIZED and self._token is not None:
            # a token may expire in the middle of a scan; azure-identity hands out a fresh one near its end
            status, body = self._get(path, accept)
        if status != _SUCCESS:
            raise Refused(status, _status_message(body))
        return body

    def post(self, path: str, review: Mapping[str, Any]) -> bytes:
        """The answered review. Raises like `get`, and `PermissionError` for a path that is no review."""
        if path not in REVIEW_POSTS:
            raise PermissionError(f"akscan does not write: POST {path}")
        headers = {"Accept": "application/json", "Content-Type": "application/json", **self._authorization()}
        answer = self._api.call_api(
            "POST",
            f"{self.host}{path}",
            header_params=headers,
            body=review,
            _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS),
        )
        body: bytes = answer.read()  # type: ignore[no-untyped-call]
        if answer.status not in (_SUCCESS, _CREATED):
            raise Refused(int(answer.status), _status_message(body))
        return body

    def _get(self, path: str, accept: str) -> tuple[int, bytes]:
        headers = {"Accept": accept, "Accept-Encoding": "gzip", **self._authorization()}
        answer = self._api.call_api(
            "GET", f"{self.host}{path}", header_params=headers, _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS)
        )
        return int(answer.status), answer.read()  # type: ignore[no-untyped-call]

    def _authorization(self) -> Mapping[str, str]:
        if self._token is not None:
            return {"Authorization": f"Bearer {self._token()}"}
        headers: dict[str, str] = {}
        self._api.update_params_for_auth(headers, [], ["BearerToken"], "", "GET", None)
        return headers


def _status_message(body: bytes) -> str:
    """The message of a Kubernetes Status, or nothing of what some proxy said instead."""
    try:
        status = yaml.safe_load(body[:4096]) if body[:1] == b"{" else None
    except yaml.YAMLError:
        status = None
    return str(status["message"]) if isinstance(status, Mapping) and "message" in status else "the answer is no Status"


@contextmanager
def from_context(name: str, cloud: Cloud, kubeconfig: str | None = None) -> Iterator[Connection]:
    """A context of the user's kubeconfig, exec plugins included. Raises `AkscanError` where there is no such
    context.
    """
    try:
        api = config.new_client_from_config(  # type: ignore[no-untyped-call]
            config_file=kubeconfig, context=name, persist_config=False, client_configuration=_settings(cloud)
        )
    except config.ConfigException as error:
        raise AkscanError(f"kubeconfig context {name!r}: {error}", "kubectl config get-contexts lists them") from None
    with _open(api, None) as connection:
        yield connection


@contextmanager
def from_arm(kubeconfig: bytes, cloud: Cloud, credential: TokenCredential) -> Iterator[Connection]:
    """The kubeconfig that AKS hands out to users. Where it wants Microsoft Entra ID, the token comes from our
    credential.
    """
    document = _document(kubeconfig)
    user = _first(document, "users").get("user", {})
    token: Callable[[], str] | None = None
    if "exec" in user or "auth-provider" in user:
        scope = f"{_server_application(user)}/.default"

        def token() -> str:
            return credential.get_token(scope).token

        user.pop("exec", None)
        user.pop("auth-provider", None)
    api = config.new_client_from_config_dict(  # type: ignore[no-untyped-call]
        document, persist_config=False, client_configuration=_settings(cloud)
    )
    with _open(api, token) as connection:
        yield connection


@contextmanager
def _open(api: client.ApiClient, token: Callable[[], str] | None) -> Iterator[Connection]:
    try:
        yield Connection(api, token)
    finally:
        api.rest_client.close()
        api.close()  # type: ignore[no-untyped-call]


def _settings(cloud: Cloud) -> client.Configuration:
    settings = client.Configuration()
    settings.retries = urllib3.Retry(
        total=3,
        connect=1,
        backoff_factor=0.5,
        status_forcelist=(429, 503),
        allowed_methods=("GET",),
        raise_on_status=False,
    )
    if cloud.ca_file:
        # the company's certificates beside the cluster's own: a proxy may stand between
        settings.ca_cert_data = Path(cloud.ca_file).read_text(encoding="utf-8")
    return settings


def _document(kubeconfig: bytes) -> dict[str, Any]:
    try:
        document = yaml.safe_load(kubeconfig)
    except yaml.YAMLError as error:
        raise Malformed(f"the kubeconfig is no YAML: {error}") from None
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
