"""Container logs: whether they leave the nodes, how, and all of them."""

from datetime import UTC, datetime

import pytest
from akscan.model.azure import (
    AddonConfig,
    AddonProfile,
    AzureMonitorProfile,
    ContainerInsights,
    ServicePrincipalProfile,
)
from akscan.model.kubernetes import (
    AgentSettings,
    AgentSettingsData,
    ControllerStatus,
    DaemonSet,
    Deployment,
    LogSettings,
    Namespace,
)
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    WORKSPACE,
    case,
    cluster,
    container,
    evaluate,
    inventory,
    logs_rule,
    named,
    pod,
    pod_spec,
    rule_association,
    tied,
    workload,
    workspace,
)
from akscan_rules.observability.logs import (
    container_logs_have_the_new_schema,
    container_logs_leave_the_nodes,
    monitoring_agent_has_a_managed_identity,
    no_application_is_left_out_of_the_logs,
)


def agent(key="omsagent", *, enabled=True, workspace="", aad="true"):
    config = AddonConfig(log_analytics_workspace_resource_id=ArmId(workspace), use_aad_auth=Token(aad))
    return {Token(key): AddonProfile(enabled=enabled, config=config)}


NO_AGENT = cluster(addon_profiles={})


def collector(image="docker.io/fluent/fluent-bit:3.1", *, available=3, kind=DaemonSet):
    return workload(
        kind,
        "logs",
        "logging",
        spec=pod_spec(container(image=image)),
        replicas=None,
        status=ControllerStatus(number_available=available),
    )


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("addonProfiles.omsagent.enabled true", [cluster(addon_profiles=agent())], Status.PASS),
        case(
            "addonProfiles key spelled omsAgent, enabled true",
            [cluster(addon_profiles=agent("omsAgent"))],
            Status.PASS,
        ),
        case(
            "azureMonitorProfile.containerInsights.enabled true, no omsagent",
            [
                cluster(
                    addon_profiles={},
                    azure_monitor_profile=AzureMonitorProfile(container_insights=ContainerInsights(enabled=True)),
                )
            ],
            Status.PASS,
        ),
        case(
            "omsagent false, DaemonSet with image docker.io/fluent/fluent-bit:3.1 and numberAvailable 3",
            [cluster(addon_profiles=agent(enabled=False)), collector()],
            Status.PASS,
        ),
        case(
            "omsagent false, fluent-bit DaemonSet with numberAvailable 0",
            [cluster(addon_profiles=agent(enabled=False)), collector(available=0)],
            Status.FAIL,
        ),
        case("numberAvailable 1", [NO_AGENT, collector(available=1)], Status.PASS),
        case(
            "omsagent absent, no DaemonSet matches",
            [NO_AGENT, collector("registry.example/node-exporter:1")],
            Status.FAIL,
        ),
        case(
            "an image whose name only ends alike", [NO_AGENT, collector("evil.example/xfluent/fluent-bit")], Status.FAIL
        ),
        case("a collector that is no DaemonSet", [NO_AGENT, collector(kind=Deployment)], Status.FAIL),
        case(
            "an own collector that is accepted",
            [NO_AGENT, collector("registry.example/platform/shipper@sha256:00")],
            Status.PASS,
            parameters={"accepted_log_collectors": ("platform/shipper",)},
        ),
        case("omsagent absent, DaemonSets forbidden", [NO_AGENT], Status.NOT_ASSESSED, unreadable=[Need.DAEMON_SETS]),
        case(
            "omsagent on, DaemonSets forbidden",
            [cluster(addon_profiles=agent())],
            Status.PASS,
            unreadable=[Need.DAEMON_SETS],
        ),
        case(
            "cluster unreadable",
            [cluster(addon_profiles=agent())],
            Status.NOT_ASSESSED,
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
    ],
)
def test_container_logs_leave_the_nodes(world, expected):
    assert evaluate(container_logs_leave_the_nodes, world).status is expected


def test_collector_without_pods_is_named():
    world = inventory(cluster(addon_profiles=agent(enabled=False, workspace=WORKSPACE)), collector(available=0))
    finding = evaluate(container_logs_leave_the_nodes, world).findings[0]
    assert finding.message == "no pod of logging/logs (docker.io/fluent/fluent-bit:3.1) is available"
    assert finding.evidence == {
        "omsagent.enabled": False,
        "containerInsights.enabled": False,
        "daemonSets": ("logging/logs (docker.io/fluent/fluent-bit:3.1)",),
        "telemetryStacks.as_of": "2026-08-21",
        "telemetryStacks.is_stale": False,
    }
    assert finding.fill == {"workspace_id": WORKSPACE}


def test_an_old_list_of_collectors_says_so():
    world = inventory(NO_AGENT, collected_at=datetime(2028, 1, 1, tzinfo=UTC))
    message = evaluate(container_logs_leave_the_nodes, world).findings[0].message
    assert message == "nothing collects container logs (by the list of 2026-08-21, which is stale)"


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case('omsagent enabled, useAADAuth "true"', [cluster(addon_profiles=agent())], Status.PASS),
        case('omsagent enabled, useAADAuth "True"', [cluster(addon_profiles=agent(aad="True"))], Status.PASS),
        case(
            "omsagent enabled, useAADAuth absent",
            [cluster(addon_profiles={Token("omsagent"): AddonProfile(enabled=True)})],
            Status.FAIL,
        ),
        case('omsagent enabled, useAADAuth "false"', [cluster(addon_profiles=agent(aad="false"))], Status.FAIL),
        case("omsagent disabled", [cluster(addon_profiles=agent(enabled=False, aad=""))], Status.NOT_APPLICABLE),
        case("no add-on", [NO_AGENT], Status.NOT_APPLICABLE),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_monitoring_agent_has_a_managed_identity(world, expected):
    assert evaluate(monitoring_agent_has_a_managed_identity, world).status is expected


def test_a_service_principal_comes_first():
    principal = ServicePrincipalProfile(client_id=Token("00000000-0000-0000-0000-0000000000c1"))
    profiles = agent(aad="false", workspace=WORKSPACE)
    world = inventory(cluster(addon_profiles=profiles, service_principal_profile=principal))
    finding = evaluate(monitoring_agent_has_a_managed_identity, world).findings[0]
    expected = "the agent signs in with the key of workspace log-shared; the cluster itself runs on a service principal"
    assert finding.message == expected
    assert finding.fill == {"workspace_id": WORKSPACE}


LEGACY = cluster(addon_profiles=agent(aad="false"))


def settings(text, name="container-azm-ms-agentconfig"):
    """The agent's ConfigMap as it is kept."""
    return named(
        AgentSettings, name, "kube-system", data=AgentSettingsData(log_data_collection_settings=LogSettings(text))
    )


def told(**rule):
    return [*tied(logs_rule(**rule)), workspace()]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("rule enableContainerLogV2 true, no ConfigMap", told(v2=True), Status.PASS),
        case("rule enableContainerLogV2 false, no ConfigMap", told(v2=False), Status.FAIL),
        case("rule says V2, ConfigMap says v1", [*told(v2=True), settings("v1")], Status.FAIL),
        case("rule says V1, ConfigMap says v2", [*told(v2=False), settings("v2")], Status.PASS),
        case("another ConfigMap says v2", [*told(v2=False), settings("v2", "mine")], Status.FAIL),
        case("the ConfigMap says nothing of it", [*told(v2=False), settings("")], Status.FAIL),
        case("streams only Microsoft-ContainerInsights-Group-Default, flag absent", told(v2=None), Status.NOT_ASSESSED),
        case(
            "streams name Microsoft-ContainerLogV2-HighScale",
            told(v2=None, streams=["Microsoft-ContainerLogV2-HighScale"]),
            Status.PASS,
        ),
        case("streams name Microsoft-ContainerLog", told(v2=None, streams=["Microsoft-ContainerLog"]), Status.FAIL),
        case(
            "streams name both",
            told(v2=None, streams=["Microsoft-ContainerLog", "Microsoft-ContainerLogV2"]),
            Status.PASS,
        ),
        case("legacy authentication, ConfigMap absent", [LEGACY], Status.FAIL),
        case("legacy authentication, ConfigMap says v2", [LEGACY, settings("v2")], Status.PASS),
        case(
            "legacy authentication, ConfigMap forbidden", [LEGACY], Status.NOT_ASSESSED, unreadable=[Need.CONFIG_MAPS]
        ),
        case("rule says V1, ConfigMap forbidden", told(v2=False), Status.NOT_ASSESSED, unreadable=[Need.CONFIG_MAPS]),
        case("rule says V2, ConfigMap forbidden", told(), Status.NOT_ASSESSED, unreadable=[Need.CONFIG_MAPS]),
        case("no working rule", [cluster()], Status.NOT_ASSESSED),
        case(
            "rules forbidden, ConfigMap says v2",
            [*told(v2=False), settings("v2")],
            Status.PASS,
            unreadable=[Need.DATA_COLLECTION_RULES],
        ),
        case("Container Insights off", [NO_AGENT], Status.NOT_APPLICABLE),
    ],
)
def test_container_logs_have_the_new_schema(world, expected):
    assert evaluate(container_logs_have_the_new_schema, world).status is expected


def test_what_decides_the_schema_is_named():
    finding = evaluate(container_logs_have_the_new_schema, inventory(*told(v2=False))).findings[0]
    assert finding.message == "data collection rule MSCI keeps container logs in the table ContainerLog"
    assert finding.fill["data_collection_rule_id"] == str(logs_rule().id)


def filtered(mode, *namespaces):
    return told(mode=mode, namespaces=namespaces)


SHOP, BILLING = pod("shop-0", "shop"), pod("billing-0", "billing")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("mode Off", [*filtered("Off", "shop"), SHOP], Status.NOT_APPLICABLE),
        case(
            "mode Exclude [kube-system], applications in shop", [*filtered("Exclude", "kube-system"), SHOP], Status.PASS
        ),
        case(
            "mode Exclude [kube-system, shop], pods run in shop",
            [*filtered("Exclude", "kube-system", "shop"), SHOP],
            Status.FAIL,
        ),
        case("mode Exclude [shop], shop has no pod", [*filtered("Exclude", "shop"), BILLING], Status.PASS),
        case(
            "mode Exclude [shop], its pods have ended",
            [*filtered("Exclude", "shop"), pod("job-0", "shop", phase="Succeeded")],
            Status.PASS,
        ),
        case(
            "mode Include [shop], pods run in shop and billing",
            [*filtered("Include", "shop"), SHOP, BILLING],
            Status.FAIL,
        ),
        case("mode Include [shop], kube-system left out", [*filtered("Include", "shop"), SHOP], Status.PASS),
        case(
            "mode Include [shop], billing in ignored_namespaces",
            [*filtered("Include", "shop"), SHOP, BILLING],
            Status.PASS,
            parameters={"ignored_namespaces": ("billing",)},
        ),
        case("mode Off, the agent's ConfigMap excludes shop from both streams",
             [*filtered("Off"), settings("stdout:shop stderr:shop"), SHOP], Status.FAIL),
        case("mode Off, the agent's ConfigMap excludes shop from one stream",
             [*filtered("Off"), settings("v2 stderr:shop"), SHOP], Status.FAIL),
        case("mode Off, the agent's ConfigMap excludes shop, which has no pod",
             [*filtered("Off"), settings("stdout:shop"), BILLING], Status.PASS),
        case("mode Off, the agent's ConfigMap excludes shop, in ignored_namespaces",
             [*filtered("Off"), settings("stdout:shop"), SHOP], Status.PASS,
             parameters={"ignored_namespaces": ("shop",)}),
        case("mode Off, the agent's ConfigMap excludes kube-system",
             [*filtered("Off"), settings("stdout:kube-system"), SHOP], Status.PASS),
        case("mode Off, another ConfigMap excludes shop",
             [*filtered("Off"), settings("stdout:shop", "mine"), SHOP], Status.NOT_APPLICABLE),
        case("legacy authentication, the agent's ConfigMap excludes shop", [LEGACY, settings("stdout:shop"), SHOP],
             Status.FAIL),
        case("rules forbidden, the agent's ConfigMap excludes shop",
             [*filtered("Off"), settings("stdout:shop"), SHOP], Status.FAIL,
             unreadable=[Need.DATA_COLLECTION_RULES]),
        case("mode Off, ConfigMaps forbidden", [*filtered("Off"), SHOP], Status.NOT_ASSESSED,
             unreadable=[Need.CONFIG_MAPS]),
        case("mode Exclude [kube-system], ConfigMaps forbidden", [*filtered("Exclude", "kube-system"), SHOP],
             Status.NOT_ASSESSED, unreadable=[Need.CONFIG_MAPS]),
        case("mode Exclude [shop], ConfigMaps forbidden", [*filtered("Exclude", "shop"), SHOP], Status.FAIL,
             unreadable=[Need.CONFIG_MAPS]),
        case("Container Insights off, the agent's ConfigMap excludes shop", [NO_AGENT, settings("stdout:shop"), SHOP],
             Status.NOT_APPLICABLE),
        case("no working rule", [SHOP, rule_association("gone")], Status.NOT_APPLICABLE),
        case("legacy authentication", [LEGACY, SHOP], Status.NOT_APPLICABLE),
        case("pods forbidden", [*filtered("Exclude", "shop"), SHOP], Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case(
            "rules forbidden",
            [*filtered("Exclude", "shop"), SHOP],
            Status.NOT_ASSESSED,
            unreadable=[Need.DATA_COLLECTION_RULES],
        ),
    ],
)  # fmt: skip
def test_no_application_is_left_out_of_the_logs(world, expected):
    assert evaluate(no_application_is_left_out_of_the_logs, world).status is expected


def test_what_is_left_out_is_counted():
    world = inventory(*filtered("Include", "shop", "gone"), SHOP, BILLING, named(Namespace, "shop"))
    finding = evaluate(no_application_is_left_out_of_the_logs, world).findings[0]
    assert finding.message == "rule MSCI leaves out the logs of billing"
    assert finding.evidence["leftOut"] == ("billing (1 pods)",)
    assert finding.evidence["listedButGone"] == ("gone",)


def test_each_filter_says_what_it_leaves_out():
    world = inventory(*filtered("Exclude", "billing"), settings("stdout:shop stderr:shop"), SHOP, BILLING)
    finding = evaluate(no_application_is_left_out_of_the_logs, world).findings[0]
    assert finding.message == (
        "rule MSCI leaves out the logs of billing; "
        "ConfigMap kube-system/container-azm-ms-agentconfig leaves out the logs of shop"
    )
    assert finding.evidence["exclude_namespaces"] == ("shop (stdout, stderr, 1 pods)",)
