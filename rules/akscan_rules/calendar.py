"""Which Kubernetes minors AKS supports: by the list of the region, and by a dated file, as ARM returns no dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources

import msgspec
import yaml
from akscan.sdk import (
    Cluster,
    EvidenceValue,
    Gap,
    Inventory,
    KubernetesVersion,
    Need,
    NotCollected,
    if_known,
    minor,
    untold,
    version_key,
)

LONG_TERM_SUPPORT = "AKSLongTermSupport"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What AKS lays down for all minors; https://learn.microsoft.com/azure/aks/supported-kubernetes-versions."""

    max_minor_skew_pool: int


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """A minor from general availability to the last day of community support and of long-term support."""

    ga: date
    eol: date
    lts_eol: date

    def ends(self, support_plan: str) -> date:
        """The last day under a support plan."""
        return self.lts_eol if support_plan == LONG_TERM_SUPPORT else self.eol


class NodeOs(msgspec.Struct, frozen=True, kw_only=True):
    """An operating system of nodes, told by the name of its images; no image with security fixes is built after
    ``support_ends``.
    """

    name: str
    image_pattern: str
    support_ends: date | None = None

    def made(self, image: str) -> bool:
        """Whether a node image holds it."""
        return re.match(self.image_pattern, image, re.IGNORECASE) is not None


class RemovedApi(msgspec.Struct, frozen=True, kw_only=True):
    """Kinds that an API version served before ``removed_in``."""

    api_version: str
    kinds: tuple[str, ...]
    removed_in: str
    replacement: str


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """The lives of the minors as the documentation of ``as_of`` gave them; later dates are its forecast."""

    as_of: date
    sources: tuple[str, ...]
    stale_after_days: int
    policy: Policy
    versions: Mapping[str, Life]
    node_os: tuple[NodeOs, ...]
    removed_apis: tuple[RemovedApi, ...]

    def os_of(self, image: str) -> NodeOs | None:
        """The operating system of a node image; the first pattern that fits decides."""
        return next((found for found in self.node_os if found.made(image)), None)

    def is_stale(self, today: date) -> bool:
        """Whether newer documentation has probably changed a date."""
        return (today - self.as_of).days > self.stale_after_days

    def is_before_all(self, minor: str) -> bool:
        """Whether the minor is older than the oldest that the calendar knows."""
        return version_key(minor) < min(version_key(known) for known in self.versions)

    def was_released(self, minor: str) -> bool:
        """Whether the minor was generally available when the calendar was written."""
        return minor in self.versions and self.versions[minor].ga <= self.as_of

    def described(self, today: date) -> str:
        """The calendar as findings name it."""
        return f"the calendar of {self.as_of}{', which is stale' if self.is_stale(today) else ''}"


@cache
def support_calendar() -> Calendar:
    """The calendar that ships with the rules, read on first use."""
    text = resources.files(__package__).joinpath("data", "kubernetes_versions.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Calendar)


def lapse_of_support(cluster: Cluster, inventory: Inventory, version: str, *, calendar_fallback: bool = True) -> str:
    """Why the cluster's support plan does not cover the minor of a version; empty where it does.

    The region's list decides. The calendar stands in where the list is refused, empty or silent about plans; but a
    refused list might tell of a lapse that the calendar knows nothing of: then only the calendar's failures count.
    """
    wanted, plan = minor(version), cluster.properties.support_plan
    if not wanted:
        raise NotCollected(unlisted(cluster, "no Kubernetes version is reported"))
    rows = if_known(lambda: inventory.kubernetes_versions(cluster))
    row = None
    if rows and not isinstance(rows, str):
        row = inventory.offered_version(cluster, version)
        if row is None:
            return f"{cluster.location} does not offer Kubernetes {wanted}"
        if row.is_preview:
            return f"Kubernetes {wanted} is a preview in {cluster.location}"
        if plans := row.capabilities.support_plan:
            return "" if plan in plans else f"{cluster.location} offers Kubernetes {wanted} for {', '.join(plans)} only"
    if calendar_fallback and (ended := _lapse_by_calendar(inventory, wanted, plan)):
        return ended
    inventory.kubernetes_versions(cluster)
    calendar = support_calendar()
    if not calendar_fallback or not (calendar.was_released(wanted) or (row and wanted in calendar.versions)):
        raise NotCollected(unlisted(cluster, f"whether {plan} covers Kubernetes {wanted} stands nowhere"))
    return ""


def _lapse_by_calendar(inventory: Inventory, wanted: str, plan: str) -> str:
    today, calendar = inventory.collected_at.date(), support_calendar()
    if calendar.is_before_all(wanted):
        return f"Kubernetes {wanted} is older than everything in {calendar.described(today)}"
    life = calendar.versions.get(wanted)
    if life and today > life.ends(plan):
        return f"{plan} support of Kubernetes {wanted} ended on {life.ends(plan)}, by {calendar.described(today)}"
    return ""


def unlisted(cluster: Cluster, detail: str) -> Gap:
    """What the versions that ARM reports for a cluster or its region do not tell."""
    return untold("arm", cluster.id, detail, Need.KUBERNETES_VERSIONS)


def covered_minors(cluster: Cluster, inventory: Inventory) -> list[str]:
    """The generally available minors that the region lists for the cluster's plan, or for no plan in particular."""
    plan = cluster.properties.support_plan
    rows = (row for row in inventory.kubernetes_versions(cluster) if not row.is_preview)
    return [row.version for row in rows if plan in (row.capabilities.support_plan or (plan,))]


def support_evidence(cluster: Cluster, inventory: Inventory, version: str) -> dict[str, EvidenceValue]:
    """What the region's list (``values.version`` is None where it has no row) and the calendar say about a minor."""
    today, calendar = inventory.collected_at.date(), support_calendar()
    life = calendar.versions.get(minor(version))
    row = if_known(lambda: inventory.offered_version(cluster, version))
    offered: dict[str, EvidenceValue] = {"values.version": row} if isinstance(row, str) else {"values.version": None}
    if isinstance(row, KubernetesVersion):
        offered = {
            "values.version": row.version,
            "values.isPreview": row.is_preview,
            "values.capabilities.supportPlan": row.capabilities.support_plan,
        }
    return {
        "location": cluster.location,
        "supportPlan": cluster.properties.support_plan,
        **offered,
        "calendar.as_of": str(calendar.as_of),
        "calendar.is_stale": calendar.is_stale(today),
        "calendar.eol": str(life.eol) if life else None,
        "calendar.lts_eol": str(life.lts_eol) if life else None,
    }
