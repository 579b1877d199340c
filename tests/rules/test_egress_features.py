"""What the firewall has to let through for features."""

import pytest
from akscan.model.azure import (
    AddonProfile,
    AddressSpace,
    AppMonitoring,
    AutoUpgradeProfile,
    AzureMonitorProfile,
    ContainerInsights,
    Defender,
    DhcpOptions,
    GpuProfile,
    ManualScale,
    NodeProvisioningProfile,
    ScaleProfile,
    SecurityProfile,
    Switch,
    VirtualMachinesProfile,
)
from akscan.model.kubernetes import Deployment
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    HUB_NETWORK,
    NETWORK,
    application_rule,
    case,
    cluster,
    evaluate,
    firewall,
    firewall_policy,
    hub,
    inventory,
    named,
    network_rule,
    node_pool,
    peering,
    private_zone,
    route_table,
    rule_group,
    rules,
    secret_provider_class,
    subnet,
    virtual_network,
)
from akscan_rules.egress.features import firewall_lets_features_through

TAG = application_rule(tags=["AzureKubernetesService"], protocols=[])
STRICT = {"tag_covers_features": False}
ON = Switch(enabled=True)
ELSEWHERE = peering("to-elsewhere", remote=NETWORK.replace("0001/", "0000/"))
VAULTS = {"addons": ["azureKeyvaultSecretsProvider"]}
CLASS = secret_provider_class("kv-shop")
ZONE = "privatelink.vaultcore.azure.net"
MONITOR = rules(network_rule(to=["AzureMonitor"]))


def behind(
    *collections,
    addons=(),
    channel="NodeImage",
    dns=(),
    proxy=None,
    upstream=(),
    pools=None,
    peerings=None,
    **fields,
):
    """A cluster behind the firewall of the hub with these add-ons, and the collections of the firewall's policy."""
    policy = firewall_policy(dns_proxy=proxy, dns_servers=upstream)
    return [
        cluster(
            pools=pools,
            addon_profiles={Token(name): AddonProfile(enabled=True) for name in addons},
            auto_upgrade_profile=AutoUpgradeProfile(node_os_upgrade_channel=Token(channel)),
            **fields,
        ),
        virtual_network(
            peerings=peerings or [peering()],
            dhcp_options=DhcpOptions(dns_servers=tuple(dns)),
            address_space=AddressSpace(address_prefixes=("10.0.0.0/16",)),
        ),
        route_table(),
        hub(),
        firewall(policy=policy),
        policy,
        rule_group(policy, *collections),
    ]


def monitored(**fields):
    return {"azure_monitor_profile": AzureMonitorProfile(**fields)}


WINDOWS = {"pools": [node_pool(), node_pool("win", os_type=Token("Windows"))]}
AZURE_LINUX = {"pools": [node_pool(os_sku=Token("AzureLinux"))]}
GPU = {"vm_size": Token("Standard_NC4as_T4_v3"), "os_sku": Token("AzureLinux")}
GPU_MACHINES = {
    "type": Token("VirtualMachines"),
    "vm_size": Token(),
    "os_sku": Token("AzureLinux"),
    "virtual_machines_profile": VirtualMachinesProfile(scale=ScaleProfile(manual=(ManualScale(size=GPU["vm_size"]),))),
}
GOVERNMENT = {"location": "usgovvirginia"}
DEFENDER = {"security_profile": SecurityProfile(defender=Defender(security_monitoring=ON))}
AGENT = named(Deployment, "extension-agent", "kube-system")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("no feature on, channel NodeImage", behind(), Status.PASS),
        case(
            "channel SecurityPatch, no rule for snapshot.ubuntu.com, tag_covers_features false",
            behind(rules(TAG), channel="SecurityPatch"),
            Status.FAIL,
            parameters=STRICT,
        ),
        case(
            "NAP, node classes unreadable",
            behind(node_provisioning_profile=NodeProvisioningProfile(mode=Token("Auto"))),
            Status.NOT_ASSESSED,
            unreadable=[Need.AKS_NODE_CLASSES],
        ),
        case("channel SecurityPatch in other letters", behind(channel="securitypatch"), Status.FAIL),
        case(
            "channel SecurityPatch, the tag covers features", behind(rules(TAG), channel="SecurityPatch"), Status.PASS
        ),
        case(
            "channel Unmanaged, security.ubuntu.com allowed on 443 only",
            behind(rules(application_rule("*.ubuntu.com")), channel="Unmanaged"),
            Status.FAIL,
        ),
        case(
            "channel Unmanaged, HTTP 80",
            behind(rules(application_rule("*.ubuntu.com", protocols=["Http:80"])), channel="Unmanaged"),
            Status.PASS,
        ),
        case(
            "channel SecurityPatch, all pools AzureLinux", behind(channel="SecurityPatch", **AZURE_LINUX), Status.PASS
        ),
        case(
            "omsagent on, network rule TCP 443 to AzureMonitor",
            behind(MONITOR, rules(application_rule("dc.services.visualstudio.com")), addons=["omsagent"]),
            Status.PASS,
        ),
        case("omsagent on, nothing allowed", behind(addons=["omsagent"]), Status.FAIL),
        case(
            "omsagent on under another spelling, monitor reached privately",
            [
                *behind(rules(application_rule("dc.services.visualstudio.com")), addons=["omsAgent"]),
                *private_zone("privatelink.monitor.azure.com"),
            ],
            Status.PASS,
        ),
        case(
            "azurepolicy on, AzureKubernetesService tag allowed",
            behind(rules(TAG), addons=["azurepolicy"]),
            Status.PASS,
        ),
        case(
            "azurepolicy on, the tag counts for nothing",
            behind(rules(TAG), addons=["azurepolicy"]),
            Status.FAIL,
            parameters=STRICT,
        ),
        case(
            "containerInsights by its profile",
            behind(**monitored(container_insights=ContainerInsights(enabled=True))),
            Status.FAIL,
        ),
        case("metrics", behind(**monitored(metrics=ON)), Status.FAIL),
        case("metrics to AzureMonitor", behind(MONITOR, **monitored(metrics=ON)), Status.PASS),
        case(
            "auto-instrumentation",
            behind(**monitored(app_monitoring=AppMonitoring(auto_instrumentation=ON))),
            Status.FAIL,
        ),
        case("defender, monitor only", behind(MONITOR, **DEFENDER), Status.FAIL),
        case(
            "defender",
            behind(MONITOR, rules(application_rule("*.cloud.defender.microsoft.com")), **DEFENDER),
            Status.PASS,
        ),
        case("GPU pool", behind(pools=[node_pool(**GPU)]), Status.FAIL),
        case("GPU pool of virtual machines", behind(pools=[node_pool(**GPU_MACHINES)]), Status.FAIL),
        case(
            "GPU pool without driver",
            behind(pools=[node_pool(gpu_profile=GpuProfile(driver=Token("none")), **GPU)]),
            Status.PASS,
        ),
        case(
            "Windows pool, HTTP 80 names missing",
            behind(rules(application_rule("onegetcdn.azureedge.net", "go.microsoft.com")), **WINDOWS),
            Status.FAIL,
        ),
        case("Windows pool by the tag", behind(rules(TAG), **WINDOWS), Status.PASS),
        case("an extension", [*behind(), AGENT], Status.FAIL),
        case(
            "an extension whose endpoint is allowed",
            [*behind(rules(application_rule("*.kubernetesconfiguration.azure.com"))), AGENT],
            Status.PASS,
        ),
        # vaults
        case(
            "Key Vault provider on, vault with private endpoint and linked zone",
            [*behind(**VAULTS), CLASS, *private_zone(ZONE, "kv-shop")],
            Status.PASS,
        ),
        case("Key Vault provider on, vault host not allowed", [*behind(rules(TAG), **VAULTS), CLASS], Status.FAIL),
        case(
            "vault host allowed",
            [*behind(rules(application_rule("kv-shop.vault.azure.net")), **VAULTS), CLASS],
            Status.PASS,
        ),
        case(
            "vaults allowed by service tag",
            [*behind(rules(network_rule(to=["AzureKeyVault"])), **VAULTS), CLASS],
            Status.PASS,
        ),
        case("zone without the vault", [*behind(**VAULTS), CLASS, *private_zone(ZONE, "kv-other")], Status.FAIL),
        case(
            "zone that is not linked to the network",
            [*behind(**VAULTS), CLASS, *private_zone(ZONE, "kv-shop", linked_to=HUB_NETWORK)],
            Status.FAIL,
        ),
        case(
            "link that is not complete",
            [*behind(**VAULTS), CLASS, *private_zone(ZONE, "kv-shop", state="InProgress")],
            Status.FAIL,
        ),
        case(
            "zone linked to the hub, whose firewall answers queries",
            [
                *behind(dns=["10.1.0.4"], proxy=True, **VAULTS),
                CLASS,
                *private_zone(ZONE, "kv-shop", linked_to=HUB_NETWORK),
            ],
            Status.PASS,
        ),
        case(
            "another network behind a peering is unreadable, the DNS server is the firewall of the hub",
            [
                *behind(dns=["10.1.0.4"], proxy=True, peerings=[peering(), ELSEWHERE], **VAULTS),
                CLASS,
                *private_zone(ZONE, "kv-shop", linked_to=HUB_NETWORK),
            ],
            Status.PASS,
        ),
        case(
            "the vault host is ignored",
            [*behind(**VAULTS), CLASS],
            Status.PASS,
            parameters={"ignored_fqdns": ("*.vault.azure.net",)},
        ),
        case("Key Vault provider off", [*behind(), CLASS], Status.PASS),
        case(
            "the firewall asks a server in the cluster's network, which sees no zone",
            [
                *behind(dns=["10.1.0.4"], proxy=True, upstream=["10.0.0.53"], **VAULTS),
                CLASS,
                *private_zone(ZONE, "kv-shop", linked_to=HUB_NETWORK),
            ],
            Status.FAIL,
        ),
        case(
            "the firewall asks itself",
            [
                *behind(dns=["10.1.0.4"], proxy=True, upstream=["10.1.0.4"], **VAULTS),
                CLASS,
                *private_zone(ZONE, "kv-shop", linked_to=HUB_NETWORK),
            ],
            Status.PASS,
        ),
        # what is not known
        case(
            "US Government, whose names are not listed",
            behind(addons=["azurepolicy"], **GOVERNMENT),
            Status.NOT_ASSESSED,
        ),
        case("US Government, vault host", [*behind(**VAULTS, **GOVERNMENT), CLASS], Status.NOT_ASSESSED),
        case(
            "US Government, everything the tag stands for",
            behind(rules(TAG), addons=["azurepolicy"], **GOVERNMENT),
            Status.PASS,
        ),
        case(
            "US Government, the public cloud's names allowed",
            behind(
                rules(application_rule("*.core.windows.net", "dc.services.visualstudio.com")),
                addons=["azurepolicy"],
                **GOVERNMENT,
            ),
            Status.NOT_ASSESSED,
        ),
        case(
            "US Government, the public cloud's vault host allowed",
            [*behind(rules(application_rule("*.vault.azure.net")), **VAULTS, **GOVERNMENT), CLASS],
            Status.NOT_ASSESSED,
        ),
        case(
            "US Government, the public cloud's zone linked",
            [*behind(**VAULTS, **GOVERNMENT), CLASS, *private_zone(ZONE, "kv-shop")],
            Status.NOT_ASSESSED,
        ),
        case(
            "US Government, the public cloud's name for extensions allowed, none runs",
            behind(rules(application_rule("*.dp.kubernetesconfiguration.azure.com")), **GOVERNMENT),
            Status.PASS,
        ),
        case(
            "US Government, the public cloud's name for extensions allowed, one runs",
            [*behind(rules(application_rule("*.dp.kubernetesconfiguration.azure.com")), **GOVERNMENT), AGENT],
            Status.NOT_ASSESSED,
        ),
        case(
            "US Government, everything allowed",
            behind(rules(application_rule("*")), addons=["azurepolicy"], **GOVERNMENT),
            Status.PASS,
        ),
        case(
            "US Government, service tag AzureKeyVault",
            [*behind(rules(network_rule(to=["AzureKeyVault"])), **VAULTS, **GOVERNMENT), CLASS],
            Status.PASS,
        ),
        case("US Government, no rule for what nodes fetch", behind(channel="SecurityPatch", **GOVERNMENT), Status.FAIL),
        case(
            "DNS server in no network that was read",
            [*behind(dns=["192.168.0.4"], **VAULTS), CLASS, *private_zone(ZONE, "kv-shop")],
            Status.NOT_ASSESSED,
        ),
        case(
            "secretproviderclasses not listable",
            behind(rules(TAG), **VAULTS),
            Status.NOT_ASSESSED,
            unreadable=[Need.SECRET_PROVIDER_CLASSES],
        ),
        case(
            "secretproviderclasses not listable, something else is missing",
            behind(addons=["azurepolicy", *VAULTS["addons"]]),
            Status.FAIL,
            unreadable=[Need.SECRET_PROVIDER_CLASSES],
        ),
        case("deployments not listable", behind(), Status.NOT_ASSESSED, unreadable=[Need.DEPLOYMENTS]),
        case(
            "deployments not listable, the endpoint is allowed",
            behind(rules(TAG)),
            Status.PASS,
            unreadable=[Need.DEPLOYMENTS],
        ),
        case("zones unreadable", [*behind(**VAULTS), CLASS], Status.NOT_ASSESSED, unreadable=[Need.PRIVATE_DNS_ZONES]),
        case(
            "links unreadable",
            [*behind(**VAULTS), CLASS, *private_zone(ZONE, "kv-shop")],
            Status.NOT_ASSESSED,
            unreadable=[Need.PRIVATE_DNS_LINKS],
        ),
        case(
            "records unreadable",
            [*behind(**VAULTS), CLASS, *private_zone(ZONE, "kv-shop")],
            Status.NOT_ASSESSED,
            unreadable=[Need.PRIVATE_DNS_RECORDS],
        ),
        case(
            "rules unreadable",
            behind(addons=["azurepolicy"]),
            Status.NOT_ASSESSED,
            unreadable=[Need.RULE_COLLECTION_GROUPS],
        ),
        case("a third-party appliance", behind(addons=["azurepolicy"])[:4], Status.NOT_ASSESSED),
        case(
            "leaves through a load balancer", [cluster(), virtual_network(subnet(routed=False))], Status.NOT_APPLICABLE
        ),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_firewall_lets_features_through(world, expected):
    assert evaluate(firewall_lets_features_through, world).status is expected


def test_the_vault_host_is_named():
    (finding,) = evaluate(firewall_lets_features_through, inventory(*behind(rules(TAG), **VAULTS), CLASS)).findings
    assert finding.message == "vault: nodes does not reach kv-shop.vault.azure.net TCP 443"
    assert finding.fill["node_subnet_prefix"] == "10.0.0.0/24"
