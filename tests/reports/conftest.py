"""Reports as the engine makes them: rules that say everything a rule can, and names that nobody chose well."""

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec
import pytest
from akscan.comparison import against
from akscan.engine import Evaluation, SelectedRule
from akscan.frameworks import CoveredFramework, Framework
from akscan.model.inventory import ScopedSubscription
from akscan.model.kubernetes import Job
from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Report,
    Severity,
    Workload,
    rule,
)
from akscan.testing import cluster, container, inventory, on, pod_spec, workload
from akscan.waivers import PlacedWaiver, Waiver

HOSTILE = (
    "<script>alert(1)</script>",
    "line\nbreak\r\n::error::x",
    "gpj.\u202ecod.exe",
    "n" * 10_240,
    "$(rm -rf ~); `id` 'q'",
    "[click](https://evil.example)",
    "[bold red]x[/bold red]",
    "{0} {1}",
    "..",
    "\x1b[31mred\x1b[0m\x07",
    "zero\u200bwidth\ufeff",
    "c:\\windows\\..\\x",
    "ünï/cödé#?%",
)


@rule(
    "API-901",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"cis_aks": ["5.4.2"], "mcsb": ["NS-2"]},
    docs=["https://learn.microsoft.com/azure/aks/private-clusters"],
    fix=Fix(
        "az aks create --resource-group {resource_group} --name {cluster} --enable-private-cluster {subnet}",
        Disruption.RECREATE,
        terraform="azurerm_kubernetes_cluster.private_cluster_enabled",
        arm="properties.apiServerAccessProfile.enablePrivateCluster",
    ),
)
def api_server_is_private(cluster: Cluster, _inventory: Inventory) -> Iterator[Finding]:
    """The API server has no public address.

    Anyone on the internet can reach a public API server and try what its next vulnerability allows. A private one
    answers in the virtual network only.

    The name of the API server is no secret.

    **Fix**: create the cluster anew as a private one and move the workloads.
    """
    if not cluster.is_private:
        yield Finding(
            "the API server answers on the internet",
            {"enablePrivateCluster": False, "authorizedIPRanges": [], "fqdn": None},
        )


@rule(
    "WRK-901",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.PODS],
    fix=Fix("kubectl --namespace {namespace} edit {kind} {name}", Disruption.WORKLOAD_RESTART),
)
def containers_have_a_memory_request(
    workload: Workload, _inventory: Inventory, *, exempt: tuple[str, ...] = ("job",)
) -> Iterator[Finding]:
    """Every container requests memory.

    The scheduler packs pods without a request as if they needed nothing.

    **Fix**: set `resources.requests.memory`.
    """
    if workload.kind.casefold() in exempt:
        raise NotApplicable("jobs are exempt")
    if workload.name == "crash":
        raise ValueError(workload.name)
    for bare in workload.effective_spec.containers:
        if bare.name != "good":
            yield Finding(f"container {bare.name} requests no memory", {"name": bare.name}, part=bare.name)


@rule("SEC-901", Severity.CRITICAL, Pillar.SECURITY, needs=[Need.SECRETS], fix=Fix("", Disruption.NONE))
def secrets_are_not_made_by_hand(cluster: Cluster, _inventory: Inventory) -> Iterator[Finding]:
    """Secrets come from a vault.

    A Secret that someone made by hand is in their shell's history.

    **Fix**: mount it from Azure Key Vault.
    """
    for made in cluster.handmade_secrets:
        yield Finding(f"Secret {made.name} was made by hand", {"name": made.name})


RULES = (api_server_is_private, containers_have_a_memory_request, secrets_are_not_made_by_hand)


def make_report(
    *things: object, unreadable: tuple[Need, ...] = (), rules: tuple = RULES, waivers: Sequence[PlacedWaiver] = ()
) -> Report:
    """What the engine says of the things that `akscan.testing.inventory` makes an inventory of."""
    world = inventory(*things, unreadable=unreadable)
    return Evaluation([SelectedRule.of(one) for one in rules], world, (), waivers).finish(world.manifest)


def deployments(*names: str, containers: Sequence[str] = ("app",)) -> list:
    spec = pod_spec(*(container(name) for name in containers))
    return [workload(name=name, spec=spec) for name in names]


def public(name: str = "aks", **fields: object):
    return cluster(name, api_server={"enable_private_cluster": False}, **fields)


FRAMEWORK = """
id: house_rules
title: Rules of the <b>house</b>
version: "3"
as_of: 2025-11-01
stale_after_days: 100
sources: [https://house.example/rules, "javascript:alert(1)"]
controls:
- {id: H-1, title: The API server is private}
- {id: H-2, title: Memory is asked for}
- {id: H-3, title: Secrets come from a vault}
- {id: H-4, title: Doors are locked, by: hand}
- {id: H-5, title: Windows are shut, by: AKS}
- {id: H-6, title: Nobody smokes}
- {id: H-7, title: The cellar is dry}
"""


@pytest.fixture
def framed(fleet) -> Report:
    """The fleet, with a framework of every status; the rule of H-7 is off."""
    controls = {"H-1": "API-901", "H-2": "WRK-901", "H-3": "SEC-901", "H-7": "OFF-901"}
    named = [(rule, {"house_rules": (control,)}) for control, rule in controls.items()]
    covered = CoveredFramework.of(Framework.read(FRAMEWORK, "house.yaml"), named)
    return msgspec.structs.replace(fleet, frameworks=(covered.judged(fleet.run.started, fleet.counts()),))


@pytest.fixture(name="make_report")
def _make_report():
    return make_report


@pytest.fixture(name="deployments")
def _deployments():
    return deployments


@pytest.fixture(name="public")
def _public():
    return public


@pytest.fixture
def hostile_names() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture
def hostile() -> Report:
    """Names of every bad kind, on workloads and on their containers."""
    return make_report(public(), deployments(*HOSTILE, containers=HOSTILE[:3]))


@pytest.fixture
def fleet() -> Report:
    """Two clusters of one name and a private one; rules that pass, fail, do not apply, crash and do not know."""
    return make_fleet()


def make_fleet(waivers: Sequence[PlacedWaiver] = ()) -> Report:
    report = make_report(
        public("aks-shop"),
        public("aks-shop", resource_group="rg-other"),
        cluster("aks-intranet"),
        deployments(*(f"web-{number:02}" for number in range(13))),
        deployments("sound", containers=("good",)),
        deployments("crash"),
        workload(Job, "nightly"),
        on("aks-intranet", deployments("portal")),
        unreadable=(Need.SECRETS,),
        waivers=waivers,
    )
    refused = ScopedSubscription(
        id="/subscriptions/00000000-0000-0000-0000-000000000002",
        name="Payments",
        status="refused",
        detail="AuthorizationFailed on Microsoft.ContainerService/managedClusters/read",
    )
    scope = msgspec.structs.replace(
        report.run.scope,
        selectors={"subscription": ("Shop", "Payments")},
        subscriptions=(*report.run.scope.subscriptions, refused),
    )
    run = msgspec.structs.replace(
        report.run, akscan="0.1.0", cloud="AzureCloud", identity="auditor@contoso.example", scope=scope
    )
    return msgspec.structs.replace(report, run=run)


WAIVERS = (
    Waiver(
        rule="WRK-901",
        name="web-0*",
        reason='=HYPERLINK("https://evil.example")',
        owner="@team",
        ticket="OPS-1",
        expires=date(2027, 1, 31),
    ),
    Waiver(rule="API-901", cluster="none", reason="moved", owner="ops", ticket="OPS-2", expires=date(2027, 1, 31)),
)


@pytest.fixture
def compared() -> Report:
    """The fleet with waived findings, compared with a baseline that lacks some and saw others otherwise."""
    baseline = make_fleet()
    first, *others = [finding for finding in baseline.findings if finding.subject.name != "web-12"]
    known = (msgspec.structs.replace(first, evidence={}), *others)
    placed = [PlacedWaiver(waiver, f"akscan.yaml:{line}") for line, waiver in enumerate(WAIVERS, start=1)]
    return against(make_fleet(placed), msgspec.structs.replace(baseline, findings=known))
