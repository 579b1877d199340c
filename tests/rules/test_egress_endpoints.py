"""What the firewall has to let through."""

from datetime import UTC, datetime

import pytest
from akscan.model.azure import (
    Action,
    BootstrapProfile,
    ClassicNetworkCollection,
    ClassicNetworkRule,
    ClassicNetworkRules,
    DhcpOptions,
    NodeProvisioningProfile,
)
from akscan.model.kubernetes import PodAnnotations, ServiceAccount
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    NETWORK,
    application_rule,
    case,
    cluster,
    cluster_role_binding,
    endpoint_slice,
    evaluate,
    firewall,
    firewall_policy,
    hosted_system,
    hub,
    inventory,
    ip_group,
    named,
    network_rule,
    node_class,
    node_pool,
    peering,
    pod,
    pod_spec,
    rbac_subject,
    role_binding,
    route,
    route_table,
    rule_group,
    rules,
    subnet,
    virtual_network,
    workload,
)
from akscan_rules.egress.endpoints import firewall_lets_aks_through, pods_reach_the_api_server
from msgspec.structs import replace

FQDN = "aks-1a2b.hcp.westeurope.azmk8s.io"
PUBLIC = {"fqdn": FQDN, "api_server": {"enable_private_cluster": False}}
NAMES = (
    "mcr.microsoft.com", "*.data.mcr.microsoft.com", "mcr-0001.mcr-msedge.net", "management.azure.com",
    "login.microsoftonline.com", "packages.microsoft.com", "acs-mirror.azureedge.net", "packages.aks.azure.com",
)  # fmt: skip
TAG = application_rule(tags=["AzureKubernetesService"], protocols=[])
SPOKES = ip_group("spokes", "10.0.0.0/16", "10.9.0.0/16")


def behind(*collections, base=(), dns=(), subnets=(), table=None, **fields):
    """A private cluster behind the firewall of the hub, whose policy has these collections."""
    parent = firewall_policy("base") if base else None
    policy = firewall_policy(base=parent)
    return [
        cluster(**fields),
        virtual_network(*subnets, peerings=[peering()], dhcp_options=DhcpOptions(dns_servers=tuple(dns))),
        table or route_table(),
        hub(),
        firewall(policy=policy),
        policy,
        rule_group(policy, *collections),
        *([parent, rule_group(parent, *base)] if parent else []),
    ]


BESIDE = node_class("beside", f"{NETWORK}/subnets/beside")


def auto(*collections, **fields):
    """The same with node auto-provisioning, beside another subnet."""
    profile = NodeProvisioningProfile(mode=Token("Auto"))
    subnets = [subnet(), subnet("beside", "10.0.1.0/24")]
    return behind(*collections, subnets=subnets, node_provisioning_profile=profile, **fields)


def names(*left_out, also=()):
    """An application rule with the names of the documentation, but for some."""
    return rules(application_rule(*(name for name in NAMES if name not in left_out), *also))


def classic(*network):
    """The firewall with classic network rules instead of a policy."""
    found = ClassicNetworkRules(priority=100, action=Action(type=Token("Allow")), rules=network)
    return [*behind()[:4], firewall(network_rule_collections=(ClassicNetworkCollection(name="net", properties=found),))]


ANY_443 = ClassicNetworkRule(
    name="any",
    ip_protocols=(Token("TCP"),),
    source_addresses=("*",),
    destination_addresses=(Token("*"),),
    destination_ports=("443",),
)
DNS_RULE = rules(network_rule(to=["10.0.9.0/24"], ports=["53"], protocols=["UDP"]), priority=150)
FORCED_DNS = {"dns": ["10.0.9.4"]}
CACHE = BootstrapProfile(artifact_source=Token("Cache"))
PODS = {
    "pools": [node_pool(pod_subnet_id=ArmId(f"{NETWORK}/subnets/pods"))],
    "subnets": [subnet(), subnet("pods", "10.0.4.0/22")],
}
NODES_ONLY = rules(application_rule("*.azmk8s.io", *NAMES, sources=["10.0.0.0/24"]))
GOVERNMENT = {
    "location": "usgovvirginia",
    "api_server": {"enable_private_cluster": False},
    "fqdn": "x.hcp.usgovvirginia.cx.aks.containerservice.azure.us",
}
NTP = network_rule(fqdns=["ntp.ubuntu.com"], ports=["123"], protocols=["UDP"], name="ntp")


def tunnel(to):
    """The network rules of a sovereign cloud."""
    return rules(
        NTP,
        network_rule(to=[to], ports=["1194"], protocols=["UDP"]),
        network_rule(to=[to], ports=["9000"]),
        priority=150,
    )


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "policy rule with fqdnTags AzureKubernetesService, source covers the node subnet",
            behind(rules(TAG)),
            Status.PASS,
        ),
        case(
            "the same rule with source of another spoke",
            behind(rules(application_rule(tags=["AzureKubernetesService"], sources=["10.9.0.0/16"]))),
            Status.FAIL,
        ),
        case(
            "all names as targetFqdns except packages.aks.azure.com",
            behind(names("packages.aks.azure.com")),
            Status.FAIL,
        ),
        case("all names as targetFqdns", behind(names()), Status.PASS),
        case("private cluster without *.hcp rule", behind(names(), fqdn=FQDN), Status.PASS),
        case("public cluster without *.hcp rule", behind(names(), **PUBLIC), Status.FAIL),
        case(
            "public cluster with VNet integration without *.hcp rule",
            behind(names(), api_server={"enable_private_cluster": False, "enable_vnet_integration": True}),
            Status.PASS,
        ),
        case("public cluster whose only API rule is its exact fqdn", behind(names(also=[FQDN]), **PUBLIC), Status.PASS),
        case(
            "public cluster, wildcard of the region",
            behind(names(also=["*.hcp.westeurope.azmk8s.io"]), **PUBLIC),
            Status.PASS,
        ),
        case(
            "public cluster, wildcard of another region",
            behind(names(also=["*.hcp.eastus.azmk8s.io"]), **PUBLIC),
            Status.FAIL,
        ),
        case(
            "tag allowed in the child, network Deny TCP 443 * in the parent policy",
            behind(rules(TAG), base=[rules(network_rule(to=["*"]), action="Deny")]),
            Status.FAIL,
        ),
        case(
            "application Deny of *.microsoft.com at priority 100 before the tag at 200",
            behind(rules(TAG), rules(application_rule("*.microsoft.com"), action="Deny", priority=100)),
            Status.FAIL,
        ),
        case("classic firewall with networkRuleCollections Allow TCP 443 to *", classic(ANY_443), Status.PASS),
        case(
            "source is an ipGroup that covers the subnet",
            [*behind(rules(application_rule(tags=["AzureKubernetesService"], sources=[], groups=[SPOKES]))), SPOKES],
            Status.PASS,
        ),
        case(
            "source covers half of the subnet",
            behind(rules(application_rule(tags=["AzureKubernetesService"], sources=["10.0.0.0/25"]))),
            Status.FAIL,
        ),
        case(
            "application rule with terminateTLS true for *.azmk8s.io on a public cluster",
            behind(rules(application_rule("*.azmk8s.io", terminate_tls=True), TAG), **PUBLIC),
            Status.FAIL,
        ),
        case("terminateTLS for other names", behind(rules(application_rule(*NAMES, terminate_tls=True))), Status.PASS),
        case(
            "service tags instead of the names of the registry",
            behind(
                names("mcr.microsoft.com", "*.data.mcr.microsoft.com"),
                rules(network_rule(to=["MicrosoftContainerRegistry", "AzureFrontDoor.FirstParty"]), priority=100),
            ),
            Status.PASS,
        ),
        case(
            "one of two service tags",
            behind(names("mcr.microsoft.com"), rules(network_rule(to=["MicrosoftContainerRegistry"]), priority=100)),
            Status.FAIL,
        ),
        case(
            "service tag of the region for the API server",
            behind(names(), rules(network_rule(to=["AzureCloud.WestEurope"]), priority=100), **PUBLIC),
            Status.PASS,
        ),
        # DNS
        case(
            "DNS server 10.0.9.4 reached through the firewall, no rule for UDP 53",
            behind(rules(TAG), **FORCED_DNS),
            Status.FAIL,
        ),
        case("the same with a rule for UDP 53", behind(rules(TAG), DNS_RULE, **FORCED_DNS), Status.PASS),
        case("DNS server is the firewall itself", behind(rules(TAG), dns=["10.1.0.4"]), Status.PASS),
        case(
            "DNS server is Azure's own, which no route leads away from",
            behind(rules(TAG), dns=["168.63.129.16"]),
            Status.PASS,
        ),
        case("DNS server in the hub, reached by the peering", behind(rules(TAG), dns=["10.1.0.200"]), Status.PASS),
        case(
            "DNS server in the hub, a longer route leads it through the firewall",
            behind(rules(TAG), dns=["10.1.0.200"], table=route_table(route(), route("10.1.0.0/24"))),
            Status.FAIL,
        ),
        # sovereign clouds
        case(
            "US Government, public cluster, no rule for UDP 1194",
            behind(rules(TAG), rules(NTP, network_rule(to=["*"], ports=["9000"]), priority=150), **GOVERNMENT),
            Status.FAIL,
        ),
        case(
            "US Government with the rules",
            behind(rules(TAG), tunnel("AzureCloud.usgovvirginia"), **GOVERNMENT),
            Status.PASS,
        ),
        case(
            "US Government, rules to a single address",
            behind(rules(TAG), tunnel("198.51.100.9"), **GOVERNMENT),
            Status.NOT_ASSESSED,
        ),
        case(
            "US Government, network rules off",
            behind(rules(TAG), **GOVERNMENT),
            Status.PASS,
            parameters={"sovereign_network_rules": False},
        ),
        case(
            "US Government, private",
            behind(rules(TAG), rules(NTP, priority=150), location="usgovvirginia"),
            Status.PASS,
        ),
        case(
            "21Vianet by the tag, private",
            behind(rules(TAG), rules(NTP, priority=150), location="chinaeast2"),
            Status.PASS,
        ),
        case(
            "US Government, public cluster, no rule for UDP 1194 -> fail; Azure public",
            behind(rules(TAG), **PUBLIC),
            Status.PASS,
        ),
        # parameters
        case("a further name", behind(rules(TAG)), Status.FAIL, parameters={"extra_fqdns": ("dl.example.org",)}),
        case(
            "a further name that is allowed",
            behind(rules(TAG, application_rule("*.example.org"))),
            Status.PASS,
            parameters={"extra_fqdns": ("dl.example.org",)},
        ),
        case(
            "the missing name is ignored",
            behind(names("packages.aks.azure.com")),
            Status.PASS,
            parameters={"ignored_fqdns": ("packages.aks.azure.com",)},
        ),
        # pods
        case("the API server's name is open to nodes only, private", behind(NODES_ONLY, **PODS), Status.PASS),
        case("the API server's name is open to nodes only, public", behind(NODES_ONLY, **PODS, **PUBLIC), Status.FAIL),
        # what decides nothing, and what is not known
        case("artifactSource Cache", behind(bootstrap_profile=CACHE), Status.NOT_APPLICABLE),
        case(
            "leaves through a load balancer", [cluster(), virtual_network(subnet(routed=False))], Status.NOT_APPLICABLE
        ),
        case(
            "hosted system, a rule for the subnet of workloads only",
            behind(
                rules(replace(TAG, source_addresses=("10.0.0.0/24",))),
                pools=[],
                hosted_system_profile=hosted_system(),
                subnets=[subnet(), subnet("system", "10.0.1.0/26")],
            ),
            Status.FAIL,
        ),
        case(
            "NAP, a rule for the subnet of the pool, none for that of a node class",
            [*auto(rules(replace(TAG, source_addresses=("10.0.0.0/24",)))), BESIDE],
            Status.FAIL,
        ),
        case("NAP, a rule for both subnets", [*auto(rules(TAG)), BESIDE], Status.PASS),
        case("NAP, node classes unreadable", auto(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.AKS_NODE_CLASSES]),
        case(
            "a default route in two halves, no rule",
            [*behind()[:2], route_table(route("0.0.0.0/1"), route("128.0.0.0/1")), *behind()[3:]],
            Status.FAIL,
        ),
        case(
            "a default route in two halves, one of them to a third-party appliance",
            [
                *behind(rules(TAG))[:2],
                route_table(route("0.0.0.0/1"), route("128.0.0.0/1", address="10.1.0.99")),
                *behind(rules(TAG))[3:],
            ],
            Status.NOT_ASSESSED,
        ),
        case("next hop of a third-party appliance", behind(rules(TAG))[:4], Status.NOT_ASSESSED),
        case(
            "a route to appliances whose addresses were not returned",
            behind(table=route_table(route(hop="VirtualApplianceEcmp", address=""))),
            Status.NOT_ASSESSED,
        ),
        case(
            "ruleCollectionGroups unreadable",
            behind(rules(TAG)),
            Status.NOT_ASSESSED,
            unreadable=[Need.RULE_COLLECTION_GROUPS],
        ),
        case("policies unreadable", behind(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.FIREWALL_POLICIES]),
        case(
            "IP groups unreadable",
            behind(rules(application_rule(*NAMES, sources=[], groups=[SPOKES]))),
            Status.NOT_ASSESSED,
            unreadable=[Need.IP_GROUPS],
        ),
        case(
            "IP groups unreadable, what they hold plays no part",
            behind(rules(application_rule(*NAMES, groups=[SPOKES]))),
            Status.PASS,
            unreadable=[Need.IP_GROUPS],
        ),
        case("firewalls unreadable", behind(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.AZURE_FIREWALLS]),
        case("route tables unreadable", behind(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.ROUTE_TABLES]),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_firewall_lets_aks_through(world, expected):
    assert evaluate(firewall_lets_aks_through, world).status is expected


def test_what_is_missing_is_named():
    (finding,) = evaluate(firewall_lets_aks_through, inventory(*behind(names("packages.aks.azure.com")))).findings
    assert finding.message == "nodes does not reach packages.aks.azure.com TCP 443"
    assert finding.evidence["denied to nodes"] == ("packages.aks.azure.com TCP 443: no rule matches",)
    assert finding.fill["node_subnet_prefix"] == "10.0.0.0/24"
    assert finding.evidence["endpoints.is_stale"] is False


def test_the_fix_names_the_group_of_the_policy_and_no_list_of_prefixes_as_one_argument():
    policy = firewall_policy()
    central = replace(policy, id=ArmId(policy.id.replace("rg-test", "rg-central")))
    wide = virtual_network(subnet("nodes", "10.0.0.0/24", "10.0.2.0/24"), peerings=[peering()])
    world = [cluster(), wide, route_table(), hub(), firewall(policy=central), central, rule_group(central)]
    (finding,) = evaluate(firewall_lets_aks_through, inventory(*world)).findings
    assert finding.fill["firewall_resource_group"] == "rg-central"
    assert "node_subnet_prefix" not in finding.fill


def test_an_old_list_says_so():
    world = inventory(*behind(names("packages.aks.azure.com")), collected_at=datetime(2028, 1, 1, tzinfo=UTC))
    (finding,) = evaluate(firewall_lets_aks_through, world).findings
    assert finding.message.endswith("(by the list of 2026-08-21, which is stale)")
    assert finding.evidence["endpoints.is_stale"] is True


API = "198.51.100.200"
SLICE = endpoint_slice(API)
INGRESS = rbac_subject("ServiceAccount", "ingress", "shop")
BOUND = cluster_role_binding("ingress", INGRESS, role="ingress")
BY_NAME = PodAnnotations(set_kube_service_host_fqdn="true")


def account(automount=None):
    """The service account of the ingress controller."""
    return named(ServiceAccount, "ingress", "shop", automount_service_account_token=automount)


def calling(*collections, automount=None, made=None, others=(SLICE, BOUND), **fields):
    """A public cluster behind a firewall with an ingress controller that calls the API."""
    spec = pod_spec(service_account_name="ingress", automount_service_account_token=automount)
    controller = made or workload(name="ingress", spec=spec)
    return [*behind(*collections, **{**PUBLIC, **fields}), controller, account(), *others]


def to_api(*to, **fields):
    """A network rule for TCP 443."""
    return rules(network_rule(to=to, **fields))


INGRESS_SPEC = pod_spec(service_account_name="ingress")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("network rule TCP 443 to AzureCloud.westeurope", calling(to_api("AzureCloud.westeurope")), Status.PASS),
        case("no network rule, no pod of case (b)", [*behind(rules(TAG), **PUBLIC), workload(), SLICE], Status.PASS),
        case("no network rule, ingress controller with a bound service account", calling(rules(TAG)), Status.FAIL),
        case(
            "the same pod with the annotation",
            calling(rules(TAG), made=pod(spec=INGRESS_SPEC, annotations=BY_NAME)),
            Status.PASS,
        ),
        case("pod with automountServiceAccountToken false", calling(rules(TAG), automount=False), Status.PASS),
        case(
            "its service account mounts no token",
            [*calling(rules(TAG))[:-3], account(automount=False), SLICE, BOUND],
            Status.PASS,
        ),
        case(
            "the pod mounts it all the same",
            [*calling(rules(TAG), automount=True)[:-3], account(automount=False), SLICE, BOUND],
            Status.FAIL,
        ),
        case("network rule TCP 443 to the exact address in the EndpointSlice", calling(to_api(API)), Status.PASS),
        case("network rule to a prefix that holds it", calling(to_api("198.51.100.0/24")), Status.PASS),
        case("network rule to everything", calling(to_api("*")), Status.PASS),
        case("network rule to another region", calling(to_api("AzureCloud.eastus")), Status.FAIL),
        case(
            "network rule to one of two addresses",
            calling(to_api(API), others=(endpoint_slice(API, "198.51.100.201"), BOUND)),
            Status.FAIL,
        ),
        case("network rule for half of the subnet", calling(to_api(API, sources=["10.0.0.0/25"])), Status.FAIL),
        case("an application rule for its name does not help", calling(rules(application_rule("*"))), Status.FAIL),
        case(
            "pods in a subnet of their own that no rule covers",
            calling(to_api(API, sources=["10.0.0.0/24"]), **PODS),
            Status.FAIL,
        ),
        case(
            "bound by a RoleBinding of its namespace",
            calling(rules(TAG), others=(SLICE, role_binding("x", "shop", rbac_subject("ServiceAccount", "ingress")))),
            Status.FAIL,
        ),
        case(
            "bound through the group of all service accounts",
            calling(
                rules(TAG), others=(SLICE, cluster_role_binding("x", rbac_subject("Group", "system:serviceaccounts")))
            ),
            Status.FAIL,
        ),
        case(
            "bound through the group of its namespace",
            calling(
                rules(TAG),
                others=(SLICE, role_binding("x", "shop", rbac_subject("Group", "system:serviceaccounts:shop"))),
            ),
            Status.FAIL,
        ),
        case(
            "bound through the group of another namespace",
            calling(
                rules(TAG),
                others=(SLICE, cluster_role_binding("x", rbac_subject("Group", "system:serviceaccounts:other"))),
            ),
            Status.PASS,
        ),
        case(
            "what Kubernetes binds to all service accounts by default",
            calling(
                rules(TAG),
                others=(
                    SLICE,
                    cluster_role_binding(
                        "system:service-account-issuer-discovery",
                        rbac_subject("Group", "system:serviceaccounts"),
                        labels={"kubernetes.io/bootstrapping": "rbac-defaults"},
                    ),
                ),
            ),
            Status.PASS,
        ),
        case(
            "another account is bound",
            calling(
                rules(TAG),
                others=(SLICE, cluster_role_binding("x", rbac_subject("ServiceAccount", "ingress", "other"))),
            ),
            Status.PASS,
        ),
        case("the pod has ended", calling(rules(TAG), made=pod(spec=INGRESS_SPEC, phase="Succeeded")), Status.PASS),
        case(
            "the pod is the platform's",
            calling(rules(TAG), made=pod(namespace="kube-system", spec=INGRESS_SPEC)),
            Status.PASS,
        ),
        case(
            "NAP, node classes unreadable",
            [*auto(to_api(API), **PUBLIC), *calling()[7:]],
            Status.NOT_ASSESSED,
            unreadable=[Need.AKS_NODE_CLASSES],
        ),
        case("private cluster", [*behind(rules(TAG)), SLICE], Status.NOT_APPLICABLE),
        case(
            "vnet_integrated",
            behind(rules(TAG), api_server={"enable_private_cluster": False, "enable_vnet_integration": True}),
            Status.NOT_APPLICABLE,
        ),
        case(
            "leaves through a load balancer",
            [cluster(**PUBLIC), virtual_network(subnet(routed=False))],
            Status.NOT_APPLICABLE,
        ),
        case(
            "endpointslices not listable", calling(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.ENDPOINT_SLICES]
        ),
        case("the slice holds no address", calling(rules(TAG), others=(endpoint_slice(), BOUND)), Status.NOT_ASSESSED),
        case("pods unreadable", calling(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case("pods unreadable, allowed anyway", calling(to_api(API)), Status.PASS, unreadable=[Need.PODS]),
        case("bindings unreadable", calling(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.CLUSTER_ROLE_BINDINGS]),
        case(
            "bindings of namespaces unreadable, bound in the cluster",
            calling(rules(TAG)),
            Status.FAIL,
            unreadable=[Need.ROLE_BINDINGS],
        ),
        case(
            "service accounts unreadable", calling(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.SERVICE_ACCOUNTS]
        ),
        case(
            "service accounts unreadable, the pod says so itself",
            calling(rules(TAG), automount=True),
            Status.FAIL,
            unreadable=[Need.SERVICE_ACCOUNTS],
        ),
        case("a third-party appliance", [*calling(rules(TAG))[:4], *calling(rules(TAG))[7:]], Status.NOT_ASSESSED),
        case("rules unreadable", calling(to_api(API)), Status.NOT_ASSESSED, unreadable=[Need.RULE_COLLECTION_GROUPS]),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_pods_reach_the_api_server(world, expected):
    assert evaluate(pods_reach_the_api_server, world).status is expected


def test_who_calls_is_named():
    (finding,) = evaluate(pods_reach_the_api_server, inventory(*calling(rules(TAG)))).findings
    assert finding.message == f"nodes does not reach {API} TCP 443, to which shop/ingress connects"
    assert finding.evidence["apiServerAddresses"] == (API,)
    assert [finding.fill[key] for key in ("kind", "namespace", "name")] == ["deployment", "shop", "ingress"]


def test_the_fix_patches_what_has_a_template():
    bare = pod("a-pod", spec=INGRESS_SPEC)
    (finding,) = evaluate(pods_reach_the_api_server, inventory(bare, *calling(rules(TAG)))).findings
    assert finding.message.endswith("to which shop/a-pod, shop/ingress connect")
    assert [finding.fill[key] for key in ("kind", "namespace", "name")] == ["deployment", "shop", "ingress"]
    (finding,) = evaluate(pods_reach_the_api_server, inventory(*calling(rules(TAG), made=bare))).findings
    assert not finding.fill.keys() & {"kind", "namespace", "name"}
