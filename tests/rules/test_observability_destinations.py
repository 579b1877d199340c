"""Whether what telemetry is sent to is there and takes it in."""

import pytest
from akscan.model.azure import AzureMonitorProfile, Reference, Switch
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    EVENT_HUBS,
    GROUP,
    STORAGE_ACCOUNT,
    WORKSPACE,
    case,
    cluster,
    collection_endpoint,
    diagnostic_setting,
    evaluate,
    event_hubs,
    inventory,
    logs_rule,
    metrics_rule,
    monitor_account,
    route_table,
    scoped,
    storage_account,
    subnet,
    tied,
    virtual_network,
    workspace,
)
from akscan_rules.observability.destinations import destinations_take_telemetry_in

OFF = cluster(addon_profiles={})
NAT = f"{GROUP}/providers/Microsoft.Network/natGateways/ng"


def to(*categories, **destinations):
    return [OFF, diagnostic_setting(categories=categories or ["kube-audit"], **destinations)]


def to_workspace(*categories):
    return to(*categories, workspace_id=WORKSPACE)


def to_hubs(**fields):
    rule = f"{EVENT_HUBS}/authorizationRules/send"
    return [*to(event_hub_authorization_rule_id=rule), *event_hubs(**fields)]


def to_storage(**fields):
    return [*to(storage_account_id=STORAGE_ACCOUNT), storage_account(**fields)]


def agent(outbound="userDefinedRouting", **properties):
    """A cluster whose agent sends logs to a workspace."""
    return [cluster(network={"outbound_type": Token(outbound)}), *tied(logs_rule()), workspace(**properties)]


CLOSED = {"public_network_access_for_ingestion": Token("Disabled")}
LINKED = {"private_link_scoped_resources": scoped()}


def network(**fields):
    return [virtual_network(subnet(**fields)), route_table()]


def metrics(**fields):
    """A cluster whose agent of metrics has an endpoint of its own."""
    endpoint = collection_endpoint(**fields)
    on = cluster(addon_profiles={}, azure_monitor_profile=AzureMonitorProfile(metrics=Switch(enabled=True)))
    return [on, *tied(metrics_rule(endpoint=endpoint.id)), monitor_account(), endpoint]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("workspace 200, no cap", [*to_workspace(), workspace()], Status.PASS),
        case("workspace 404", to_workspace(), Status.FAIL),
        case("workspace in another region", [*to_workspace(), workspace()], Status.PASS),
        case("workspace closed to ingestion", [*to_workspace(), workspace(**CLOSED)], Status.PASS),
        case(
            "Event Hubs defaultAction Deny, trustedServiceAccessEnabled true",
            to_hubs(action="Deny", trusted=True),
            Status.PASS,
        ),
        case("Event Hubs defaultAction Deny, trusted access false", to_hubs(action="Deny"), Status.FAIL),
        case("Event Hubs publicNetworkAccess Disabled, trusted access false", to_hubs(access="Disabled"), Status.FAIL),
        case(
            "Event Hubs publicNetworkAccess Disabled, trustedServiceAccessEnabled true",
            to_hubs(access="Disabled", trusted=True),
            Status.PASS,
        ),
        case("Event Hubs open", to_hubs(), Status.PASS),
        case("Event Hubs without a firewall", to_hubs()[:-1], Status.PASS),
        case("Event Hubs in another region", to_hubs(location="northeurope"), Status.FAIL),
        case("Event Hubs in the same region, spelled out", to_hubs(location="West Europe"), Status.PASS),
        case("Event Hubs 404", to_hubs()[:-2], Status.FAIL),
        case(
            "Event Hubs in another region, firewall forbidden",
            to_hubs(location="northeurope"),
            Status.FAIL,
            unreadable=[Need.EVENT_HUB_NETWORK_RULE_SETS],
        ),
        case(
            "Event Hubs, firewall forbidden",
            to_hubs(),
            Status.NOT_ASSESSED,
            unreadable=[Need.EVENT_HUB_NETWORK_RULE_SETS],
        ),
        case('storage defaultAction Deny, bypass "Logging"', to_storage(action="Deny", bypass="Logging"), Status.FAIL),
        case(
            'storage defaultAction Deny, bypass "AzureServices, Logging"',
            to_storage(action="Deny", bypass="AzureServices, Logging"),
            Status.PASS,
        ),
        case("storage publicNetworkAccess Disabled", to_storage(access="Disabled", bypass="None"), Status.FAIL),
        case("storage SecuredByPerimeter", to_storage(access="SecuredByPerimeter"), Status.NOT_ASSESSED),
        case(
            "storage SecuredByPerimeter, in another region",
            to_storage(access="SecuredByPerimeter", location="northeurope"),
            Status.FAIL,
        ),
        case("Event Hubs SecuredByPerimeter", to_hubs(access="SecuredByPerimeter", trusted=True), Status.NOT_ASSESSED),
        case(
            "agent workspace SecuredByPerimeter, without a scope",
            agent(public_network_access_for_ingestion=Token("SecuredByPerimeter")),
            Status.NOT_ASSESSED,
        ),
        case(
            "agent workspace SecuredByPerimeter, one private link scope",
            agent(public_network_access_for_ingestion=Token("SecuredByPerimeter"), **LINKED),
            Status.PASS,
        ),
        case("storage open", to_storage(bypass="None"), Status.PASS),
        case("storage in another region", to_storage(location="northeurope"), Status.FAIL),
        case("storage 404", to(storage_account_id=STORAGE_ACCOUNT), Status.FAIL),
        case("audit workspace dailyQuotaGb 5", [*to_workspace(), workspace(quota=5)], Status.FAIL),
        case("capped workspace without audit", [*to_workspace("kube-apiserver"), workspace(quota=5)], Status.PASS),
        case(
            "agent workspace publicNetworkAccessForIngestion Disabled, one private link scope",
            agent(**CLOSED, **LINKED),
            Status.PASS,
        ),
        case("same without a scope", agent(**CLOSED), Status.FAIL),
        case(
            "outboundType none, no scope, subnet without default route",
            [*agent("none"), *network(routed=False)],
            Status.FAIL,
        ),
        case(
            "outboundType none, no scope, subnet routes 0.0.0.0/0 to a firewall",
            [*agent("none"), *network()],
            Status.PASS,
        ),
        case(
            "outboundType none, no scope, subnet with a NAT gateway",
            [*agent("none"), *network(routed=False, nat_gateway=Reference(id=ArmId(NAT)))],
            Status.PASS,
        ),
        case("outboundType block, a scope", [*agent("block", **LINKED), *network(routed=False)], Status.PASS),
        case(
            "outboundType none, networks forbidden",
            [*agent("none"), *network(routed=False)],
            Status.NOT_ASSESSED,
            unreadable=[Need.VIRTUAL_NETWORKS],
        ),
        case("endpoint of metrics open", metrics(), Status.PASS),
        case("endpoint of metrics closed", metrics(access="Disabled"), Status.FAIL),
        case("endpoint of metrics SecuredByPerimeter", metrics(access="SecuredByPerimeter"), Status.NOT_ASSESSED),
        case("endpoint of metrics closed, with a scope", metrics(access="Disabled", links=scoped()), Status.PASS),
        case(
            "endpoint of metrics 403",
            metrics(),
            Status.NOT_ASSESSED,
            unreadable=[Need.DATA_COLLECTION_ENDPOINTS],
        ),
        case("destination 403", [*to_workspace(), workspace()], Status.NOT_ASSESSED, unreadable=[Need.WORKSPACES]),
        case(
            "destination of one setting 403, that of the next 404",
            [
                *to_workspace(),
                workspace(),
                diagnostic_setting("b", categories=["guard"], storage_account_id=STORAGE_ACCOUNT),
            ],
            Status.FAIL,
            unreadable=[Need.WORKSPACES],
        ),
        case(
            "settings forbidden",
            [*to_workspace(), workspace()],
            Status.NOT_ASSESSED,
            unreadable=[Need.DIAGNOSTIC_SETTINGS],
        ),
        case(
            "settings forbidden, the agent's workspace closed for certain",
            agent(**CLOSED),
            Status.FAIL,
            unreadable=[Need.DIAGNOSTIC_SETTINGS],
        ),
        case("no setting and no collector", [OFF], Status.NOT_APPLICABLE),
    ],
)
def test_destinations_take_telemetry_in(world, expected):
    assert evaluate(destinations_take_telemetry_in, world).status is expected


def test_each_destination_has_a_finding_and_its_own_command():
    gone = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/gone"
    world = inventory(
        OFF,
        diagnostic_setting("a", categories=["kube-audit"], storage_account_id=STORAGE_ACCOUNT, workspace_id=gone),
        diagnostic_setting("b", categories=["guard"], storage_account_id=STORAGE_ACCOUNT),
        storage_account(action="Deny", bypass="Logging, Metrics", location="northeurope"),
    )
    findings = evaluate(destinations_take_telemetry_in, world).findings
    assert [finding.message.split("; ") for finding in findings] == [
        ["diagnostic setting a sends to gone, which does not exist"],
        [
            "diagnostic setting a sends to starchive, whose firewall keeps Azure Monitor out",
            "diagnostic setting a sends to starchive, which is in northeurope and not in westeurope",
            "diagnostic setting b sends to starchive, whose firewall keeps Azure Monitor out",
            "diagnostic setting b sends to starchive, which is in northeurope and not in westeurope",
        ],
    ]
    assert findings[1].fill == {
        "storage_account_id": STORAGE_ACCOUNT,
        "bypass": "Logging, Metrics, AzureServices",
    }
    assert len({finding.part for finding in findings}) == 2
