"""The smallest roles that let an identity read what a set of needs names: an Azure custom role, a ClusterRole."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from akscan.model.needs import Need
from akscan.model.reads import IMPLIED_NEEDS

#: What every scan of Azure asks, whatever its rules need.
_ALWAYS = (Need.SUBSCRIPTIONS, Need.MANAGED_CLUSTERS, Need.PERMISSIONS)
_RBAC = "rbac.authorization.k8s.io"


def asked(needs: Iterable[Need]) -> tuple[Need, ...]:
    """The permissions that reading ``needs`` takes, sorted: what comes with another read is left out, what opens the
    way to the clusters is there.
    """
    wanted = {*_ALWAYS, *(IMPLIED_NEEDS.get(need, need) for need in needs)}
    if any(need.source == "kubernetes" for need in wanted):
        wanted.add(Need.CLUSTER_USER_CREDENTIAL)
    return tuple(sorted(wanted))


def kubernetes_resource(need: Need) -> tuple[str, str]:
    """API group and plural of a need of the Kubernetes API; of a path no group and the path."""
    plural, _, group = need.removeprefix("list ").removeprefix("get ").partition(".")
    return group, plural


def azure_role(needs: Iterable[Need], *, name: str, scopes: Iterable[str]) -> dict[str, Any]:
    """A custom role as ``az role definition create --role-definition`` takes it
    (https://learn.microsoft.com/azure/role-based-access-control/custom-roles).
    """
    return {
        "Name": name,
        "IsCustom": True,
        "Description": "Reads what akscan needs for its rules, and nothing else.",
        "Actions": [str(need) for need in asked(needs) if need.source == "arm"],
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": list(scopes),
    }


def cluster_role(needs: Iterable[Need], *, name: str) -> dict[str, Any]:
    """A ClusterRole with ``list`` for each resource, ``get`` for each path and nothing else
    (https://kubernetes.io/docs/reference/access-authn-authz/rbac/).
    """
    wanted = [need for need in asked(needs) if need.source == "kubernetes"]
    resources = sorted(kubernetes_resource(need) for need in wanted if not need.url)
    urls = [need.url for need in wanted if need.url]
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [
            {"apiGroups": [group], "resources": [plural for _, plural in found], "verbs": ["list"]}
            for group, found in groupby(resources, key=lambda resource: resource[0])
        ]
        + ([{"nonResourceURLs": urls, "verbs": ["get"]}] if urls else []),
    }


def cluster_role_binding(subject: dict[str, str], *, name: str) -> dict[str, Any]:
    """Binds the role of the same name to a subject of RBAC in every namespace."""
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [subject],
    }


def group_subject(name: str) -> dict[str, str]:
    """A group as a subject of RBAC; in AKS its name is the object id of the Microsoft Entra group."""
    return {"apiGroup": _RBAC, "kind": "Group", "name": name}


def user_subject(name: str) -> dict[str, str]:
    """A user as a subject of RBAC."""
    return {"apiGroup": _RBAC, "kind": "User", "name": name}


def service_account_subject(namespace: str, name: str) -> dict[str, str]:
    """A service account as a subject of RBAC."""
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}
