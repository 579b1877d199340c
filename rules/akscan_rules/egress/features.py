"""What the firewall has to let through for features that are switched on."""

from collections.abc import Iterator
from dataclasses import replace

from akscan.sdk import (
    ArmId,
    Cluster,
    Destination,
    Disruption,
    Egress,
    EvidenceValue,
    Finding,
    Fix,
    Gap,
    Inventory,
    Need,
    NotApplicable,
    NotCollected,
    Pillar,
    Severity,
    any_of,
    firewall_placeholders,
    rule,
    untold,
)

from akscan_rules.egress import FIREWALL_NEEDS, prefix_placeholder
from akscan_rules.endpoints import is_ignored, required_endpoints
from akscan_rules.features import (
    SAME_EVERYWHERE,
    feature_endpoints,
    features_on,
    is_reached_privately,
    vault_endpoint,
)

_EXTENSIONS = "extensions"
#: Stands in a cloud whose names are not listed for each of them: only a rule without names lets it through.
_UNLISTED = "unlisted.invalid"


@rule(
    "EGR-005",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=FIREWALL_NEEDS,
    optional_needs=[
        Need.PRIVATE_DNS_ZONES,
        Need.PRIVATE_DNS_LINKS,
        Need.PRIVATE_DNS_RECORDS,
        Need.SECRET_PROVIDER_CLASSES,
        Need.DEPLOYMENTS,
        Need.AKS_NODE_CLASSES,
    ],
    docs=[
        "https://learn.microsoft.com/azure/aks/outbound-rules-control-egress",
        "https://learn.microsoft.com/azure/aks/auto-upgrade-node-os-image",
    ],
    fix=Fix(
        "az network firewall policy rule-collection-group collection add-filter-collection --resource-group "
        "{firewall_resource_group} --policy-name {firewall_policy} --rule-collection-group-name {group} --name "
        "aks-features --collection-priority 220 --action Allow --rule-name features --rule-type ApplicationRule "
        "--source-addresses {node_subnet_prefix} --protocols Https=443 --target-fqdns {missing_fqdns}",
        Disruption.NONE,
        terraform=("azurerm_firewall_policy_rule_collection_group.application_rule_collection.rule.destination_fqdns"),
        arm="Microsoft.Network/firewallPolicies/ruleCollectionGroups properties.ruleCollections[].rules[].targetFqdns",
    ),
)
def firewall_lets_features_through(
    cluster: Cluster,
    inventory: Inventory,
    *,
    tag_covers_features: bool = True,
    ignored_fqdns: tuple[str, ...] = (),
) -> Iterator[Finding]:
    """The egress firewall lets enabled features and node patching reach their endpoints.

    A blocked endpoint of a feature fails silently: policies stop being refreshed, alerts fall quiet, security events
    are not delivered, secrets are not rotated, and nodes on the SecurityPatch or Unmanaged channel keep the packages
    that they were born with.

    **Fix**: allow the endpoints of each feature you use, or reach the service through a private endpoint. Switch off
    what you do not use.
    """
    egress = Egress(cluster, inventory)
    if egress.path != "appliance":
        raise NotApplicable("no default route of the nodes leads to an appliance")
    wanted = {
        feature: tuple(feature_endpoints(cluster, feature, covered_by_tag=tag_covers_features))
        for feature in (*features_on(cluster), _EXTENSIONS)
    }
    branches = [
        _blocked(egress, subnet_id, feature, destination)
        for subnet_id in egress.subnet_ids
        for feature, destinations in wanted.items()
        for destination in destinations
        if not is_ignored(destination, ignored_fqdns)
    ]
    if cluster.key_vault_addon.enabled:
        branches += [_vaults_blocked(egress, subnet_id, ignored_fqdns) for subnet_id in egress.subnet_ids]
    yield from any_of(*branches)
    cluster.require_class_subnets()


def _vaults_blocked(egress: Egress, subnet_id: ArmId, ignored: tuple[str, ...]) -> Iterator[Finding]:
    classes = egress.cluster.lists.secret_provider_classes
    vaults = dict.fromkeys(found.vault_name.casefold() for found in classes.items if found.vault_name)
    wanted = [vault_endpoint(vault) for vault in vaults]
    yield from any_of(*(_blocked(egress, subnet_id, "vault", one) for one in wanted if not is_ignored(one, ignored)))
    classes.complete()


def _blocked(egress: Egress, subnet_id: ArmId, feature: str, wanted: Destination) -> Iterator[Finding]:
    """Whether a firewall of the subnet keeps a feature from a name that leads nowhere else."""
    is_listed = feature in SAME_EVERYWHERE or required_endpoints().has_features_of(egress.cluster)
    asked = wanted if is_listed else replace(wanted, name=_UNLISTED)
    for subnet, firewall in egress.filtered([subnet_id]):
        decision = egress.inventory.firewalls.filter(firewall).decide(subnet.prefixes, asked)
        if decision.allowed or (is_listed and is_reached_privately(egress, wanted)):
            continue
        if feature == _EXTENSIONS and not egress.cluster.runs_extensions:
            continue
        if not is_listed:
            raise NotCollected(_not_listed(egress.cluster, feature))
        evidence: dict[str, EvidenceValue] = {
            "firewall": str(firewall.id),
            f"{feature} from {subnet.name} to {wanted}": str(decision),
            "nodeOSUpgradeChannel": egress.cluster.properties.auto_upgrade_profile.node_os_upgrade_channel,
            "osSKU": tuple(f"{pool.name}: {pool.properties.os_sku}" for pool in egress.cluster.pools),
            **required_endpoints().evidence(egress.inventory),
        }
        fill = {**firewall_placeholders(firewall), **prefix_placeholder(subnet)}
        note = required_endpoints().note(egress.inventory)
        yield Finding(f"{feature}: {subnet.name} does not reach {wanted}{note}", evidence, fill)


def _not_listed(cluster: Cluster, feature: str) -> Gap:
    return untold("arm", cluster.id, f"the names that {feature} reaches are listed for the public cloud only")
