"""What applications and their network connections tell."""

from collections.abc import Iterator

from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    rule,
)

from akscan_rules.observability.stacks import known_stacks


@rule(
    "OBS-015",
    Severity.INFO,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.PODS, Need.DEPLOYMENTS, Need.STATEFUL_SETS, Need.DAEMON_SETS],
    optional_needs=[Need.REPLICA_SETS, Need.JOBS, Need.CRON_JOBS, Need.REPLICATION_CONTROLLERS],
    docs=["https://learn.microsoft.com/azure/azure-monitor/app/kubernetes-codeless"],
    fix=Fix(
        "az aks update --resource-group {resource_group} --name {cluster} --enable-azure-monitor-app-monitoring",
        Disruption.WORKLOAD_RESTART,
        arm="properties.azureMonitorProfile.appMonitoring.autoInstrumentation.enabled",
    ),
)
def applications_send_traces(
    cluster: Cluster,
    inventory: Inventory,
    *,
    accepted_apm: tuple[str, ...] = (),
    telemetry_env_names: tuple[str, ...] = (
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "DD_AGENT_HOST",
        "DD_TRACE_AGENT_URL",
        "ELASTIC_APM_SERVER_URL",
        "NEW_RELIC_LICENSE_KEY",
    ),
) -> Iterator[Finding]:
    """Applications send traces.

    Logs and metrics show that a request failed; a trace shows in which of the ten services. On a shared platform it is
    the difference between two teams blaming each other and one of them fixing it.

    **Fix**: instrument with OpenTelemetry and send to Application Insights or any other backend; AKS can inject the
    agent without code changes, which restarts the instrumented pods.
    """
    monitoring = cluster.properties.azure_monitor_profile.app_monitoring
    switches = {
        "autoInstrumentation.enabled": monitoring.auto_instrumentation.enabled,
        "openTelemetryMetrics.enabled": monitoring.open_telemetry_metrics.enabled,
        "openTelemetryLogsAndTraces.enabled": monitoring.open_telemetry_logs_and_traces.enabled,
    }
    namespaces = cluster.application_namespaces
    if not namespaces:
        raise NotApplicable("there is no application namespace")
    if any(switches.values()):
        return
    stacks = known_stacks()
    workloads = cluster.workload_set
    if any(w.namespace in namespaces and w.sets_variable(telemetry_env_names) for w in workloads.items):
        return
    if not cluster.running_images.of(stacks.images("traces", accepted_apm)):
        silent = [workload for workload in workloads.complete() if workload.namespace in namespaces]
        yield Finding(
            f"none of {len(silent)} workload(s) in {len(namespaces)} application namespace(s) sends traces"
            f"{stacks.note(inventory)}",
            {
                **switches,
                "workloadsWithTelemetryVariable": 0,
                "workloadsWithout": len(silent),
                **stacks.evidence(inventory),
            },
        )


@rule(
    "OBS-016",
    Severity.INFO,
    Pillar.OPERATIONS,
    needs=[Need.MANAGED_CLUSTERS, Need.DEPLOYMENTS, Need.DAEMON_SETS],
    optional_needs=[Need.STATEFUL_SETS, Need.NODES],
    docs=[
        "https://learn.microsoft.com/azure/aks/advanced-container-networking-services-overview",
        "https://learn.microsoft.com/azure/aks/container-network-observability-guide",
    ],
    fix=Fix(
        "az aks update --enable-acns --resource-group {resource_group} --name {cluster}",
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.network_profile.advanced_networking.observability_enabled",
        arm="properties.networkProfile.advancedNetworking.observability.enabled",
    ),
)
def network_flows_can_be_seen(
    cluster: Cluster,
    inventory: Inventory,
    *,
    min_nodes: int = 3,
    accepted_network_observability: tuple[str, ...] = (),
) -> Iterator[Finding]:
    """Network flows and drops can be seen per pod.

    When a network policy, a full connection table or DNS drops packets, the application only reports a timeout. Node
    metrics do not say which pod was hit or which rule dropped the packet.

    **Fix**: enable the observability part of Advanced Container Networking Services (paid per node, rolls agents out),
    or run Hubble or Retina yourself. Flow logs need the Cilium data plane; metrics work on both.
    """
    nodes = sum(pool.nodes_now for pool in cluster.pools)
    if nodes < min_nodes and cluster.has_nodes_beside_pools:
        nodes = len(cluster.lists.nodes.complete())
    if nodes < min_nodes:
        raise NotApplicable(f"the cluster has {nodes} node(s)")
    network, stacks = cluster.properties.network_profile, known_stacks()
    advanced = network.advanced_networking
    if advanced.enabled and advanced.observability.enabled:
        return
    if not cluster.running_images.of(stacks.images("network", accepted_network_observability)):
        yield Finding(
            f"nothing shows the flows of pods{stacks.note(inventory)}",
            {
                "advancedNetworking.enabled": advanced.enabled,
                "advancedNetworking.observability.enabled": advanced.enabled and advanced.observability.enabled,
                "networkDataplane": network.network_dataplane,
                "networkPolicy": network.network_policy,
                **stacks.evidence(inventory),
            },
        )
