"""Reading Azure: scope, paging, throttling, refusals, references, and what must never be sent."""

import re

import msgspec
import pytest
from akscan.collect.arm import Arm, Guard
from akscan.collect.cloud import Cloud, credential_for, trust_of
from akscan.collect.credential import Credential
from akscan.collect.limits import Limits
from akscan.collect.transport import Transport
from akscan.inventory_file import InventoryFile
from akscan.model.azure import (
    AzureFirewall,
    KubernetesVersions,
    PrivateDnsZone,
    RouteTable,
    UpgradeProfile,
    Vault,
    VirtualNetwork,
)
from akscan.model.decode import Malformed
from akscan.model.gaps import NotCollected, Reason
from akscan.model.inventory import Inventory
from akscan.model.needs import Need
from akscan.model.reads import ARM_READS, Reader
from akscan.model.roles import AssignedTo, RoleAssignment, RoleDefinition
from akscan.model.text import ArmId
from akscan_fixtures import throttling
from akscan_fixtures.faults import Fault, FaultKind
from akscan_fixtures.throttling import Limit, TokenBuckets
from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.rest import HttpRequest
from support import akscan, azure_options


def collect(simulator, tmp_path, *options):
    """The inventory of a live collection."""
    target = tmp_path / "x.akscan"
    outcome = akscan("collect", "-o", str(target), *azure_options(simulator), *options)
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        return Inventory(file.manifest, file.azure(), {key: file.cluster(key) for key in file.members})


def cluster_of(inventory, name):
    return next(cluster for cluster in inventory.clusters if cluster.name == name)


def with_an_old_cluster(contoso):
    """Contoso with a version that no region lists any more, so that its upgrades must be asked for."""
    estate = contoso.copy()
    estate.managed_cluster("aks-legacy-shop")["properties"]["currentKubernetesVersion"] = "1.27.0"
    return estate


def test_everything_in_the_table_is_read(serve, contoso, tmp_path):
    inventory = collect(serve(with_an_old_cluster(contoso)), tmp_path)
    read = {read.type for read in inventory.azure.reads}
    hubs = {"Microsoft.Network/virtualHubs/hubVirtualNetworkConnections", "Microsoft.Network/virtualHubs/routingIntent"}
    groups = {"Microsoft.Management/managementGroups/descendants"}
    assert {str(entry.struct.arm_type) for entry in ARM_READS} - {str(kind) for kind in read} <= hubs | groups
    assert all(read.gap is None for read in inventory.azure.reads)
    assert inventory.manifest.identity


def test_the_table_tells_the_api_versions_that_are_asked_for(serve, contoso, tmp_path):
    simulator = serve(contoso)
    collect(simulator, tmp_path)
    wanted = {str(read.struct.arm_type).casefold(): read.api_version for read in ARM_READS}
    asked = {}
    for request in simulator.requests:
        version = re.search(r"api-version=([0-9a-z-]+)", str(request.query))
        if request.service == "arm" and request.method == "GET" and version:
            path = request.path.casefold().rstrip("/")
            whole = ArmId(path if ArmId(path).type in wanted else f"{path}/x")
            asked.setdefault(str(whole.type).casefold(), set()).add(version[1])
    assert "microsoft.network/virtualnetworks" in asked
    assert "microsoft.containerservice/managedclusters" in asked
    for kind, versions in asked.items():
        assert versions == {wanted[kind]}, kind


def test_upgrades_are_asked_for_only_where_the_list_of_the_region_does_not_tell(serve, contoso, tmp_path):
    simulator = serve(contoso)
    collect(simulator, tmp_path)

    def asked():
        paths = [ArmId(r.path) for r in simulator.requests if "upgradeProfiles" in r.path]
        return [path.parent.name for path in paths if "/agentPools/" not in path]

    assert asked() == ["aks-lab"]  # at a patch that was withdrawn
    simulator.inject(Fault(match=r"/kubernetesVersions\?", status=403, times=None))
    collect(simulator, tmp_path)
    assert sorted(asked()[1:]) == sorted(cluster["name"] for cluster in contoso.managed_clusters())


def test_the_newest_image_is_asked_once_for_each_kind_of_image_in_a_location(serve, contoso, tmp_path):
    simulator = serve(contoso)
    collect(simulator, tmp_path)
    asked = [r.path for r in simulator.requests if "/agentPools/" in r.path]
    kinds = {
        (cluster["id"].split("/")[2], cluster["location"], pool["nodeImageVersion"].rpartition("-")[0])
        for cluster in contoso.managed_clusters()
        for pool in cluster["properties"]["agentPoolProfiles"]
        if pool["powerState"]["code"] == "Running"
    }
    assert len(asked) == len(set(asked)) == len(kinds)


@pytest.mark.parametrize("page_size", [1, 3])
def test_paging_changes_nothing(page_size, serve, contoso, tmp_path):
    whole = collect(serve(contoso), tmp_path)
    paged = collect(serve(contoso, page_size=page_size), tmp_path)
    assert paged.azure == whole.azure


def test_letter_case_of_ids_changes_nothing(serve, contoso, tmp_path):
    shouting = contoso.copy()
    for resource in shouting.resources.values():
        resource["id"] = resource["id"].replace("/resourceGroups/", "/RESOURCEGROUPS/")
    inventory, whole = collect(serve(shouting), tmp_path), collect(serve(contoso), tmp_path)
    assert [cluster.id for cluster in inventory.clusters] == [cluster.id for cluster in whole.clusters]


@pytest.mark.parametrize("retry_after", [1, None])
def test_throttling_is_waited_out(retry_after, serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(Fault(match=r"/virtualNetworks\?", status=429, retry_after=retry_after, times=2))
    inventory = collect(simulator, tmp_path)
    assert all(read.gap is None for read in inventory.azure.reads)
    assert [r.status for r in simulator.requests if r.path.endswith("/virtualNetworks")].count(429) == 2


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(throttling.Limits(cluster_others=Limit(1, 1)), id="of the AKS resource provider"),
        pytest.param(throttling.Limits(reads=Limit(3, 4)), id="of ARM"),
    ],
)
def test_an_empty_bucket_is_waited_out(limits, serve, contoso, tmp_path):
    simulator = serve(contoso, buckets=TokenBuckets(limits))
    inventory = collect(simulator, tmp_path, "-g", "rg-payments-prod", "-g", "rg-batch-prod", "-g", "shop")
    assert all(read.gap is None for read in inventory.azure.reads)
    assert all(cluster.kubernetes_gap is None for cluster in inventory.clusters)
    assert 429 in {request.status for request in simulator.requests}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(match=r"/routeTables\?", status=403, times=None), Reason.FORBIDDEN),
        (Fault(match=r"/routeTables\?", status=401, times=None), Reason.UNAUTHORIZED),
        (Fault(match=r"/routeTables\?", status=400, times=None), Reason.REJECTED),
        (Fault(match=r"/routeTables\?", status=200, body=b'{"value": 7}', times=None), Reason.MALFORMED),
        (Fault(match=r"/routeTables\?", status=200, body=b"not json", times=None), Reason.MALFORMED),
        (Fault(match=r"/routeTables\?", kind=FaultKind.HTML, status=403, times=None), Reason.FORBIDDEN),
    ],
)
def test_what_fails_becomes_a_gap_and_stops_nothing_else(fault, reason, serve, contoso, tmp_path):
    simulator = serve(contoso)
    simulator.inject(fault)
    inventory = collect(simulator, tmp_path)
    gaps = [read for read in inventory.azure.reads if read.gap is not None]
    assert gaps
    assert {read.type for read in gaps} == {RouteTable.arm_type}
    assert {read.gap.reason for read in gaps} == {reason}
    assert {read.gap.permission for read in gaps} == {Need.ROUTE_TABLES}
    assert len(inventory.clusters) == len(contoso.clusters)


def test_a_resource_of_the_wrong_shape_is_a_gap_of_its_own(serve, contoso, tmp_path):
    estate = contoso.copy()
    vaults = [r for r in estate.resources.values() if r["type"].casefold() == "microsoft.keyvault/vaults"]
    vaults[0]["properties"]["networkAcls"] = {"defaultAction": 7}
    inventory = collect(serve(estate), tmp_path)
    gap = next(read.gap for read in inventory.azure.reads if read.gap is not None)
    assert gap.reason is Reason.MALFORMED
    assert "$.properties.networkAcls.defaultAction" in gap.detail
    assert len(list(inventory.known(Vault))) == len(vaults) - 1


@pytest.mark.parametrize(
    ("match", "body", "kind"),
    [
        (r"/kubernetesVersions\?", b'{"values": 7}', KubernetesVersions),
        (r"/upgradeProfiles/default\?", b'{"properties": {}}', UpgradeProfile),
        (r"assignedTo", b'{"value": [{"id": "/x", "properties": {}}]}', AssignedTo),
        (r"/roleAssignments\?api", b'{"value": [{"id": "/x", "properties": {"scope": "/"}}]}', RoleAssignment),
        (r"/routeTables\?", b'{"value": [{"properties": {"routes": {}}}]}', RouteTable),
        (r"/virtualNetworks/vnet-hub\?", b'{"id": "/x", "properties": {"subnets": 7}}', VirtualNetwork),
    ],
)
def test_an_answer_of_the_wrong_shape_is_never_an_absence(match, body, kind, serve, contoso, tmp_path):
    simulator = serve(with_an_old_cluster(contoso))
    simulator.inject(Fault(match=match, status=200, body=body, times=None))
    inventory = collect(simulator, tmp_path, "-s", "contoso-production")
    gaps = [read.gap for read in inventory.azure.reads if read.type == kind.arm_type and read.gap is not None]
    assert gaps
    assert {gap.reason for gap in gaps} == {Reason.MALFORMED}
    with pytest.raises(NotCollected):
        inventory.require_complete(kind)


def test_a_cluster_of_the_wrong_shape_stays_in_the_report(serve, contoso, tmp_path):
    estate = contoso.copy()
    resource = next(r for r in estate.resources.values() if r["name"] == "aks-legacy-shop")
    resource["properties"]["disableLocalAccounts"] = "no"
    inventory = collect(serve(estate), tmp_path)
    lost = cluster_of(inventory, "aks-legacy-shop")
    with pytest.raises(NotCollected, match=r"\$\.properties\.disableLocalAccounts"):
        _ = lost.properties
    assert len(inventory.clusters) == len(contoso.clusters)
    assert lost.lists.pods.items


def test_names_of_clusters_and_groups_compare_without_case(serve, contoso, tmp_path):
    estate = contoso.copy()
    resource = next(r for r in estate.resources.values() if r["name"] == "aks-legacy-shop")
    del estate.resources[resource["id"].casefold()]
    group = resource["id"].split("/")[4]
    resource["id"] = resource["id"].replace("aks-legacy-shop", "AKS-Loud").replace(f"/{group}/", f"/{group.upper()}/")
    resource["name"] = "AKS-Loud"
    estate.resources[resource["id"].casefold()] = resource
    simulator = serve(estate)
    for options in (["-n", "aks-loud"], ["-n", "Aks-LOUD", "-g", group], ["-g", group.title()]):
        assert "AKS-Loud" in {cluster.name for cluster in collect(simulator, tmp_path, *options).clusters}


def test_a_subscription_of_choice_follows_references_into_others(serve, contoso, tmp_path):
    production = next(s for s in contoso.subscriptions if s.display_name == "contoso-production")
    simulator = serve(contoso)
    inventory = collect(simulator, tmp_path, "-s", production.subscription_id)
    assert {cluster.id.subscription for cluster in inventory.clusters} == {production.subscription_id}
    connectivity = next(s for s in contoso.subscriptions if s.display_name == "contoso-connectivity").subscription_id
    for kind in (VirtualNetwork, AzureFirewall, PrivateDnsZone):
        assert any(found.id.subscription == connectivity for found in inventory.known(kind)), kind
    listed = [r.path for r in simulator.requests if connectivity in r.path and r.path.count("/") <= 5]
    assert not any("managedClusters" in path for path in listed)


def test_scope_by_name_group_and_management_group(serve, contoso, tmp_path):
    simulator = serve(contoso)
    by_name = collect(simulator, tmp_path, "-s", "contoso-production", "-n", "AKS-Payments-Prod")
    assert [cluster.name for cluster in by_name.clusters] == ["aks-payments-prod"]
    group = cluster_of(by_name, "aks-payments-prod").id.resource_group
    by_group = collect(simulator, tmp_path, "-g", group.upper())
    assert {cluster.id.resource_group for cluster in by_group.clusters} == {group}
    name = next(iter(contoso.management_groups))
    everything = collect(simulator, tmp_path, "--management-group", name)
    assert everything.manifest.scope.selectors == {"managementGroup": (name,)}


@pytest.mark.parametrize("arguments", [("-s", "no-such-name"), ("--management-group", "no-such-group")])
def test_a_scope_that_does_not_exist_is_an_error(arguments, serve, contoso, tmp_path):
    simulator = serve(contoso)
    outcome = akscan("collect", "-o", str(tmp_path / "x.akscan"), *azure_options(simulator), *arguments)
    assert outcome.code == 2
    assert arguments[1] in outcome.err
    assert not list(tmp_path.iterdir())


def test_subscriptions_of_one_name_are_told_apart(serve, contoso, tmp_path):
    estate = contoso.copy()
    for subscription in estate.subscriptions:
        subscription.display_name = "twin"
    simulator = serve(estate)
    assert len(collect(simulator, tmp_path).clusters) == len(contoso.clusters)
    outcome = akscan("collect", "-o", str(tmp_path / "y.akscan"), *azure_options(simulator), "-s", "twin")
    assert outcome.code == 2
    assert "give the id" in outcome.err


def test_absent_and_unreadable_never_look_alike(serve, contoso, tmp_path):
    inventory = collect(serve(contoso), tmp_path)
    network = "resourceGroups/x/providers/Microsoft.Network/virtualNetworks/gone"
    listed = cluster_of(inventory, "aks-payments-prod").id.subscription_scope
    assert inventory.find(VirtualNetwork, ArmId(f"{listed}/{network}")) is None
    elsewhere = ArmId(f"/subscriptions/elsewhere/{network}")
    with pytest.raises(NotCollected):
        inventory.find(VirtualNetwork, elsewhere)


@pytest.fixture
def arm(serve, contoso):
    simulator = serve(contoso)
    cloud = Cloud("custom", simulator.arm_endpoint, simulator.arm_audience, "login.example", str(simulator.ca_file))
    limits = Limits()
    with trust_of(cloud) as verify:
        transport = Transport(verify, limits)
        credential = Credential(lambda: credential_for(cloud, "managed-identity", transport))
        with Arm(cloud, credential, transport, limits) as arm:
            yield arm


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_the_pipeline_lets_no_write_through(method, arm, contoso):
    client = arm.client(Reader.CONTAINER_SERVICE, contoso.subscriptions[0].subscription_id)
    request = HttpRequest(
        method, f"/subscriptions/{contoso.subscriptions[0].subscription_id}/resourceGroups/x?api-version=2021-04-01"
    )
    with pytest.raises(PermissionError, match="does not write"):
        client.send_request(request)


def test_an_sdk_operation_that_writes_is_stopped(arm, contoso):
    client = arm.client(Reader.CONTAINER_SERVICE, contoso.subscriptions[0].subscription_id)
    with pytest.raises(PermissionError, match="does not write"):
        client.managed_clusters.begin_stop("rg", "aks")


def test_a_next_link_to_another_host_gets_no_token(serve, contoso, tmp_path):
    simulator = serve(contoso)
    body = msgspec.json.encode({"value": [], "nextLink": "https://127.0.0.1:9/steal"})
    simulator.inject(Fault(match=r"/vaults\?", status=200, body=body, times=None))
    inventory = collect(simulator, tmp_path)
    gap = next(read.gap for read in inventory.azure.reads if read.gap is not None)
    assert "another host" in gap.detail


@pytest.mark.parametrize(
    ("url", "passes"),
    [
        ("https://management.azure.com/x", True),
        ("https://MANAGEMENT.azure.com:443/x", True),
        ("https://westeurope.management.azure.com/x", True),
        ("http://management.azure.com/x", False),
        ("https://management.azure.com:8443/x", False),
        ("https://evilmanagement.azure.com/x", False),
        ("https://management.azure.com.evil.example/x", False),
    ],
)
def test_only_arm_itself_is_followed(url, passes):
    guard = Guard("https://management.azure.com", Limits())
    request = PipelineRequest(HttpRequest("GET", url), PipelineContext(None))
    if passes:
        guard.on_request(request)
    else:
        with pytest.raises(Malformed, match="another host"):
            guard.on_request(request)


def test_built_in_roles_are_kept_once(serve, contoso, tmp_path):
    inventory = collect(serve(contoso), tmp_path)
    guids = [role.guid for role in inventory.known(RoleDefinition)]
    assert len(guids) == len(set(guids))


def test_a_next_link_in_a_circle_ends(serve, contoso, tmp_path):
    simulator = serve(contoso)
    for kind in ("vaults", "routeTables"):
        link = f"{simulator.arm_endpoint}/subscriptions/x/providers/P/{kind}?circle=1"
        body = msgspec.json.encode({"value": [], "nextLink": link})
        simulator.inject(Fault(match=rf"/{kind}\?", status=200, body=body, times=None))
    inventory = collect(simulator, tmp_path)
    gaps = {str(read.type): read.gap for read in inventory.azure.reads if read.gap is not None}
    assert {gap.detail for gap in gaps.values()} == {"nextLink leads in a circle"}
    assert len(gaps) == 2


@pytest.mark.parametrize("name", ["aks-legacy-shop", "aks-payments-prod"])
def test_the_budget_of_calls_per_cluster_holds(name, serve, contoso, tmp_path):
    """A further cluster costs at most six calls to ARM, the sixth its kubeconfig; each identity that it brings along
    one for its groups and one for its federated credentials.
    """
    few = serve(contoso)
    collect(few, tmp_path)
    estate = contoso.copy()
    original = estate.managed_cluster(name)
    for number in range(5):
        text = msgspec.json.encode(original).replace(name.encode(), f"aks-twin-{number}".encode())
        kubelet = original["properties"].get("identityProfile", {}).get("kubeletidentity", {}).get("objectId", "no one")
        twin = msgspec.json.decode(text.replace(kubelet.encode(), f"{kubelet[:-4]}99{number:02}".encode()))
        estate.resources[twin["id"].casefold()] = twin
    many = serve(estate)
    collect(many, tmp_path)

    def calls(simulator):
        asked = [f"{one.path}?{one.query}".casefold() for one in simulator.requests if one.service == "arm"]
        of_clusters = sum("/managedclusters/" in one for one in asked)
        return of_clusters, len(asked) - of_clusters

    (few_of_clusters, few_others), (many_of_clusters, many_others) = calls(few), calls(many)
    assert many_of_clusters - few_of_clusters <= 5 * 6
    assert many_others - few_others <= 5 * 2
