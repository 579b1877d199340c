"""What Privileged Identity Management and Trusted Access tell, through ARM."""

import msgspec
import pytest
from akscan.inventory_file import InventoryFile
from akscan.model.azure import ListedResource, TrustedAccessRoleBinding
from akscan.model.gaps import NotCollected, Reason
from akscan.model.inventory import Inventory
from akscan.model.roles import RoleAssignment, RoleAssignmentScheduleInstance, RoleEligibilityScheduleInstance
from akscan.model.text import ArmId
from akscan_fixtures.faults import Fault
from support import akscan, azure_options

PRODUCTION, DEVELOPMENT = (f"/subscriptions/c0470500-000{number}-4000-8000-0c0000000000" for number in (2, 3))
GROUP = "/providers/Microsoft.Management/managementGroups/contoso"
SCHEDULES = (RoleAssignmentScheduleInstance, RoleEligibilityScheduleInstance)


def collect(simulator, folder):
    target = folder / "estate.akscan"
    outcome = akscan(
        "collect", "-o", str(target), "-g", "rg-batch-prod", "-g", "rg-partner-neu", *azure_options(simulator)
    )
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        return Inventory(file.manifest, file.azure())


def cluster_of(inventory, name):
    return next(cluster.id for cluster in inventory.clusters if cluster.name == name)


def test_a_tenant_without_the_licence_has_nothing_that_ends_or_is_eligible(serve, contoso, tmp_path):
    simulator = serve(contoso)
    refusal = {"error": {"code": "AadPremiumLicenseRequired", "message": "The tenant needs to have a license."}}
    simulator.inject(Fault(match="ScheduleInstances", status=400, body=msgspec.json.encode(refusal), times=None))
    inventory = collect(simulator, tmp_path)
    for kind in SCHEDULES:
        assert inventory.within(kind, ArmId(PRODUCTION)) == ()


def test_another_refusal_is_a_gap(serve, contoso, tmp_path):
    simulator = serve(contoso)
    refusal = {"error": {"code": "InvalidFilter", "message": "no"}}
    simulator.inject(Fault(match="ScheduleInstances", status=400, body=msgspec.json.encode(refusal), times=None))
    inventory = collect(simulator, tmp_path)
    for kind in SCHEDULES:
        with pytest.raises(NotCollected) as missing:
            inventory.within(kind, ArmId(PRODUCTION))
        assert missing.value.gap.reason is Reason.REJECTED


def test_what_is_eligible_above_subscriptions_counts_in_each_that_lists_it(serve, contoso, tmp_path):
    estate = contoso.copy()
    own = next(r for r in estate.resources.values() if r["type"].endswith("roleEligibilityScheduleInstances"))
    above = {
        **own,
        "id": f"{GROUP}/providers/{own['type']}/{own['name']}",
        "properties": own["properties"] | {"scope": GROUP},
    }
    estate.resources = {key: r for key, r in estate.resources.items() if r is not own} | {above["id"].lower(): above}
    inventory = collect(serve(estate), tmp_path)
    for name in ("aks-batch-spot", "aks-partner"):
        (eligible,) = inventory.grants.known_eligible(cluster_of(inventory, name))
        assert set(eligible.listed_for) == {PRODUCTION, DEVELOPMENT}


def test_an_assignment_above_subscriptions_that_was_not_understood_is_missing_in_each(serve, contoso, tmp_path):
    estate = contoso.copy()
    above = next(
        r for r in estate.resources.values() if r["type"].endswith("/roleAssignments") and r["id"].startswith(GROUP)
    )
    del above["properties"]["roleDefinitionId"]
    inventory = collect(serve(estate), tmp_path)
    for scope in (PRODUCTION, DEVELOPMENT):
        with pytest.raises(NotCollected) as missing:
            inventory.within(RoleAssignment, ArmId(scope))
        assert missing.value.gap.reason is Reason.MALFORMED


def test_of_a_subscription_only_the_sources_of_trusted_access_are_asked_for(serve, contoso, tmp_path):
    simulator = serve(contoso)
    inventory = collect(simulator, tmp_path)
    (binding,) = inventory.within(TrustedAccessRoleBinding, cluster_of(inventory, "aks-batch-spot"))
    source = binding.properties.source_resource_id
    assert inventory.find(ListedResource, source) is None
    asked = [request for request in simulator.requests if request.path.endswith("/resources")]
    assert [request.path for request in asked] == [f"{PRODUCTION}/resources"]
    assert list(inventory.known(ListedResource)) == []


def test_sources_of_one_type_in_a_subscription_are_listed_once(serve, contoso, tmp_path):
    estate = contoso.copy()
    bindings = (r for r in estate.resources.values() if r["type"].endswith("/trustedAccessRoleBindings"))
    binding = next(one for one in bindings if "/workspaces/" in one["properties"]["sourceResourceId"])
    cluster = binding["id"].rpartition("/trustedAccessRoleBindings/")[0]
    source = binding["properties"]["sourceResourceId"]
    for number in range(3):
        further = {
            **binding,
            "id": f"{cluster}/trustedAccessRoleBindings/further-{number}",
            "name": f"further-{number}",
        }
        further["properties"] = {**binding["properties"], "sourceResourceId": f"{source}-{number}"}
        estate.resources[further["id"].casefold()] = further
    there = f"{source}-1"
    estate.resources[there.casefold()] = {
        "id": there,
        "name": there.rpartition("/")[2],
        "type": "Microsoft.MachineLearningServices/workspaces",
        "location": "westeurope",
    }
    simulator = serve(estate)
    inventory = collect(simulator, tmp_path)
    found = [inventory.find(ListedResource, ArmId(f"{source}-{number}")) for number in range(3)]
    assert [one is not None for one in found] == [False, True, False]
    assert sum(request.path.endswith("/resources") for request in simulator.requests) == 1


def test_a_source_that_exists_is_known_by_nothing_but_its_name(serve, contoso, tmp_path):
    estate = contoso.copy()
    group = f"{PRODUCTION}/resourceGroups/rg-batch-prod"
    workspace = {
        "id": f"{group}/providers/Microsoft.MachineLearningServices/workspaces/MLW-quotes",
        "name": "MLW-quotes",
        "type": "Microsoft.MachineLearningServices/workspaces",
        "location": "westeurope",
        "properties": {"description": "canary-workspace"},
    }
    estate.resources[workspace["id"].lower()] = workspace
    inventory = collect(serve(estate), tmp_path)
    (found,) = inventory.known(ListedResource)
    assert (found.id, found.name) == (workspace["id"], "MLW-quotes")
