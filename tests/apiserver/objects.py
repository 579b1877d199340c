"""Making objects on a real API server with the official client, and waiting for what it does soon after."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import kubernetes
from akscan.model.needs import Need
from akscan.model.permissions import cluster_role, cluster_role_binding, kubernetes_resource
from akscan.model.reads import KUBERNETES_READS

_PATIENCE_SECONDS = 20
_POLL_SECONDS = 0.02
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_READS = {read.field: read for read in KUBERNETES_READS}
_OF_THE_CLUSTER = (
    "aks_node_classes",
    "karpenter_node_pools",
    "cilium_clusterwide_policies",
    "calico_global_policies",
    "admin_network_policies",
    "cluster_network_policies",
)
# of two kinds of one name that of Kubernetes itself, which the table names first
_PATHS = {
    **{read.struct.kind: read.path for read in reversed(KUBERNETES_READS) if not read.need.url},
    "ConfigMap": "/api/v1/configmaps",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/endpointslices",
    "LimitRange": "/api/v1/limitranges",
    "ServiceAccount": "/api/v1/serviceaccounts",
    "APIService": "/apis/apiregistration.k8s.io/v1/apiservices",
}

Api = kubernetes.client.ApiClient


def manifest(kind: str, name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    """An object; ``labels`` and ``ownerReferences`` go to its metadata."""
    metadata = {key: fields.pop(key) for key in ("labels", "annotations", "ownerReferences") if key in fields}
    place = {"namespace": namespace} if namespace else {}
    api_version = _PATHS[kind].removeprefix("/api/").removeprefix("/apis/").rpartition("/")[0]
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place, **metadata}, **fields}


def send(api: Api, method: str, path: str, body: Any = None, accept: str = "application/json") -> dict[str, Any]:
    """One request. Raises `kubernetes.client.ApiException` for any answer that is no success."""
    kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
    answer = api.call_api(
        method, f"{api.configuration.host}{path}", header_params={"Accept": accept, "Content-Type": kind}, body=body
    )
    data = answer.read()
    if answer.status >= 300:
        raise kubernetes.client.ApiException(status=answer.status, reason=f"{method} {path}: {data.decode()}")
    return json.loads(data)


def path_of(wanted: Mapping[str, Any]) -> str:
    """The collection that an object belongs to."""
    above, _, plural = _PATHS[wanted["kind"]].rpartition("/")
    namespace = wanted["metadata"].get("namespace")
    return f"{above}/namespaces/{namespace}/{plural}" if namespace else f"{above}/{plural}"


def create(api: Api, wanted: dict[str, Any]) -> dict[str, Any]:
    """Make an object as the API server admits and defaults it; its status, which nobody else sets here, comes after.

    Owners in its metadata are found by kind and name.
    """
    path, metadata = path_of(wanted), wanted["metadata"]
    owners = [_owner(api, owner, metadata["namespace"]) for owner in metadata.get("ownerReferences", ())]
    made = send(api, "POST", path, {**wanted, "metadata": {**metadata, "ownerReferences": owners}})
    if "status" in wanted:
        made = send(api, "PATCH", f"{path}/{metadata['name']}/status", {"status": wanted["status"]})
    return made


def _owner(api: Api, owner: Mapping[str, str], namespace: str) -> dict[str, Any]:
    above = manifest(owner["kind"], owner["name"], namespace)
    found = send(api, "GET", f"{path_of(above)}/{owner['name']}")
    return {"apiVersion": above["apiVersion"], **owner, "uid": found["metadata"]["uid"], "controller": True}


def create_namespace(api: Api, name: str) -> None:
    """A namespace with the service account that its pods run as, which a controller would make."""
    create(api, manifest("Namespace", name))
    create(api, manifest("ServiceAccount", "default", name))


def may_list(api: Api, user: str, need: Need) -> bool:
    """What RBAC says about a user."""
    group, resource = kubernetes_resource(need)
    wanted = {"resourceAttributes": {"verb": "list", "group": group, "resource": resource}}
    if need.url:
        wanted = {"nonResourceAttributes": {"verb": "get", "path": need.url}}
    review = {"spec": {"user": user, **wanted}}
    return kubernetes.client.AuthorizationV1Api(api).create_subject_access_review(review).status.allowed


def bind_role(api: Api, user: str, needs: Collection[Need] = tuple(Need)) -> None:
    """Let a user read what the generated ClusterRole for some needs grants; role and binding have the user's name."""
    rbac = kubernetes.client.RbacAuthorizationV1Api(api)
    rbac.create_cluster_role(cluster_role(needs, name=user))
    rbac.create_cluster_role_binding(cluster_role_binding({"kind": "User", "name": user}, name=user))
    wait_for_role(api, user, needs)


def wait_for_role(api: Api, user: str, needs: Collection[Need]) -> None:
    """Wait until RBAC lets a user read exactly what some needs name."""
    for read in KUBERNETES_READS:
        wait_until(lambda need=read.need: may_list(api, user, need) == (need in needs), f"RBAC lags: {read.need}")


def definition(field: str) -> dict[str, Any]:
    """The CustomResourceDefinition of a line of the table of reads, with a schema that takes everything."""
    kind = _READS[field].struct.kind
    _, group, version, plural = _READS[field].path.removeprefix("/").split("/")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    scope = "Cluster" if field in _OF_THE_CLUSTER else "Namespaced"
    names = {"plural": plural, "singular": kind.casefold(), "kind": kind, "listKind": f"{kind}List"}
    spec = {"group": group, "scope": scope, "names": names, "versions": [served]}
    # the API server wants to know of groups below k8s.io whether they were approved
    annotations = {"api-approved.kubernetes.io": "unapproved"}
    return manifest("CustomResourceDefinition", f"{plural}.{group}", annotations=annotations, spec=spec)


def discovered(api: Api, group: str) -> list[dict[str, Any]]:
    """The versions of an API group in aggregated discovery."""
    groups = send(api, "GET", "/apis", accept=_AGGREGATED)["items"]
    return next((found["versions"] for found in groups if found["metadata"]["name"] == group), [])


def install(api: Api, *definitions: dict[str, Any]) -> None:
    """Make CustomResourceDefinitions, and wait until their resources are served."""
    for wanted in definitions:
        create(api, wanted)
    wait_until(lambda: all(_served(api, wanted) == (True, True) for wanted in definitions), "they are not served")


@contextmanager
def installed(api: Api, *definitions: dict[str, Any]) -> Iterator[None]:
    """CustomResourceDefinitions that are gone afterwards, with their objects."""
    install(api, *definitions)
    try:
        yield
    finally:
        for wanted in definitions:
            send(api, "DELETE", f"{path_of(wanted)}/{wanted['metadata']['name']}")
        wait_until(lambda: all(_served(api, wanted) == (False, False) for wanted in definitions), "they are served")


def _served(api: Api, wanted: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether a custom resource is in discovery, and whether its list is answered: either follows in its own time."""
    group, version = wanted["spec"]["group"], wanted["spec"]["versions"][0]["name"]
    try:
        send(api, "GET", f"/apis/{group}/{version}/{wanted['spec']['names']['plural']}")
    except kubernetes.client.ApiException as refused:
        if refused.status != 404:
            raise
        return bool(discovered(api, group)), False
    return bool(discovered(api, group)), True


def wait_until(is_true: Callable[[], bool], otherwise: str) -> None:
    """Wait for what an API server does after its answer: its caches follow its store."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not is_true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(_POLL_SECONDS)
