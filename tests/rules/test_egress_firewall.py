"""The firewall that the nodes leave through."""

import pytest
from akscan.model.azure import (
    Action,
    AdditionalProperties,
    ClassicCollection,
    ClassicNetworkCollection,
    ClassicNetworkRule,
    ClassicNetworkRules,
    ClassicRules,
    DhcpOptions,
    FirewallRule,
    NodeProvisioningProfile,
)
from akscan.model.kubernetes import ServiceAnnotations
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    application_rule,
    case,
    cluster,
    dnat,
    evaluate,
    firewall,
    firewall_policy,
    hub,
    inventory,
    ip_group,
    network_rule,
    node_pool,
    peering,
    public_ip,
    references,
    route,
    route_table,
    rule_group,
    rules,
    service,
    subnet,
    virtual_network,
)
from akscan_rules.egress.firewall import dns_proxy_is_on, firewall_filters, public_service_works_beside_the_firewall
from msgspec.structs import replace

TAG = application_rule(tags=["AzureKubernetesService"])
ANYWHERE = network_rule(to=["*"], ports=["*"])
QUARANTINE = network_rule(to=["*"], ports=["*"], protocols=["Any"], sources=["10.0.0.9"])
OTHER_SPOKE = ["10.200.0.0/16"]
GROUPED = ip_group("internet", "0.0.0.0/0")


def behind(*collections, base=(), dns_servers=(), dns_proxy=None, base_proxy=None, **fields):
    """A cluster behind the firewall of the hub, with a policy of these collections."""
    parent = firewall_policy("base", dns_proxy=base_proxy) if base or base_proxy is not None else None
    policy = firewall_policy(base=parent, dns_proxy=dns_proxy)
    return [
        cluster(**fields),
        virtual_network(peerings=[peering()], dhcp_options=DhcpOptions(dns_servers=tuple(dns_servers))),
        route_table(),
        hub(),
        firewall(policy=policy),
        policy,
        rule_group(policy, *collections),
        *([parent, rule_group(parent, *base)] if parent else []),
    ]


def classic(*, network=(), application=(), world=None, **fields):
    """The same with classic rules on the firewall."""
    allow = Action(type=Token("Allow"))
    return [
        *(world or behind())[:4],
        firewall(
            network_rule_collections=(
                ClassicNetworkCollection(
                    name="net", properties=ClassicNetworkRules(priority=100, action=allow, rules=tuple(network))
                ),
            ),
            application_rule_collections=(
                ClassicCollection(
                    name="app", properties=ClassicRules(priority=100, action=allow, rules=tuple(application))
                ),
            ),
            **fields,
        ),
    ]


CLASSIC_ANYWHERE = ClassicNetworkRule(
    name="any",
    ip_protocols=(Token("TCP"),),
    source_addresses=("*",),
    destination_addresses=(Token("*"),),
    destination_ports=("*",),
)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("only the FQDN tag is allowed", behind(rules(TAG)), Status.PASS),
        case(
            "NAP, node classes unreadable",
            behind(rules(TAG), node_provisioning_profile=NodeProvisioningProfile(mode=Token("Auto"))),
            Status.NOT_ASSESSED,
            unreadable=[Need.AKS_NODE_CLASSES],
        ),
        case("network rule Allow TCP * to *", behind(rules(ANYWHERE)), Status.FAIL),
        case("application rule targetFqdns [*] Https 443", behind(rules(application_rule("*"))), Status.FAIL),
        case(
            "the same wide rule with source of another spoke",
            behind(rules(application_rule("*", sources=OTHER_SPOKE))),
            Status.PASS,
        ),
        case(
            "wide Allow at priority 500 behind network Deny * at 100 for this subnet",
            behind(
                rules(ANYWHERE, priority=500),
                rules(
                    network_rule(to=["*"], ports=["*"], protocols=["Any"], sources=["10.0.0.0/24"]),
                    action="Deny",
                    priority=100,
                ),
            ),
            Status.PASS,
        ),
        case(
            "wide Allow behind a Deny for one address of the subnet",
            behind(rules(ANYWHERE, priority=500), rules(QUARANTINE, action="Deny", priority=100)),
            Status.FAIL,
        ),
        case("network rule TCP 443 to AzureCloud", behind(rules(network_rule(to=["AzureCloud"]))), Status.PASS),
        case("network rule TCP 443 to 128.0.0.0/1", behind(rules(network_rule(to=["128.0.0.0/1"]))), Status.FAIL),
        case(
            "web category rule before it",
            behind(
                rules(application_rule(web_categories=("malware",)), action="Deny"),
                rules(application_rule("*"), priority=300),
            ),
            Status.NOT_ASSESSED,
        ),
        case(
            "a web category rule that allows as well",
            behind(rules(application_rule(web_categories=("news",))), rules(application_rule("*"), priority=300)),
            Status.FAIL,
        ),
        case(
            "a web category rule alone", behind(rules(application_rule(web_categories=("news",)))), Status.NOT_ASSESSED
        ),
        case("HTTP 80 to everything", behind(rules(application_rule("*", protocols=["Http:80"]))), Status.FAIL),
        case("TCP 4000-5000 to everything", behind(rules(network_rule(to=["*"], ports=["4000-5000"]))), Status.FAIL),
        case("UDP to everything", behind(rules(network_rule(to=["*"], protocols=["UDP"]))), Status.PASS),
        case("an IP group of everything", [*behind(rules(network_rule(to_groups=[GROUPED]))), GROUPED], Status.FAIL),
        case("a range with the address", behind(rules(network_rule(to=["203.0.113.0-203.0.113.9"]))), Status.FAIL),
        case("a wide rule in the parent policy", behind(rules(TAG), base=[rules(ANYWHERE)]), Status.FAIL),
        case(
            "denied in the parent policy, wide in the child",
            behind(
                rules(ANYWHERE, priority=100),
                base=[rules(network_rule(to=["*"], ports=["*"], protocols=["Any"]), action="Deny", priority=900)],
            ),
            Status.PASS,
        ),
        case("classic rules that allow everything", classic(network=[CLASSIC_ANYWHERE]), Status.FAIL),
        case("classic rules with the tag", classic(application=[TAG]), Status.PASS),
        case(
            "half of the subnet is let out", behind(rules(network_rule(to=["*"], sources=["10.0.0.0/25"]))), Status.PASS
        ),
        case(
            "both halves of the subnet in one rule",
            behind(rules(network_rule(to=["*"], sources=["10.0.0.0/25", "10.0.0.128-10.0.0.255"]))),
            Status.FAIL,
        ),
        case(
            "a source group of pods behind which nothing is known",
            behind(rules(network_rule(to=["*"], sources=[], source_kube_selector_groups=(ArmId("/x"),)))),
            Status.NOT_ASSESSED,
        ),
        case(
            "leaves through a load balancer",
            [cluster(network={"outbound_type": Token("loadBalancer")}), virtual_network(subnet(routed=False))],
            Status.NOT_APPLICABLE,
        ),
        case("a third-party appliance", behind(rules(TAG))[:4], Status.NOT_ASSESSED),
        case(
            "rule collection groups unreadable",
            behind(rules(TAG)),
            Status.NOT_ASSESSED,
            unreadable=[Need.RULE_COLLECTION_GROUPS],
        ),
        case("policies unreadable", behind(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.FIREWALL_POLICIES]),
        case("firewalls unreadable", behind(rules(TAG)), Status.NOT_ASSESSED, unreadable=[Need.AZURE_FIREWALLS]),
        case(
            "IP group unreadable",
            behind(rules(network_rule(to_groups=[GROUPED]))),
            Status.NOT_ASSESSED,
            unreadable=[Need.IP_GROUPS],
        ),
        case(
            "IP group unreadable, wide rule behind it",
            behind(rules(network_rule(to_groups=[GROUPED]), ANYWHERE)),
            Status.FAIL,
            unreadable=[Need.IP_GROUPS],
        ),
        case("IP group that does not exist", behind(rules(network_rule(to_groups=[GROUPED]))), Status.PASS),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_firewall_filters(world, expected):
    assert evaluate(firewall_filters, world).status is expected


def test_the_rule_that_opens_is_named_and_fills_the_fix():
    verdict = evaluate(firewall_filters, inventory(*behind(rules(TAG), base=[rules(ANYWHERE)])))
    assert "nodes reaches every host on TCP 443: Allow by base/group/collection/network" in verdict.findings[0].message
    assert verdict.findings[0].fill["firewall_policy"] == "base"
    assert verdict.findings[0].fill["rule"] == "network"


def test_the_fix_for_a_rule_of_a_base_policy_names_the_group_of_that_policy():
    world = behind(rules(TAG), base=[rules(ANYWHERE)])
    base, groups = world[7], world[8]
    central = replace(base, id=ArmId(base.id.replace("rg-test", "rg-central")))
    child = replace(world[5], properties=replace(world[5].properties, base_policy=references(central.id)[0]))
    moved = [
        *world[:5],
        child,
        world[6],
        central,
        replace(groups, id=ArmId(f"{central.id}/ruleCollectionGroups/group")),
    ]
    (finding,) = evaluate(firewall_filters, inventory(*moved)).findings
    assert (finding.fill["firewall_policy"], finding.fill["firewall_resource_group"]) == ("base", "rg-central")


def test_the_fix_for_classic_rules_names_no_group_of_a_policy():
    (finding,) = evaluate(firewall_filters, inventory(*classic(network=[CLASSIC_ANYWHERE]))).findings
    assert not finding.fill.keys() & {"group", "collection", "rule"}


OWN_DNS = ["10.1.0.4"]
NTP = rules(network_rule(fqdns=["ntp.ubuntu.com"], ports=["123"], protocols=["UDP"]))
PODS = subnet("pods", "10.0.4.0/22", routed=False)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "dnsServers [firewall address], enableProxy true", behind(dns_servers=OWN_DNS, dns_proxy=True), Status.PASS
        ),
        case(
            "dnsServers [firewall address], dnsSettings absent, no base policy",
            behind(dns_servers=OWN_DNS),
            Status.FAIL,
        ),
        case(
            "dnsSettings absent, base policy has enableProxy true",
            behind(dns_servers=OWN_DNS, base_proxy=True),
            Status.PASS,
        ),
        case(
            "the child's own settings win", behind(dns_servers=OWN_DNS, dns_proxy=False, base_proxy=True), Status.FAIL
        ),
        case("network rule with destinationFqdns ntp.ubuntu.com, proxy off", behind(NTP, dns_proxy=False), Status.FAIL),
        case(
            "network rule with names but source of another spoke",
            behind(rules(network_rule(fqdns=["ntp.ubuntu.com"], sources=OTHER_SPOKE))),
            Status.NOT_APPLICABLE,
        ),
        case(
            "classic firewall with additionalProperties Network.DNS.EnableProxy true",
            classic(
                world=behind(dns_servers=OWN_DNS),
                additional_properties=AdditionalProperties(enable_dns_proxy=Token("true")),
            ),
            Status.PASS,
        ),
        case("classic firewall without the property", classic(world=behind(dns_servers=OWN_DNS)), Status.FAIL),
        case("neither DNS server nor rules by name", behind(rules(TAG)), Status.NOT_APPLICABLE),
        case("network rule with names, proxy on", behind(NTP, dns_proxy=True), Status.PASS),
        case("another DNS server", behind(dns_servers=["10.1.0.5"]), Status.NOT_APPLICABLE),
        case(
            "leaves through a load balancer", [cluster(), virtual_network(subnet(routed=False))], Status.NOT_APPLICABLE
        ),
        case(
            "rules unreadable, not the DNS server",
            behind(dns_proxy=False),
            Status.NOT_ASSESSED,
            unreadable=[Need.RULE_COLLECTION_GROUPS],
        ),
        case(
            "rules unreadable, DNS server with the proxy off",
            behind(dns_servers=OWN_DNS, dns_proxy=False),
            Status.FAIL,
            unreadable=[Need.RULE_COLLECTION_GROUPS],
        ),
        case(
            "policies unreadable",
            behind(dns_servers=OWN_DNS, dns_proxy=True),
            Status.NOT_ASSESSED,
            unreadable=[Need.FIREWALL_POLICIES],
        ),
        case(
            "firewalls unreadable", behind(NTP), Status.NOT_ASSESSED, unreadable=[Need.AZURE_FIREWALLS], subject="aks"
        ),
        case(
            "who a rule by name is for is unknown",
            behind(rules(network_rule(fqdns=["ntp.ubuntu.com"], sources=[], groups=[GROUPED]))),
            Status.NOT_ASSESSED,
            unreadable=[Need.IP_GROUPS],
        ),
    ],
)
def test_dns_proxy_is_on(world, expected):
    assert evaluate(dns_proxy_is_on, world).status is expected


def test_one_firewall_of_two_clusters_is_judged_once():
    second = cluster("b", pools=[node_pool()])
    (finding,) = evaluate(dns_proxy_is_on, inventory(*behind(NTP, dns_servers=OWN_DNS), second)).findings
    assert (
        finding.message == "DNS proxy of fw is off, though (a) aks uses it as DNS server, (a) b uses it as DNS server"
    )
    assert finding.evidence["networkRules"] == ("policy/group/collection/network",)


WEB = "203.0.113.80"
OWN_IP = public_ip("fw-ip", "203.0.113.10")
CLIENTS = "198.51.100.0/24"
DNAT = dnat(WEB)


def serving(*collections, routes=(), own=OWN_IP, cluster_fields=None, **fields):
    """A public Service behind a forced route, with what the route table holds beside it."""
    world = behind(*collections, **(cluster_fields or {}))
    policy = world[5]
    return [
        *world[:2],
        route_table(route(), *(route(prefix, hop="Internet", address="") for prefix in routes)),
        world[3],
        firewall(own, policy=policy),
        *world[5:],
        own,
        service("web", type="LoadBalancer", **{"addresses": [WEB], **fields}),
    ]


INTERNAL = {"annotations": ServiceAnnotations(internal="true"), "addresses": ["10.0.0.200"]}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("appliance route, internal load balancer", serving(**INTERNAL), Status.PASS),
        case("appliance route, public load balancer, no DNAT", serving(), Status.FAIL),
        case("DNAT to the address and F/32 -> Internet route", serving(DNAT, routes=["203.0.113.10/32"]), Status.PASS),
        case("DNAT to the address, no F/32 route", serving(DNAT), Status.FAIL),
        case("DNAT to another address", serving(dnat("203.0.113.81"), routes=["203.0.113.10/32"]), Status.FAIL),
        case(
            "DNAT to the address, the route of another firewall", serving(DNAT, routes=["203.0.113.11/32"]), Status.FAIL
        ),
        case(
            "loadBalancerSourceRanges 198.51.100.0/24 and route 198.51.100.0/24 -> Internet",
            serving(routes=[CLIENTS], load_balancer_source_ranges=(CLIENTS,)),
            Status.PASS,
        ),
        case(
            "the ranges stand in the annotation",
            serving(
                routes=[CLIENTS], annotations=ServiceAnnotations(allowed_ip_ranges="198.51.100.0/25, 198.51.100.128/25")
            ),
            Status.PASS,
        ),
        case(
            "a range that no route holds",
            serving(routes=[CLIENTS], load_balancer_source_ranges=("198.51.0.0/16",)),
            Status.FAIL,
        ),
        case(
            "a service tag beside the ranges",
            serving(
                routes=[CLIENTS],
                load_balancer_source_ranges=(CLIENTS,),
                annotations=ServiceAnnotations(allowed_service_tags="AzureFrontDoor.Backend"),
            ),
            Status.FAIL,
        ),
        case(
            "a service tag beside the ranges, routes for both",
            serving(
                routes=[CLIENTS, "AzureFrontDoor.Backend"],
                load_balancer_source_ranges=(CLIENTS,),
                annotations=ServiceAnnotations(allowed_service_tags="AzureCloud , azurefrontdoor.backend"),
            ),
            Status.FAIL,
        ),
        case(
            "service tags alone, a route for each",
            serving(
                routes=["AzureCloud", "AzureFrontDoor.Backend"],
                annotations=ServiceAnnotations(allowed_service_tags="AzureCloud , azurefrontdoor.backend"),
            ),
            Status.PASS,
        ),
        case(
            "a wider range in the annotation of Kubernetes",
            serving(
                routes=[CLIENTS],
                load_balancer_source_ranges=(CLIENTS,),
                annotations=ServiceAnnotations(source_ranges="198.51.0.0/16"),
            ),
            Status.FAIL,
        ),
        case("a route for clients, but everybody is let in", serving(routes=[CLIENTS]), Status.FAIL),
        case("public load balancer pending without address", serving(addresses=[]), Status.NOT_APPLICABLE),
        case(
            "NAP, node classes unreadable",
            serving(
                routes=[CLIENTS],
                load_balancer_source_ranges=(CLIENTS,),
                cluster_fields={"node_provisioning_profile": NodeProvisioningProfile(mode=Token("Auto"))},
            ),
            Status.NOT_ASSESSED,
            unreadable=[Need.AKS_NODE_CLASSES],
        ),
        case("a load balancer of another class", serving(load_balancer_class="tailscale"), Status.PASS),
        case(
            "no appliance route",
            [
                cluster(network={"outbound_type": Token("loadBalancer")}),
                virtual_network(subnet(routed=False)),
                service("web", type="LoadBalancer"),
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "default controller of application routing is public behind a forced route",
            [*serving()[:-1], service("nginx", "app-routing-system", type="LoadBalancer", addresses=[WEB])],
            Status.FAIL,
        ),
        case(
            "classic DNAT rules",
            [
                *serving(routes=["203.0.113.10/32"])[:4],
                firewall(
                    OWN_IP,
                    nat_rule_collections=(
                        ClassicCollection(properties=ClassicRules(rules=(FirewallRule(translated_address=WEB),))),
                    ),
                ),
                OWN_IP,
                service("web", type="LoadBalancer", addresses=[WEB]),
            ],
            Status.PASS,
        ),
        case(
            "a third-party appliance",
            [*serving()[:4], service("web", type="LoadBalancer", addresses=[WEB])],
            Status.NOT_ASSESSED,
        ),
        case(
            "a route to appliances whose addresses were not returned",
            [*serving()[:2], route_table(route(hop="VirtualApplianceEcmp", address="")), *serving()[3:]],
            Status.NOT_ASSESSED,
        ),
        case("rules unreadable", serving(), Status.NOT_ASSESSED, unreadable=[Need.RULE_COLLECTION_GROUPS]),
        case(
            "rules unreadable, known clients only",
            serving(routes=[CLIENTS], load_balancer_source_ranges=(CLIENTS,)),
            Status.PASS,
            unreadable=[Need.RULE_COLLECTION_GROUPS],
        ),
        case(
            "the firewall's addresses unreadable",
            serving(DNAT),
            Status.NOT_ASSESSED,
            unreadable=[Need.PUBLIC_IP_ADDRESSES],
        ),
        case("services unreadable", serving()[:-1], Status.NOT_ASSESSED, unreadable=[Need.SERVICES]),
    ],
)
def test_public_service_works_beside_the_firewall(world, expected):
    assert evaluate(public_service_works_beside_the_firewall, world).status is expected
