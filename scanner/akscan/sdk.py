"""The whole public surface for rule packs and reporters.

A rule is one function with one decision; see ``docs/writing-rules.md``.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from akscan.errors import AkscanError
from akscan.frameworks import By, Control, Framework
from akscan.model.agents import Agents, Shortfall
from akscan.model.alerting import FAILED_OPERATION, SIGNALS, Alert
from akscan.model.api_clients import api_server_addresses, callers_by_address
from akscan.model.assignments import EffectiveAssignment, may_hold, require_membership
from akscan.model.azure import (
    AgentPool,
    AzureFirewall,
    CacheRule,
    ContainerRegistry,
    DataCollectionEndpoint,
    DiagnosticSetting,
    EventHubNamespace,
    Extension,
    FederatedCredential,
    IdentityBinding,
    Key,
    KubernetesVersion,
    ListedResource,
    MaintenanceWindow,
    ManagedCluster,
    MeshRevision,
    NetworkRuleSet,
    Resource,
    Route,
    RouteTable,
    StorageAccount,
    SubnetResource,
    TrustedAccessRoleBinding,
    UserAssignedIdentity,
    Vault,
    VaultSecret,
    VirtualNetwork,
    Workspace,
    WorkspaceTable,
    image_date,
    image_without_patches,
)
from akscan.model.cidr import is_private, is_within, network_of
from akscan.model.cluster import Cluster, is_azure_registry
from akscan.model.drain import Allowance, emptied_by_one_node
from akscan.model.egress import Egress
from akscan.model.federation import FederatedIdentity
from akscan.model.firewalls import Decision, Decisions, Destination, Filter
from akscan.model.gaps import Gap, NotCollected, Reason, require_no_perimeter, untold
from akscan.model.gateways import ApiServerSubnet, ClusterFirewall, ClusterNatGateway, firewall_placeholders
from akscan.model.inventory import Inventory, ScopeOfScan
from akscan.model.kms import KmsKey, KmsVault
from akscan.model.kubernetes import (
    SPOT_TAINT,
    AppliedObject,
    ClusterRoleBinding,
    Container,
    CronJob,
    DaemonSet,
    Job,
    Node,
    Pod,
    PodSpec,
    PolicyRule,
    RbacSubject,
    Request,
    RoleBinding,
    SecretProviderClass,
    SecretUse,
    Service,
    Taint,
    Toleration,
    VaultObject,
    secret_uses,
)
from akscan.model.ledger import LedgerEntry, LedgerScope, PermissionStatus, Place, places
from akscan.model.literals import Literal
from akscan.model.mesh import Mesh, Sidecar
from akscan.model.names import resolves_privately
from akscan.model.namespaces import ApplicationNamespace
from akscan.model.needs import Need
from akscan.model.node_identities import AddonIdentity, Borrowable, borrowable
from akscan.model.objects import (
    AdmissionWebhook,
    ClusterRoleBindingSubject,
    ClusterRoleSubject,
    ConfigMapSubject,
    DisruptionBudget,
    KarpenterNodePool,
    LoadBalancerService,
    RoleBindingSubject,
    RoleSubject,
    SecretProviderClassSubject,
    SecretSubject,
)
from akscan.model.pools import NodePool
from akscan.model.registries import ClusterRegistry, read_registry
from akscan.model.roles import Grant, RoleAssignment, RoleDefinition
from akscan.model.scheduling import prefers_spot, requires_spot
from akscan.model.shared import (
    ClusterVault,
    ControlPlaneIdentity,
    KubeletIdentity,
    Subnet,
    prefixes,
    read_vault,
    usable,
)
from akscan.model.snat import LOAD_BALANCER_PORTS, Ports, automatic_ports, largest, shared_ports
from akscan.model.storage import Mount
from akscan.model.subject import Absent, Subject, SubjectRef, Unreadable
from akscan.model.telemetry import AuditStore, Collector, Telemetry
from akscan.model.text import ArmId, Location, Token, minor, version_key
from akscan.model.topology import Requirement, requirements
from akscan.model.vault_contents import VaultReader, stored
from akscan.model.vault_reach import VaultReach
from akscan.model.workloads import Workload, image_host, image_matches
from akscan.plain import cluster_labels, markdown_text, plain, plain_lines, subject_label
from akscan.presentation import Anchor, Presentation, SarifProfile
from akscan.report_file import decode_report, encode_report
from akscan.reporters import Reporter, reporter
from akscan.results import (
    Baseline,
    Carried,
    Change,
    ClusterFacts,
    ControlResult,
    ControlStatus,
    Coverage,
    CoverageFigure,
    Crash,
    Disruption,
    EvidenceValue,
    Failure,
    FrameworkResult,
    GapSummary,
    HopFacts,
    IdentityFacts,
    Inapplicable,
    NetworkFacts,
    Passed,
    Past,
    Pillar,
    PoolFacts,
    Remediation,
    Report,
    RuleInfo,
    Run,
    Severity,
    Status,
    SubnetFacts,
    Unassessed,
    WaiverResult,
    WaiverStatus,
    fingerprint,
)

__all__ = [
    "FAILED_OPERATION", "LOAD_BALANCER_PORTS", "SIGNALS", "SPOT_TAINT", "Absent", "AddonIdentity", "AdmissionWebhook",
    "AgentPool", "Agents", "AkscanError", "Alert", "Allowance", "Anchor", "ApiServerSubnet", "ApplicationNamespace",
    "AppliedObject", "ArmId", "AuditStore", "AzureFirewall", "Baseline", "Borrowable", "By", "CacheRule", "Carried",
    "Change", "Cluster", "ClusterFacts", "ClusterFirewall", "ClusterNatGateway", "ClusterRegistry",
    "ClusterRoleBinding", "ClusterRoleBindingSubject", "ClusterRoleSubject", "ClusterVault", "Collector",
    "ConfigMapSubject", "Container", "ContainerRegistry", "Control", "ControlPlaneIdentity", "ControlResult",
    "ControlStatus", "Coverage", "CoverageFigure", "Crash", "CronJob", "DaemonSet", "DataCollectionEndpoint",
    "Decision", "Decisions", "Destination", "DiagnosticSetting", "Disruption", "DisruptionBudget",
    "EffectiveAssignment", "Egress", "EventHubNamespace", "EvidenceValue", "Extension", "Failure",
    "FederatedCredential", "FederatedIdentity", "Filter", "Finding", "Fix", "Framework", "FrameworkResult", "Gap",
    "GapSummary", "Grant", "HopFacts", "IdentityBinding", "IdentityFacts", "Inapplicable", "Inventory", "Job",
    "KarpenterNodePool", "Key", "KmsKey", "KmsVault", "KubeletIdentity", "KubernetesVersion", "LedgerEntry",
    "LedgerScope", "ListedResource", "Literal", "LoadBalancerService", "Location", "MaintenanceWindow",
    "ManagedCluster", "Mesh", "MeshRevision", "Mount", "Need", "NetworkFacts", "NetworkRuleSet", "Node", "NodePool",
    "NotApplicable", "NotCollected", "Passed", "Past", "PermissionStatus", "Pillar", "Place", "Pod", "PodSpec",
    "PolicyRule", "PoolFacts", "Ports", "Presentation", "RbacSubject", "Reason", "Remediation", "Report", "Reporter",
    "Request", "Requirement", "Resource", "RoleAssignment", "RoleBinding", "RoleBindingSubject", "RoleDefinition",
    "RoleSubject", "Route", "RouteTable", "Rule", "RuleInfo", "Run", "SarifProfile", "ScopeOfScan",
    "SecretProviderClass", "SecretProviderClassSubject", "SecretSubject", "SecretUse", "Service", "Severity",
    "Shortfall", "Sidecar", "Status", "StorageAccount", "Subject", "SubjectRef", "Subnet", "SubnetFacts",
    "SubnetResource", "Taint", "Telemetry", "Token", "Toleration", "TrustedAccessRoleBinding", "Unassessed",
    "Unreadable", "UserAssignedIdentity", "Vault", "VaultObject", "VaultReach", "VaultReader", "VaultSecret",
    "VirtualNetwork", "WaiverResult", "WaiverStatus", "Workload", "Workspace", "WorkspaceTable", "any_of",
    "api_server_addresses", "automatic_ports", "borrowable", "callers_by_address", "cluster_labels", "decode_report",
    "emptied_by_one_node", "encode_report", "fingerprint", "firewall_placeholders", "if_known", "image_date",
    "image_host", "image_matches", "image_without_patches", "is_azure_registry", "is_private", "is_within", "largest",
    "markdown_text", "may_hold", "minor", "network_of", "places", "plain", "plain_lines", "prefers_spot", "prefixes",
    "read_registry", "read_vault", "reporter", "require_membership", "require_no_perimeter", "requirements",
    "requires_spot", "resolves_privately", "rule", "secret_uses", "shared_ports", "stored", "subject_label", "untold",
    "usable", "version_key",
]  # fmt: skip

T = TypeVar("T")


class NotApplicable(Exception):  # noqa: N818 a verdict, not a fault
    """Raised by a rule where its question does not arise; the argument says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a subject: a sentence with the observed values, and the values under the API's own names.

    ``fill`` fills further placeholders of the fix. Findings of one subject merge into one, except where ``part`` (the
    path of a sub-object, never an observed value) tells them apart. ``containers`` are the names of the containers that
    it is about, where it is about some and not about the pod as a whole: a waiver may be for one of them.
    """

    message: str
    evidence: Mapping[str, EvidenceValue | Sequence[Any]] = field(default_factory=dict)
    fill: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    containers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Fix:
    """How to mend a finding. ``cli`` holds shell commands with placeholders ``{lower_case_words}``; ``terraform`` and
    ``arm`` name the setting in infrastructure as code.
    """

    cli: str
    disruption: Disruption
    terraform: str = ""
    arm: str = ""


RuleFunction = Callable[..., Iterator[Finding]]


@dataclass(frozen=True)
class Rule:
    """A rule: the function that decides and what machines filter on; the texts are the function's docstring. It is
    asked about work that has come to its end only where it is ``of_ended``.
    """

    id: str
    severity: Severity
    pillar: Pillar
    function: RuleFunction
    fix: Fix
    needs: tuple[Need, ...]
    optional_needs: tuple[Need, ...] = ()
    frameworks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    docs: tuple[str, ...] = ()
    of_ended: bool = False

    @property
    def documentation(self) -> str:
        """The docstring, Markdown: the title, why, and **Fix**."""
        return inspect.cleandoc(self.function.__doc__ or "")

    @property
    def title(self) -> str:
        return self.documentation.partition("\n")[0].rstrip(".")

    @property
    def why(self) -> str:
        return self._body.partition("**Fix**:")[0].strip()

    @property
    def how(self) -> str:
        """The paragraph behind **Fix**."""
        return self._body.partition("**Fix**:")[2].strip()

    @property
    def _body(self) -> str:
        return self.documentation.partition("\n")[2]

    @property
    def module(self) -> str:
        """The topic: the module of the pack that holds the rule, or the package where a topic takes several."""
        return self.function.__module__.split(".")[:2][-1]

    @property
    def location(self) -> str:
        """File and line, for errors at load."""
        code = self.function.__code__
        return f"{code.co_filename}:{code.co_firstlineno}"

    def info(self, parameters: Mapping[str, EvidenceValue]) -> RuleInfo:
        """The rule as reports show it, with the parameters in force."""
        return RuleInfo(
            id=self.id,
            name="".join(word.capitalize() for word in self.function.__name__.split("_")),
            title=self.title,
            module=self.module,
            severity=self.severity,
            pillar=self.pillar,
            why=self.why,
            fix=self.how,
            disruption=self.fix.disruption,
            needs=tuple(str(need) for need in self.needs),
            optional_needs=tuple(str(need) for need in self.optional_needs),
            frameworks=dict(self.frameworks),
            docs=self.docs,
            commands=self.fix.cli,
            terraform=self.fix.terraform,
            arm=self.fix.arm,
            parameters=dict(parameters),
        )


def rule(  # noqa: PLR0913 what a machine filters on, by keyword
    rule_id: str,
    severity: Severity,
    pillar: Pillar,
    *,
    needs: Sequence[Need],
    fix: Fix,
    optional_needs: Sequence[Need] = (),
    frameworks: Mapping[str, Sequence[str]] | None = None,
    docs: Sequence[str] = (),
    of_ended: bool = False,
) -> Callable[[RuleFunction], Rule]:
    """Make a `Rule` of a function ``(subject, inventory, *, parameter=default) -> Iterator[Finding]``.

    ``needs`` are the permissions without which it decides nothing; ``optional_needs`` those that only some cases or
    only the evidence want. ``of_ended`` is for a rule on what an object holds, also when its Job or pod is over.
    """
    fix = Fix(textwrap.dedent(fix.cli).strip(), fix.disruption, fix.terraform, fix.arm)

    def decorate(function: RuleFunction) -> Rule:
        return Rule(
            id=rule_id,
            severity=severity,
            pillar=pillar,
            function=function,
            fix=fix,
            needs=tuple(needs),
            optional_needs=tuple(optional_needs),
            frameworks={name: tuple(controls) for name, controls in (frameworks or {}).items()},
            docs=tuple(docs),
            of_ended=of_ended,
        )

    return decorate


def any_of(*branches: Iterator[Finding]) -> Iterator[Finding]:
    """Judge alternatives: every branch that can be read speaks, and only where none of them finds fault does a gap in
    another make the subject not assessed.
    """
    missing: list[NotCollected] = []
    for branch in branches:
        try:
            yield from branch
        except NotCollected as gap:
            missing.append(gap)
    if missing:
        raise missing[0]


def if_known(read: Callable[[], T]) -> T | str:
    """A value that is evidence only: itself, or the reason why it could not be read."""
    try:
        return read()
    except NotCollected as missing:
        return f"not read ({missing.gap.permission or missing.gap.reason})"
