"""Where names stand: in ids of Azure, and in objects of Kubernetes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from akscan.model.azure import ManagedCluster, Resource
from akscan.model.inventory import SYSTEM_NAMESPACES
from akscan.model.kubernetes import KubernetesLists, Pod, ReplicaSet, SecretProviderClass
from akscan.model.kubernetes.admission import MutatingWebhookConfiguration, ValidatingWebhookConfiguration
from akscan.model.kubernetes.base import KubernetesObject
from akscan.model.kubernetes.rbac import ClusterRoleBinding, RoleBinding

_ARM_ID = re.compile(r"/(?:subscriptions|providers/Microsoft\.Management)/[^\s,;'\"()]+", re.IGNORECASE)
#: The part behind these, outside a provider, says whose something is.
_NAMED = ("subscriptions", "resourcegroups", "namespaces")
_NAMESPACES = "namespaces"
#: The part behind this is Azure's own.
_AZURE_S = "locations"
#: Kubernetes names what such an owner has after it, and rules do that, too.
_NAMESAKE = "Pod"
#: Kinds of which there are most, and that name nothing by its id.
_WITHOUT_IDS = (Pod, ReplicaSet)


def names_of_resources(resources: Iterable[Resource]) -> Iterator[str]:
    """The names in the ids of Azure resources and of what they refer to; of clusters also their pools and addresses."""
    for resource in resources:
        for text in texts_of(resource):
            yield from names_in_ids(text)
        if isinstance(resource, ManagedCluster):
            yield from (pool.name for pool in resource.properties.agent_pool_profiles)
            addresses = (resource.properties.fqdn, resource.properties.private_fqdn)
            yield from (address.partition(".")[0] for address in addresses)


def names_of_objects(lists: KubernetesLists) -> Iterator[str]:
    """The names and namespaces of Kubernetes objects and webhooks, those of Azure in them, and whom RBAC names; what
    lies in the namespaces of AKS is its own.
    """
    for field in lists.__struct_fields__:
        for item in getattr(getattr(lists, field), "items", ()):
            if isinstance(item, KubernetesObject) and item.metadata.namespace not in SYSTEM_NAMESPACES:
                yield from _names_of(item)


def _names_of(item: KubernetesObject) -> Iterator[str]:
    yield item.metadata.namespace
    if not isinstance(item, _WITHOUT_IDS):
        for text in texts_of(item):
            yield from names_in_ids(text)
    if isinstance(item, SecretProviderClass):
        yield item.vault_name
    if not any(owner.kind == _NAMESAKE for owner in item.metadata.owner_references or ()):
        yield item.metadata.name
    yield from (owner.name for owner in item.metadata.owner_references or () if owner.controller)
    if isinstance(item, MutatingWebhookConfiguration | ValidatingWebhookConfiguration):
        yield from (webhook.name for webhook in item.webhooks or ())
    if isinstance(item, RoleBinding | ClusterRoleBinding):
        # the API server's own names hold those of service accounts
        yield from (subject.name for subject in item.subjects or () if not subject.name.startswith("system:"))


def names_in_ids(text: str) -> Iterator[str]:
    """The names in all ids of Azure that a text holds."""
    if "/" in text:
        for found in _ARM_ID.findall(text):
            yield from names_in_id(found)


def names_in_id(resource_id: str) -> Iterator[str]:
    """The group, and every second part behind a provider or a kind of object."""
    parts = resource_id.strip("/").split("/")
    lowered = [part.casefold() for part in parts]
    start = len(parts)
    for place, part in enumerate(lowered[:-1]):
        if part == "providers":
            start = place + 2
        elif place < start and part in _NAMED:
            yield parts[place + 1]
        elif place >= start and (place - start) % 2 == 0 and part != _AZURE_S:
            yield parts[place + 1]
            if part == _NAMESPACES and lowered[place + 1] in SYSTEM_NAMESPACES:
                return


def kinds_in_id(resource_id: str) -> Iterator[str]:
    """What stands before the names behind a provider."""
    parts = resource_id.strip("/").split("/")
    for place, part in enumerate(parts):
        if part.casefold() == "providers":
            yield from parts[place + 2 :: 2]


def texts_of(value: Any) -> Iterator[str]:
    """Every text in structs and in decoded JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from texts_of(getattr(value, field))
    elif isinstance(value, dict):
        for pair in value.items():
            yield from texts_of(pair)
    elif isinstance(value, list | tuple | frozenset):
        for item in value:
            yield from texts_of(item)
