"""Pods that call the API server, and where it answers them."""

from __future__ import annotations

from akscan.model.cidr import AddressSet
from akscan.model.cluster import Cluster
from akscan.model.gaps import Gap, NotCollected, untold
from akscan.model.needs import Need
from akscan.model.workloads import Workload


def api_server_addresses(cluster: Cluster) -> tuple[str, ...]:
    """The IPv4 addresses that pods reach the API server at, by EndpointSlice default/kubernetes. Raises `NotCollected`
    where it was not read or is empty.
    """
    slices = (
        found
        for found in cluster.lists.endpoint_slices.complete()
        if (found.namespace, found.name) == ("default", "kubernetes")
    )
    endpoints = (endpoint for found in slices for endpoint in found.endpoints or ())
    addresses = tuple(a for endpoint in endpoints for a in endpoint.addresses or () if AddressSet.of([a]).ranges)
    if not addresses:
        raise NotCollected(
            untold(
                "kubernetes", cluster.name, "EndpointSlice default/kubernetes holds no address", Need.ENDPOINT_SLICES
            )
        )
    return addresses


def callers_by_address(cluster: Cluster) -> tuple[tuple[Workload, ...], Gap | None]:
    """The workloads of users whose running pods act on the API server and reach it by its address, and what may hide
    more of them.
    """
    lists = cluster.lists
    mounts = {(a.namespace, a.name): a.automount_service_account_token for a in lists.service_accounts.items}
    owners = {pod.key: workload for workload in cluster.workload_set.items for pod in workload.pods_read}
    found: dict[Workload, None] = {}
    for pod in cluster.speaking_pods:
        account = cluster.account_of(pod)
        own = pod.spec.automount_service_account_token if pod.spec else None
        # an account that was not read may mount none
        if own is None and account not in mounts and lists.service_accounts.gap is not None:
            continue
        is_mounted = (mounts.get(account) if own is None else own) is not False
        if not is_mounted or pod.asks_api_server_by_name or pod.key not in owners:
            continue
        if cluster.rbac.bindings_for_account(*account):
            found[owners[pod.key]] = None
    needed = (lists.pods, lists.role_bindings, lists.cluster_role_bindings, lists.service_accounts)
    gaps = (gap for gap in (*(listing.gap for listing in needed), cluster.workload_set.gap) if gap is not None)
    return tuple(found), next(gaps, None)
