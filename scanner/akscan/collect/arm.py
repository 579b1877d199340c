"""One pipeline to Azure Resource Manager, and the two readers on it: the SDK packages and a generic one."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any, Self
from urllib.parse import quote, urlsplit

from azure.core.pipeline import PipelineRequest, policies
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient

from akscan import __version__
from akscan.collect.cloud import Cloud
from akscan.collect.credential import Authentication, Credential
from akscan.collect.limits import Limits
from akscan.collect.transport import Patience, Transport
from akscan.model.decode import Malformed
from akscan.model.reads import ArmRead, Reader
from akscan.model.text import ArmId

#: The only POSTs of akscan: reads that ARM words as POST.
READ_POSTS = ("/listclusterusercredential",)

_HTTPS = 443


class Guard(policies.SansIOHTTPPolicy[Any, Any]):
    """Lets only reads through, only to ARM itself (a nextLink may name any host), and nothing once the scan was
    stopped.
    """

    def __init__(self, endpoint: str, limits: Limits) -> None:
        arm = urlsplit(endpoint)
        self._host = (arm.hostname or "").casefold()
        self._port = arm.port or _HTTPS
        self._limits = limits

    def _is_arm(self, host: str, port: int) -> bool:
        """Resource providers spell the port out (:443), and some answer from a regional host below ARM's."""
        return port == self._port and (host.casefold() == self._host or host.casefold().endswith(f".{self._host}"))

    def on_request(self, request: PipelineRequest[Any]) -> None:
        self._limits.current.check()
        url = urlsplit(request.http_request.url)
        if url.scheme != "https" or not self._is_arm(url.hostname or "", url.port or _HTTPS):
            raise Malformed(f"the answer links to another host: {url.netloc}")
        method = request.http_request.method
        if method != "GET" and not (method == "POST" and url.path.casefold().endswith(READ_POSTS)):
            raise PermissionError(f"akscan does not write: {method} {url.path}")


class Arm:
    """Reads ARM. Use as a context manager; safe to share between threads."""

    def __init__(self, cloud: Cloud, credential: Credential, transport: Transport, limits: Limits) -> None:
        self._cloud = cloud
        self.credential = credential
        self._transport = transport
        self._guard = Guard(cloud.arm_endpoint, limits)
        self._turns: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._generic: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            cloud.arm_endpoint, policies=self._policies(), transport=self._transport
        )
        self._clients: dict[tuple[Reader, str], Any] = {}
        self._listings: dict[str, Future[Mapping[ArmId, Mapping[str, Any]]]] = {}
        self._lock = threading.Lock()

    def _policies(self) -> list[Any]:
        """The SDKs' usual pipeline without the policy that registers resource providers, which is a write."""
        return [
            policies.RequestIdPolicy(),
            policies.UserAgentPolicy(f"akscan/{__version__}"),
            policies.ContentDecodePolicy(),
            Patience(self._turns),
            Authentication(self.credential, self._cloud.arm_scope),
            self._guard,
            policies.HttpLoggingPolicy(),
        ]

    def __enter__(self) -> Self:
        self._transport.open()
        return self

    def __exit__(self, *_: object) -> None:
        self._transport.close()

    def token(self) -> str:
        """A token for ARM; its claims say who the scan runs as. Raises the credential's own error."""
        return self.credential.get_token(self._cloud.arm_scope).token

    # --- reading

    def read(self, read: ArmRead, scope: ArmId) -> Iterator[Mapping[str, Any]]:
        """Every item of a list, page by page, in the shape of the REST API. Raises what the SDK raises."""
        if read.reader is Reader.GENERIC:
            yield from self._pages(f"{'' if scope == '/' else scope}{read.call}", read.api_version)
        else:
            group, _, method = read.call.partition(".")
            operation = getattr(getattr(self.client(read.reader, scope.subscription), group), method)
            yield from _items(operation(*_arguments(read, scope)))

    def assigned_to(self, read: ArmRead, subscription: str, principal: str) -> Iterator[Mapping[str, Any]]:
        """Role assignments that reach a principal in a subscription, directly or through its groups."""
        operations = self.client(read.reader, subscription).role_assignments
        yield from _items(operations.list_for_subscription(filter=f"assignedTo('{principal}')"))

    def listed(self, read: ArmRead, resource_id: ArmId) -> Iterator[Mapping[str, Any]]:
        """The entry of one resource in the list of all resources of its subscription, if there is one. What is of one
        type there is listed once, whoever asks.
        """
        terms = quote(f"resourceType eq '{resource_id.type}'")
        path = f"{resource_id.subscription_scope}{read.call}?$filter={terms}"
        with self._lock:
            first = path not in self._listings
            listing = self._listings.setdefault(path, Future())
        if first:
            try:
                entries = self._pages(path, read.api_version)
                listing.set_result({ArmId(str(entry.get("id"))): entry for entry in entries})
            except BaseException as error:  # noqa: BLE001 whatever ends the list, it is the answer to all who ask
                listing.set_exception(error)
        if entry := listing.result().get(resource_id):
            yield entry

    def get(self, resource_id: ArmId, api_version: str) -> Mapping[str, Any]:
        """One resource by id."""
        return self._get(str(resource_id), {"api-version": api_version})

    def user_kubeconfig(self, cluster: ArmId) -> bytes:
        """The kubeconfig (YAML) that AKS hands out to users of the cluster; never the administrators'."""
        operations = self.client(Reader.CONTAINER_SERVICE, cluster.subscription).managed_clusters
        answer = operations.list_cluster_user_credentials(cluster.resource_group, cluster.name)
        for kubeconfig in answer.kubeconfigs or ():
            return bytes(kubeconfig.value)
        raise Malformed("the answer holds no kubeconfig")

    def client(self, reader: Reader, subscription: str) -> Any:
        """The SDK client of a package for a subscription, on the one pipeline and transport."""
        with self._lock:
            key = (reader, subscription)
            if key not in self._clients:
                self._clients[key] = _client_class(reader)(
                    self.credential,
                    subscription,
                    base_url=self._cloud.arm_endpoint,
                    credential_scopes=[self._cloud.arm_scope],
                    policies=self._policies(),
                    transport=self._transport,
                )
            return self._clients[key]

    def _pages(self, path: str, api_version: str) -> Iterator[Mapping[str, Any]]:
        seen: set[str] = set()
        answer = self._get(path, {"api-version": api_version})
        while True:
            items = answer.get("value")
            if not isinstance(items, list):
                raise Malformed("Expected a list - at `$.value`")
            yield from items
            link = answer.get("nextLink")
            if not link:
                return
            if link in seen:
                raise Malformed("nextLink leads in a circle")
            seen.add(link)
            answer = self._get(link, {})

    def _get(self, url: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        request = HttpRequest("GET", url, params=parameters)
        request.url = self._generic.format_url(request.url)
        response = self._generic.send_request(request)
        response.raise_for_status()
        answer = response.json()
        if not isinstance(answer, Mapping):
            raise Malformed(f"Expected `object`, got `{type(answer).__name__}`")
        return answer


def _client_class(reader: Reader) -> Any:
    """Imported one by one: a scan without networks need not load the network package."""
    match reader:
        case Reader.CONTAINER_SERVICE:
            from azure.mgmt.containerservice import ContainerServiceClient  # noqa: PLC0415

            return ContainerServiceClient
        case Reader.NETWORK:
            from azure.mgmt.network import NetworkManagementClient  # noqa: PLC0415

            return NetworkManagementClient
        case _:
            from azure.mgmt.authorization import AuthorizationManagementClient  # noqa: PLC0415

            return AuthorizationManagementClient


def _arguments(read: ArmRead, scope: ArmId) -> tuple[str, ...]:
    """What the SDK's operation wants of the scope: nothing for a subscription, the location, the scope, or group and
    name.
    """
    if read.call == "role_definitions.list" or read.call.endswith(".list_for_scope"):
        return (str(scope),)
    if scope == scope.subscription_scope:
        return ()
    if scope.type == "Microsoft.ContainerService/locations/kubernetesVersions":
        return (scope.parent.name,)
    if scope.type == "Microsoft.ContainerService/managedClusters/agentPools":
        return (scope.resource_group, scope.parent.name, scope.name)
    return (scope.resource_group, scope.name)


def _items(answer: Any) -> Iterator[Mapping[str, Any]]:
    """The REST shape of what an operation returned: a pager, or one object."""
    if not hasattr(answer, "by_page"):
        yield _rest(answer)
        return
    pages = answer.by_page()
    seen: set[str] = set()
    for page in pages:
        yield from (_rest(item) for item in page)
        link = pages.continuation_token
        if link in seen:
            raise Malformed("nextLink leads in a circle")
        if link:
            seen.add(link)


def _rest(model: Any) -> Mapping[str, Any]:
    """Current SDK models are mappings over the REST JSON; those of azure-mgmt-authorization 4 serialise to it."""
    if isinstance(model, Mapping):
        return model
    rest: Mapping[str, Any] = model.serialize(keep_readonly=True)
    return rest


def followable(reads: Iterable[ArmRead]) -> dict[str, ArmRead]:
    """Types (lower case) that are read one by one when something refers to them."""
    return {read.struct.arm_type.casefold(): read for read in reads if read.follow}
