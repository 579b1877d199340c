"""What the firewall has to let through."""

from collections.abc import Iterator

from akscan.sdk import (
    ArmId,
    Cluster,
    Destination,
    Disruption,
    Egress,
    EvidenceValue,
    Filter,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    Workload,
    any_of,
    api_server_addresses,
    callers_by_address,
    firewall_placeholders,
    rule,
    untold,
)

from akscan_rules.egress import FIREWALL_NEEDS, prefix_placeholder
from akscan_rules.endpoints import (
    api_server_names,
    azure_cloud_tags,
    is_ignored,
    network_endpoints,
    node_names,
    required_endpoints,
)

#: How many workloads a message names; the evidence has them all.
_SHOWN = 5


@rule(
    "EGR-003",
    Severity.HIGH,
    Pillar.RELIABILITY,
    needs=[*FIREWALL_NEEDS, Need.PEERINGS],
    optional_needs=[Need.AKS_NODE_CLASSES],
    docs=[
        "https://learn.microsoft.com/azure/aks/outbound-rules-control-egress",
        "https://learn.microsoft.com/azure/firewall/rule-processing",
    ],
    fix=Fix(
        """
        az network firewall policy rule-collection-group collection add-filter-collection --resource-group {firewall_resource_group} --policy-name {firewall_policy} --rule-collection-group-name {group} --name aks-required --collection-priority 200 --action Allow --rule-name aks-fqdn-tag --rule-type ApplicationRule --source-addresses {node_subnet_prefix} --protocols Http=80 Https=443 --fqdn-tags AzureKubernetesService
        # classic rules
        az network firewall application-rule create --resource-group {firewall_resource_group} --firewall-name {firewall} --collection-name aks-required --priority 200 --action allow --name aks-fqdn-tag --source-addresses {node_subnet_prefix} --protocols http=80 https=443 --fqdn-tags AzureKubernetesService
        """,  # noqa: E501 a command is one line
        Disruption.NONE,
        terraform=(
            "azurerm_firewall_policy_rule_collection_group.application_rule_collection.rule.destination_fqdn_tags / "
            "destination_fqdns; azurerm_firewall_application_rule_collection.rule.fqdn_tags"
        ),
        arm=(
            "Microsoft.Network/firewallPolicies/ruleCollectionGroups properties.ruleCollections[].rules[].fqdnTags / "
            "targetFqdns; Microsoft.Network/azureFirewalls properties.applicationRuleCollections[]"
        ),
    ),
)
def firewall_lets_aks_through(
    cluster: Cluster,
    inventory: Inventory,
    *,
    extra_fqdns: tuple[str, ...] = (),
    ignored_fqdns: tuple[str, ...] = (),
    sovereign_network_rules: bool = True,
) -> Iterator[Finding]:
    """The egress firewall lets the nodes reach what AKS needs.

    Nothing breaks on the day a rule is missing: running nodes carry on. The next scale-out, node image upgrade or
    repair then hangs, because a new node cannot fetch its binaries or images, or cannot log in. The default of the
    firewall is to deny, so every name must be there.

    **Fix**: allow the AzureKubernetesService FQDN tag for the subnets of the cluster; Microsoft keeps it in step with
    the list. On another kind of firewall enter the names above.
    """
    egress = Egress(cluster, inventory)
    if egress.path != "appliance":
        raise NotApplicable("no default route of the nodes leads to an appliance")
    if cluster.properties.bootstrap_profile.artifact_source == "Cache":
        raise NotApplicable("images and binaries come from a private registry")
    server = api_server_names(cluster)
    wanted = (*server, *node_names(cluster, extra_fqdns))
    network = network_endpoints(cluster) if sovereign_network_rules else ()
    branches = [
        *(_blocked(egress, subnet, _kept(wanted, ignored_fqdns)) for subnet in cluster.node_subnets),
        *(_blocked(egress, subnet, _kept(server, ignored_fqdns)) for subnet in cluster.pod_subnets),
        *(_network_blocked(egress, subnet, one) for subnet in cluster.node_subnets for one in network),
        *(_dns_blocked(egress, subnet) for subnet in egress.subnet_ids),
    ]
    yield from any_of(*branches)
    cluster.require_class_subnets()


def _kept(wanted: tuple[Destination, ...], ignored: tuple[str, ...]) -> tuple[Destination, ...]:
    return tuple(destination for destination in wanted if not is_ignored(destination, ignored))


def _blocked(egress: Egress, subnet_id: ArmId, wanted: tuple[Destination, ...]) -> Iterator[Finding]:
    """What the firewalls of a subnet do not let through."""
    for subnet, firewall in egress.filtered([subnet_id]):
        decisions = egress.inventory.firewalls.filter(firewall).decide_all(subnet.prefixes, wanted)
        tagged = any(decision.by and decision.by.rule.fqdn_tags for _, decision in decisions.known)
        if denied := decisions.denied:
            evidence: dict[str, EvidenceValue] = {
                "firewall": str(firewall.id),
                "firewallPolicy": str(firewall.properties.firewall_policy.id),
                "usesFqdnTag": tagged,
                f"denied to {subnet.name}": tuple(f"{destination}: {decision}" for destination, decision in denied),
                **required_endpoints().evidence(egress.inventory),
            }
            names = ", ".join(str(destination) for destination, _ in denied)
            fill = {**firewall_placeholders(firewall), **prefix_placeholder(subnet)}
            note = required_endpoints().note(egress.inventory)
            yield Finding(f"{subnet.name} does not reach {names}{note}", evidence, fill)
        decisions.complete()


def _network_blocked(egress: Egress, subnet_id: ArmId, wanted: Destination) -> Iterator[Finding]:
    """The same for an endpoint of a sovereign cloud; a rule on single addresses may or may not mean the API server."""
    for _, firewall in egress.filtered([subnet_id]):
        rules = egress.inventory.firewalls.filter(firewall)
        for finding in _blocked(egress, subnet_id, (wanted,)):
            if not wanted.name:
                _require_no_single_address(rules, egress.inventory.existing_subnet(subnet_id).prefixes, wanted)
            yield finding


def _require_no_single_address(rules: Filter, prefixes: tuple[str, ...], wanted: Destination) -> None:
    if found := rules.reaches_some(prefixes, wanted):
        raise NotCollected(untold("arm", found.path, f"whether its addresses are the API server's ({wanted})"))


def _dns_blocked(egress: Egress, subnet_id: ArmId) -> Iterator[Finding]:
    """DNS servers of the network that stand behind the firewall."""
    for subnet, firewall in egress.filtered([subnet_id]):
        servers = egress.forced_dns_servers(subnet, firewall)
        yield from _blocked(egress, subnet_id, tuple(Destination(address=s, protocol="UDP", port=53) for s in servers))


@rule(
    "EGR-004",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[
        *FIREWALL_NEEDS,
        Need.ENDPOINT_SLICES,
        Need.PODS,
        Need.SERVICE_ACCOUNTS,
        Need.ROLE_BINDINGS,
        Need.CLUSTER_ROLE_BINDINGS,
    ],
    optional_needs=[Need.AKS_NODE_CLASSES],
    docs=[
        "https://learn.microsoft.com/azure/aks/outbound-rules-control-egress",
        "https://learn.microsoft.com/azure/aks/limit-egress-traffic",
    ],
    fix=Fix(
        """
        az network firewall policy rule-collection-group collection add-filter-collection --resource-group {firewall_resource_group} --policy-name {firewall_policy} --rule-collection-group-name {group} --name aks-api --collection-priority 210 --action Allow --rule-name api-server --rule-type NetworkRule --source-addresses {node_subnet_prefix} --ip-protocols TCP --destination-addresses {api_server_ip} --destination-ports 443
        # or in the pod template of the workload
        kubectl patch {kind} {name} --namespace {namespace} --type merge --patch '{"spec":{"template":{"metadata":{"annotations":{"kubernetes.azure.com/set-kube-service-host-fqdn":"true"}}}}}'
        """,  # noqa: E501 a command is one line
        Disruption.WORKLOAD_RESTART,
        terraform="azurerm_firewall_policy_rule_collection_group.network_rule_collection.rule",
        arm=(
            "Microsoft.Network/firewallPolicies/ruleCollectionGroups properties.ruleCollections[].rules[] with "
            "ruleType NetworkRule"
        ),
    ),
)
def pods_reach_the_api_server(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """Pods that call the Kubernetes API get through the egress firewall.

    AKS rewrites the API host to a name only for its own namespaces. Ingress controllers, operators and agents elsewhere
    use the service address, which becomes a TCP connection to the API server's public IP: application rules that match
    names never see it, and the firewall drops it.

    **Fix**: allow TCP 443 from the cluster's subnets to the API server's address, or annotate those pods so that they
    use its name and are matched by the FQDN rule; the annotation restarts the workload's pods.
    """
    egress = Egress(cluster, inventory)
    if cluster.is_private or cluster.is_vnet_integrated:
        raise NotApplicable("pods reach the API server at a private address")
    if egress.path != "appliance":
        raise NotApplicable("no default route of the nodes leads to an appliance")
    callers, gap = callers_by_address(cluster)
    if not callers and gap is None:
        return
    for finding in any_of(*(_address_blocked(egress, subnet_id) for subnet_id in egress.subnet_ids)):
        if not callers and gap is not None:
            raise NotCollected(gap)
        names = tuple(f"{caller.namespace}/{caller.name}" for caller in callers)
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if names[_SHOWN:] else "")
        evidence = {**finding.evidence, "apiServerAddresses": api_server_addresses(cluster), "workloads": names}
        connect = "connects" if len(names) == 1 else "connect"
        yield Finding(f"{finding.message}, to which {shown} {connect}", evidence, {**_patched(callers), **finding.fill})
    cluster.require_class_subnets()


def _patched(callers: tuple[Workload, ...]) -> dict[str, str]:
    """What names the first workload whose pod template stands where the command of the fix looks for it."""
    patched = (caller for caller in callers if caller.spec_path == "/spec/template/spec")
    found = next(patched, None)
    return {"kind": found.kind.casefold(), "namespace": found.namespace, "name": found.name} if found else {}


def _address_blocked(egress: Egress, subnet_id: ArmId) -> Iterator[Finding]:
    """The addresses of the API server that no network rule opens to a subnet."""
    addresses = api_server_addresses(egress.cluster)
    tags = azure_cloud_tags(egress.cluster)
    for subnet, firewall in egress.filtered([subnet_id]):
        rules = egress.inventory.firewalls.filter(firewall)
        for address in addresses:
            decision = rules.decide(subnet.prefixes, Destination(address=address, tags=tags), network_only=True)
            if not decision.allowed:
                yield Finding(
                    f"{subnet.name} does not reach {address} TCP 443",
                    {f"{subnet.name} to {address}": str(decision)},
                    fill={
                        **firewall_placeholders(firewall),
                        **prefix_placeholder(subnet),
                        "api_server_ip": address,
                    },
                )
