"""Whether what is switched on collects: data collection rules, Prometheus, and agents on every node."""

from collections.abc import Iterator
from datetime import timedelta

from akscan.sdk import (
    Agents,
    Cluster,
    Collector,
    Disruption,
    EvidenceValue,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    Shortfall,
    Telemetry,
    any_of,
    rule,
)

from akscan_rules.observability.stacks import known_stacks

#: What AKS deploys for each profile (https://learn.microsoft.com/azure/aks/outbound-rules-control-egress,
#: https://learn.microsoft.com/azure/azure-monitor/containers/kubernetes-monitoring-enable).
_AGENTS = {
    "logs": ("DaemonSet/kube-system/ama-logs", "Deployment/kube-system/ama-logs-rs"),
    "metrics": (
        "Deployment/kube-system/ama-metrics",
        "Deployment/kube-system/ama-metrics-ksm",
        "DaemonSet/kube-system/ama-metrics-node",
    ),
    "defender": ("DaemonSet/kube-system/microsoft-defender-*",),
    "policy": ("Deployment/kube-system/azure-policy", "Deployment/gatekeeper-system/gatekeeper-controller"),
}
_WINDOWS_AGENTS = {
    "logs": ("DaemonSet/kube-system/ama-logs-windows",),
    "metrics": ("DaemonSet/kube-system/ama-metrics-win-node",),
}
#: So many pods that are not ready are shown.
_SHOWN = 5


@rule(
    "OBS-003",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.DATA_COLLECTION_RULE_ASSOCIATIONS,
        Need.DATA_COLLECTION_RULES,
    ],
    optional_needs=[Need.WORKSPACES, Need.MONITOR_ACCOUNTS],
    docs=[
        "https://learn.microsoft.com/azure/azure-monitor/containers/kubernetes-monitoring-enable",
        "https://learn.microsoft.com/azure/azure-monitor/essentials/data-collection-rule-overview",
    ],
    fix=Fix(
        """
        az aks disable-addons --addons monitoring --resource-group {resource_group} --name {cluster}
        az aks enable-addons --addons monitoring --resource-group {resource_group} --name {cluster} --workspace-resource-id {workspace_id}
        az aks update --enable-azure-monitor-metrics --azure-monitor-workspace-resource-id {azure_monitor_workspace_id} --resource-group {resource_group} --name {cluster}
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_monitor_data_collection_rule_association.target_resource_id"
            " | azurerm_monitor_data_collection_rule.data_sources, .destinations"
        ),
        arm="Microsoft.Insights/dataCollectionRuleAssociations properties.dataCollectionRuleId",
    ),
)
def collectors_end_in_a_workspace(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Each Azure Monitor collector has a data collection rule that ends in an existing workspace.

    The switch on the cluster only starts the agents. What they send, and where to, is held in a separate rule; when
    that rule or its workspace has been deleted in a clean-up, the portal still shows monitoring as enabled while
    nothing arrives.

    **Fix**: recreate the rule and its association; re-running the enable command does both. The first two commands are
    for logs (with a workspace that exists), the third is for metrics: run only what belongs to the broken collector.
    """
    telemetry = Telemetry(cluster, inventory)
    if not telemetry.collectors:
        raise NotApplicable("Azure Monitor collects nothing by a data collection rule")
    yield from any_of(*(_broken(telemetry, collector) for collector in telemetry.collectors))


def _broken(telemetry: Telemetry, collector: Collector) -> Iterator[Finding]:
    if telemetry.working_rule(collector) is not None:
        return
    links = telemetry.broken_links(collector)
    ties = telemetry.associations
    named = str(telemetry.named_workspace) if collector is Collector.LOGS else ""
    yield Finding(
        f"{collector} go nowhere: {'; '.join(links) or 'no association ties the cluster to a data collection rule'}",
        {
            "collector": collector.value,
            "associations": tuple(f"{tie.name}: {tie.properties.data_collection_rule_id}" for tie in ties),
            "brokenLinks": links,
            "workspaceResourceId": named,
        },
        {"workspace_id": named},
        part=f"collectors/{collector}",
    )


@rule(
    "OBS-006",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.DEPLOYMENTS, Need.STATEFUL_SETS, Need.DAEMON_SETS],
    docs=[
        "https://learn.microsoft.com/azure/aks/monitor-aks",
        "https://learn.microsoft.com/azure/azure-monitor/essentials/prometheus-metrics-overview",
    ],
    fix=Fix(
        "az aks update --enable-azure-monitor-metrics --resource-group {resource_group} --name {cluster}",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.monitor_metrics",
        arm="properties.azureMonitorProfile.metrics.enabled",
    ),
)
def prometheus_metrics_are_collected(
    cluster: Cluster, inventory: Inventory, *, accepted_metric_stacks: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Prometheus metrics are collected.

    Platform metrics stop at the node. Restart loops, pending pods, volume fill level, autoscaler limits and API server
    latency are only visible to a Prometheus-style collector, and most ready-made AKS alerts are built on those series.

    **Fix**: enable the managed service for Prometheus, or name the image of the stack that you run in
    accepted_metric_stacks.
    """
    if cluster.resource.collects_metrics:
        return
    stacks = known_stacks()
    if not cluster.running_images.of(stacks.images("metrics", accepted_metric_stacks)):
        yield Finding(
            f"nothing collects Prometheus metrics{stacks.note(inventory)}",
            {"metrics.enabled": False, "readyStacks": (), **stacks.evidence(inventory)},
        )


@rule(
    "OBS-007",
    Severity.MEDIUM,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.DAEMON_SETS, Need.DEPLOYMENTS],
    optional_needs=[Need.PODS, Need.REPLICA_SETS],
    docs=[
        "https://learn.microsoft.com/azure/aks/outbound-rules-control-egress",
        "https://learn.microsoft.com/azure/azure-monitor/containers/container-insights-troubleshoot",
    ],
    fix=Fix(
        """
        kubectl get daemonsets,deployments --namespace kube-system
        kubectl describe daemonset ama-logs --namespace kube-system
        """,
        Disruption.NONE,
    ),
)
def promised_agents_run(cluster: Cluster, inventory: Inventory, *, grace_minutes: int = 15) -> Iterator[Finding]:
    """The agents that the cluster profile promises run on every node.

    Azure Resource Manager keeps saying "enabled" while the agent pods are evicted, pending for lack of room, or unable
    to pull their image through the firewall. On those nodes there are no logs, no metrics and no runtime alerts.

    **Fix**: look at the pods' events (the second command shows those of one agent; put the name of the finding's in);
    the usual causes are a firewall that misses the Azure Monitor or Defender endpoints, node pools without spare
    memory, and a taint that the agent does not tolerate.
    """
    agents = Agents(cluster)
    if not agents.profiles:
        raise NotApplicable("no profile with agents is on")
    agents.require_running()
    yield from any_of(
        *(
            _missing_agents(agents, profile, agent, inventory, timedelta(minutes=grace_minutes))
            for profile in agents.profiles
            for agent in agents.expected(
                (*_AGENTS[profile], *(_WINDOWS_AGENTS.get(profile, ()) if agents.has_windows else ()))
            )
        )
    )


def _missing_agents(
    agents: Agents, profile: str, agent: str, inventory: Inventory, grace: timedelta
) -> Iterator[Finding]:
    for shortfall in agents.shortfalls(agent, inventory.collected_at, grace):
        evidence: dict[str, EvidenceValue] = {
            "profile": agents.profiles[profile],
            f"{shortfall.agent} ready": f"{shortfall.ready} of {shortfall.wanted}" if shortfall.wanted else "missing",
            f"{shortfall.agent} pods": _described(shortfall),
        }
        yield Finding(str(shortfall), evidence, part=f"profiles/{profile}")


def _described(shortfall: Shortfall) -> tuple[str, ...]:
    return tuple(
        f"{pod.name} on {pod.node_name or 'no node'}: {pod.status.phase}"
        f"{''.join(f', {reason}' for reason in pod.status.waiting_reasons)}, {pod.status.restarts} restarts"
        for pod in shortfall.pods[:_SHOWN]
    )
