"""The firewall that the nodes leave through: that it filters, and works beside DNS and load balancers."""

from collections.abc import Iterator

from akscan.sdk import (
    ArmId,
    AzureFirewall,
    Cluster,
    ClusterFirewall,
    Destination,
    Disruption,
    Egress,
    Finding,
    Fix,
    Inventory,
    LoadBalancerService,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    any_of,
    firewall_placeholders,
    if_known,
    rule,
)

from akscan_rules.egress import FIREWALL_NEEDS

#: Stands for every address that no rule would name (https://www.rfc-editor.org/rfc/rfc5737).
_CANARY_ADDRESS = "203.0.113.1"
_CANARY_PORTS = (443, 80, 4444)


@rule(
    "EGR-006",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=FIREWALL_NEEDS,
    optional_needs=[Need.AKS_NODE_CLASSES],
    frameworks={"mcsb": ["NS-3"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/limit-egress-traffic",
        "https://learn.microsoft.com/azure/firewall/rule-processing",
    ],
    fix=Fix(
        "az network firewall policy rule-collection-group collection rule remove --resource-group "
        "{firewall_resource_group} --policy-name {firewall_policy} --rule-collection-group-name {group} "
        "--collection-name {collection} --name {rule}",
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "azurerm_firewall_policy_rule_collection_group.network_rule_collection.rule.destination_addresses / "
            "application_rule_collection.rule.destination_fqdns"
        ),
        arm="Microsoft.Network/firewallPolicies/ruleCollectionGroups properties.ruleCollections[].rules[]",
    ),
)
def firewall_filters(
    cluster: Cluster, inventory: Inventory, *, canary_fqdn: str = "egress-canary.invalid"
) -> Iterator[Finding]:
    """The egress firewall does not let the cluster reach everything.

    A route to a firewall that ends in an allow-any rule costs money and filters nothing, and it hides the missing rules
    of EGR-003 and EGR-005 until somebody tightens it. One wide rule for another team in a shared policy is enough.

    **Fix**: replace the wide rule by the AKS FQDN tag, the names of EGR-005 and the names that the workloads need;
    confine rules of other spokes to their own source addresses. Workloads lose every destination that no narrower rule
    names: read the firewall's logs first.
    """
    egress = Egress(cluster, inventory)
    if egress.path != "appliance":
        raise NotApplicable("no default route of the nodes leads to an appliance")
    yield from any_of(
        *(_open(egress, subnet_id, canary_fqdn, port) for subnet_id in egress.subnet_ids for port in _CANARY_PORTS)
    )
    cluster.require_class_subnets()


def _open(egress: Egress, subnet_id: ArmId, name: str, port: int) -> Iterator[Finding]:
    """Whether a firewall of the subnet lets through what no rule can mean."""
    canary = Destination(name, _CANARY_ADDRESS, port=port, application=("Http", "Https"), may_be_categorised=True)
    for subnet, firewall in egress.filtered([subnet_id]):
        decision = egress.inventory.firewalls.filter(firewall).decide(subnet.prefixes, canary, all_of_it=True)
        if decision.allowed and decision.by is not None:
            yield Finding(
                f"{subnet.name} reaches every host on TCP {port}: {decision}",
                {"firewall": str(firewall.id), f"{subnet.name}, TCP {port}": str(decision)},
                fill={**firewall_placeholders(firewall), **_place(egress, firewall, decision.by.path)},
            )


def _place(egress: Egress, firewall: AzureFirewall, path: str) -> dict[str, str]:
    """What names a rule of a policy in a fix."""
    name, *places = path.split("/")
    policies = egress.inventory.firewalls.policies(firewall)
    policy = next((policy for policy in policies if policy.name == name), None)
    if policy is None:
        return {}
    own = {"firewall_policy": policy.name, "firewall_resource_group": policy.id.resource_group}
    return own | dict(zip(("group", "collection", "rule"), places, strict=False))


@rule(
    "EGR-007",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=FIREWALL_NEEDS,
    docs=[
        "https://learn.microsoft.com/azure/aks/limit-egress-traffic",
        "https://learn.microsoft.com/azure/firewall/dns-settings",
    ],
    fix=Fix(
        """
        az network firewall policy update --resource-group {firewall_resource_group} --name {firewall_policy} --enable-dns-proxy true
        # classic rules
        az network firewall update --resource-group {firewall_resource_group} --name {firewall} --enable-dns-proxy true
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform="azurerm_firewall_policy.dns.proxy_enabled / azurerm_firewall.dns_proxy_enabled",
        arm="Microsoft.Network/firewallPolicies properties.dnsSettings.enableProxy",
    ),
)
def dns_proxy_is_on(firewall: ClusterFirewall, inventory: Inventory) -> Iterator[Finding]:
    """DNS proxy is on where the firewall has to resolve names.

    With the proxy off nothing answers on port 53 of the firewall, so nodes that use it as DNS server resolve no name at
    all. Network rules with names need the proxy too, or client and firewall see different addresses and the rule
    misses.

    **Fix**: turn DNS proxy on in the policy (or the classic firewall), and let the virtual network use the firewall as
    its DNS server.
    """
    own = firewall.resource.private_addresses
    egresses = [Egress(cluster, inventory) for cluster in firewall.clusters]
    asking = [egress.cluster.name for egress in egresses if egress.is_dns_server(own)]
    if not asking and not _rules_by_name(firewall, egresses):
        raise NotApplicable("nothing on the way of these clusters needs the firewall to resolve names")
    if not inventory.firewalls.dns_proxy(firewall.resource):
        reasons = [f"(a) {name} uses it as DNS server" for name in asking] or ["(b) network rules match by name"]
        yield Finding(
            f"DNS proxy of {firewall.resource.name} is off, though {', '.join(reasons)}",
            {
                "firewall": str(firewall.resource.id),
                "firewallPolicy": str(firewall.resource.properties.firewall_policy.id),
                "dnsSettings.enableProxy": False,
                "dnsServers": sorted({s for e in egresses for s in e.network.properties.dhcp_options.dns_servers}),
                "networkRules": if_known(lambda: _rules_by_name(firewall, egresses)),
            },
        )


def _rules_by_name(firewall: ClusterFirewall, egresses: list[Egress]) -> tuple[str, ...]:
    """The network rules that match by name on the subnets which leave through the firewall."""
    found: dict[str, None] = {}
    for egress in egresses:
        for subnet, own in egress.filtered(egress.subnet_ids):
            if own.id == firewall.resource.id:
                rules = egress.inventory.firewalls.filter(own).network_rules_by_name(subnet.prefixes)
                found |= dict.fromkeys(rules)
    return tuple(found)


@rule(
    "EGR-008",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[*FIREWALL_NEEDS, Need.PUBLIC_IP_ADDRESSES, Need.SERVICES],
    optional_needs=[Need.AKS_NODE_CLASSES],
    docs=[
        "https://learn.microsoft.com/azure/aks/limit-egress-traffic",
        "https://learn.microsoft.com/azure/firewall/integrate-lb",
    ],
    fix=Fix(
        "kubectl annotate service {name} --namespace {namespace} "
        'service.beta.kubernetes.io/azure-load-balancer-internal="true" --overwrite',
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_service_v1.metadata.annotations; "
            "azurerm_firewall_policy_rule_collection_group.nat_rule_collection; azurerm_route"
        ),
        arm=(
            "Microsoft.Network/routeTables properties.routes[]; "
            "Microsoft.Network/firewallPolicies/ruleCollectionGroups "
            "properties.ruleCollections[].rules[].translatedAddress"
        ),
    ),
)
def public_service_works_beside_the_firewall(service: LoadBalancerService, inventory: Inventory) -> Iterator[Finding]:
    """Public load balancers work beside the forced route to the firewall.

    The client's packet enters by the load balancer, the answer follows the default route into the firewall. The
    firewall has never seen the connection and drops the answer, so the service looks healthy in Kubernetes and times
    out for every client.

    **Fix**: expose the workload on an internal load balancer and publish it through the firewall (DNAT), Application
    Gateway or Front Door; or translate to the public address on the firewall and route the firewall's own address to
    Internet. The public address is given up and the Service gets a private one: move its clients first.
    """
    found, egress = service.object, Egress(service.cluster, inventory)
    if egress.path != "appliance":
        raise NotApplicable("no default route of the nodes leads to an appliance")
    if not found.is_public_load_balancer:
        return
    addresses, clients = found.given_addresses, (*found.admitted_ranges, *found.admitted_tags)
    if not addresses:
        raise NotApplicable("the Service has no public address yet")
    forced = [subnet for subnet, _ in egress.forced(egress.cluster.node_subnets)]
    directly = clients and all(all(egress.answers_directly(subnet, one) for one in clients) for subnet in forced)
    if directly or all(egress.translates(subnet, addresses) for subnet in forced):
        egress.cluster.require_class_subnets()
        return
    yield Finding(
        f"answers of {', '.join(addresses)} follow the default route of {', '.join(s.name for s in forced)} instead",
        {
            "ingress": addresses,
            "ports": [f"{port.port}/{port.protocol}" for port in found.spec.ports or ()],
            "loadBalancerSourceRanges": found.admitted_ranges,
            "azure-allowed-service-tags": found.admitted_tags,
            "subnets": [subnet.name for subnet in forced],
            "internetRoutes": egress.internet_routes(forced),
        },
    )
