"""Inventories from exports and dumps."""

import json

import pytest
import yaml
from akscan.inventory_file import InventoryFile
from akscan.model.azure import ManagedCluster, VirtualNetwork
from support import akscan, pairs, report_of

CLUSTER = "/subscriptions/1/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks"
REST = {
    "id": CLUSTER,
    "name": "aks",
    "location": "westeurope",
    "identity": {"type": "SystemAssigned"},
    "properties": {"kubernetesVersion": "1.35.6", "aadProfile": {"managed": True, "enableAzureRBAC": True}},
}
CLI = {
    "id": CLUSTER,
    "name": "aks",
    "location": "westeurope",
    "identity": {"type": "SystemAssigned", "principalId": "x"},
    "kubernetesVersion": "1.35.6",
    "aadProfile": {"managed": True, "enableAzureRbac": True, "adminGroupObjectIDs": None},
    "resourceGroup": "rg",
    "type": "Microsoft.ContainerService/ManagedClusters",
}
POWERSHELL = {
    "Id": CLUSTER,
    "Name": "aks",
    "Location": "westeurope",
    "Identity": {"Type": "SystemAssigned"},
    "Properties": {"KubernetesVersion": "1.35.6", "AadProfile": {"Managed": True, "EnableAzureRBAC": True}},
}
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "shop"},
    "spec": {"containers": [{"name": "c"}]},
}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "type": "Opaque",
    "metadata": {"name": "db", "namespace": "shop", "annotations": {"a/b": "canary-1"}},
    "data": {"password": "canary-2"},
}


def run(tmp_path, *arguments):
    target = tmp_path / "x.akscan"
    outcome = akscan("collect", "-o", str(target), *arguments)
    return outcome, target


def write(tmp_path, name, document):
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "document",
    [
        REST,
        [REST],
        {"value": [REST]},
        {"count": 1, "data": [REST], "total_records": 1},
        CLI,
        [CLI],
        POWERSHELL,
        [POWERSHELL],
        {"Value": [POWERSHELL]},
    ],
)
def test_every_export_of_a_cluster_is_understood(document, tmp_path):
    outcome, target = run(tmp_path, "--arm", write(tmp_path, "c.json", document))
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        (cluster,) = file.azure().resources[ManagedCluster.arm_type]
    assert cluster.properties.kubernetes_version == "1.35.6"
    assert cluster.properties.aad_profile.enable_azure_rbac
    assert cluster.identity.type == "SystemAssigned"


def test_a_byte_order_mark_and_yaml_are_read(tmp_path):
    marked = tmp_path / "marked.json"
    marked.write_bytes(b"\xef\xbb\xbf" + json.dumps(REST).encode())
    assert run(tmp_path, "--arm", str(marked))[0].code == 0
    assert run(tmp_path, "--arm", write(tmp_path, "c.yaml", yaml.safe_dump([CLI])))[0].code == 0


def statuses(target, tmp_path):
    assert akscan("scan", "--inventory", str(target), "-f", "json", "-o", str(tmp_path)).code == 0
    return {
        (rule, subject.rpartition("/")[2]): status for (rule, subject), status in pairs(report_of(tmp_path)).items()
    }


@pytest.mark.parametrize(("complete", "expected"), [([], "not_assessed"), (["--complete"], "fail")])
def test_what_the_files_do_not_hold_is_a_gap_unless_they_are_complete(complete, expected, tmp_path):
    arguments = ["--arm", write(tmp_path, "c.json", CLI), "--kubernetes", f"aks={write(tmp_path, 'd.json', POD)}"]
    outcome, target = run(tmp_path, *arguments, *complete)
    assert outcome.code == 0, outcome.err
    found = statuses(target, tmp_path)
    assert found["OBS-008", "aks"] == expected
    assert found["ACC-001", "aks"] == "pass"
    assert found["OBS-001", "aks"] == expected
    # pods were dumped, so workloads are judged
    assert found["WKL-002", "p"] == "pass"


@pytest.mark.parametrize(
    "dump",
    [
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [POD, SECRET]}),
        yaml.safe_dump_all([POD, SECRET]),
        yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [POD, SECRET]}),
    ],
)
def test_dumps_of_every_form_and_no_value_of_a_secret(dump, tmp_path):
    outcome, target = run(tmp_path, "--kubernetes", f"aks={write(tmp_path, 'd', dump)}")
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        (only,) = file.members
        lists = file.cluster(only)
    assert [pod.name for pod in lists.pods.items] == ["p"]
    (secret,) = lists.secrets.items
    assert (secret.name, secret.type, secret.annotation_keys) == ("db", "Opaque", ("a/b",))
    assert lists.nodes.gap is not None
    assert b"canary" not in target.read_bytes()


def test_a_dumped_token_keeps_the_name_of_its_account(tmp_path):
    annotations = {"kubernetes.io/service-account.name": "builder", "a/b": "canary-3"}
    token = {
        **SECRET,
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "t", "namespace": "ci", "annotations": annotations},
    }
    outcome, target = run(tmp_path, "--kubernetes", f"aks={write(tmp_path, 'd', token)}")
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        (only,) = file.members
        (secret,) = file.cluster(only).secrets.items
    assert secret.service_account == "builder"
    assert b"canary" not in target.read_bytes()


def test_a_list_of_one_kind_names_the_kind_once(tmp_path):
    item = {"metadata": {"name": "p", "namespace": "shop", "creationTimestamp": "2026-08-01T00:00:00Z"}}
    dump = yaml.safe_dump({"apiVersion": "v1", "kind": "PodList", "items": [item]})
    outcome, target = run(tmp_path, "--kubernetes", f"aks={write(tmp_path, 'd', dump)}")
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        (only,) = file.members
        assert file.cluster(only).pods.items[0].metadata.creation_timestamp == "2026-08-01T00:00:00Z"


def test_a_dump_joins_its_cluster_by_name_or_id(tmp_path):
    for name in ("AKS", CLUSTER.upper()):
        arguments = [
            "--arm",
            write(tmp_path, "c.json", CLI),
            "--kubernetes",
            f"{name}={write(tmp_path, 'd.json', POD)}",
        ]
        _, target = run(tmp_path, *arguments)
        with InventoryFile(target) as file:
            assert [str(key) for key in file.members] == [CLUSTER]


def bare(document):
    """The same without a uid anywhere, as manifests come out of version control."""
    if isinstance(document, dict):
        return {key: bare(value) for key, value in document.items() if key != "uid"}
    return [bare(item) for item in document] if isinstance(document, list) else document


def test_manifests_without_uids_are_told_apart(contoso, tmp_path):
    kinds = ("pods", "replicasets.apps", "deployments.apps", "daemonsets.apps", "statefulsets.apps")
    versions = {"pods": ("v1", "Pod"), "replicasets.apps": ("apps/v1", "ReplicaSet")}
    versions |= {"deployments.apps": ("apps/v1", "Deployment"), "daemonsets.apps": ("apps/v1", "DaemonSet")}
    versions |= {"statefulsets.apps": ("apps/v1", "StatefulSet")}
    items = [
        {**item, "apiVersion": versions[kind][0], "kind": versions[kind][1]}
        for kind in kinds
        for item in contoso.kubernetes["aks-payments-prod"][kind]
    ]
    found = []
    for name, dump in (("with", items), ("without", bare(items))):
        path = write(tmp_path, f"{name}.json", {"kind": "List", "items": dump})
        outcome, target = run(tmp_path, "--kubernetes", f"aks={path}", "--complete")
        assert outcome.code == 0, outcome.err
        assert akscan("scan", "--inventory", str(target), "-f", "json", "-o", str(tmp_path)).code == 0
        found.append(pairs(report_of(tmp_path)))
    assert found[0] == found[1]
    assert sum(rule == "WKL-002" for rule, _ in found[0]) > 10


def test_an_empty_list_of_one_kind_says_that_there_are_none(tmp_path):
    dump = json.dumps({"apiVersion": "v1", "kind": "ServiceList", "items": []})
    _, target = run(tmp_path, "--kubernetes", f"aks={write(tmp_path, 'd', dump)}")
    with InventoryFile(target) as file:
        (only,) = file.members
        assert file.cluster(only).services.gap is None
        assert file.cluster(only).pods.gap is not None


def test_dumps_of_one_cluster_under_two_names_are_an_error(tmp_path):
    dump = write(tmp_path, "d.json", POD)
    arguments = ["--arm", write(tmp_path, "c.json", CLI), "--kubernetes", f"aks={dump}", "--kubernetes", f"AKS={dump}"]
    outcome, _ = run(tmp_path, *arguments)
    assert outcome.code == 2
    assert "aks and AKS are the same cluster" in outcome.err


def test_a_cluster_of_the_wrong_shape_stays_in_the_report(tmp_path):
    broken = {**CLI, "disableLocalAccounts": "no"}
    _, target = run(tmp_path, "--arm", write(tmp_path, "c.json", broken), "--complete")
    found = statuses(target, tmp_path)
    assert found["ACC-004", "aks"] == "not_assessed"


def test_a_wrong_type_is_a_gap_with_its_path(tmp_path):
    outcome, target = run(
        tmp_path,
        "--arm",
        write(tmp_path, "c.json", [{**CLI, "disableLocalAccounts": "no"}, REST | {"id": CLUSTER + "2"}]),
    )
    assert outcome.code == 0
    assert "$.properties.disableLocalAccounts" in outcome.err
    with InventoryFile(target) as file:
        assert [str(c.id) for c in file.azure().resources[ManagedCluster.arm_type]] == [CLUSTER + "2"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"value": [', "truncated"),
        ('{"a": 1}', "expected an Azure resource"),
        ("[7]", "expected objects"),
        ('[{"name": "x"}]', "item 0"),
        ("a: [", "neither JSON nor YAML"),
    ],
)
def test_bad_input_is_a_clear_error(content, message, tmp_path):
    path = write(tmp_path, "bad", content)
    outcome, target = run(tmp_path, "--arm", path)
    assert outcome.code == 2
    assert message in outcome.err
    assert path in outcome.err
    assert "Traceback" not in outcome.err
    assert not target.exists()


def test_one_page_of_more_is_not_complete(tmp_path):
    path = write(tmp_path, "page.json", {"value": [REST], "nextLink": "https://..."})
    assert run(tmp_path, "--arm", path)[0].code == 0
    outcome, _ = run(tmp_path, "--arm", path, "--complete")
    assert outcome.code == 2
    assert "one page of more" in outcome.err


@pytest.mark.parametrize(
    "arguments", [("--kubernetes", "aks"), ("--kubernetes", "=x"), ("--complete",), ("--arm", "/no/such/file")]
)
def test_wrong_calls(arguments, tmp_path):
    outcome, _ = run(tmp_path, *arguments)
    assert outcome.code == 2
    assert arguments[-1] in outcome.err or "--complete" in outcome.err


def test_the_whole_of_contoso_round_trips_through_exports(saved, contoso, tmp_path):
    """REST exports of everything, with --complete, find what the live scan found of Azure."""
    resources = [r for r in contoso.resources.values() if "/upgradeprofiles/" not in r["id"].casefold()]
    target = tmp_path / "x.akscan"
    outcome = akscan(
        "collect", "-o", str(target), "--arm", write(tmp_path, "all.json", {"value": resources}), "--complete"
    )
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as imported, InventoryFile(saved) as live:
        for kind in (ManagedCluster, VirtualNetwork):
            assert imported.azure().resources[kind.arm_type] == live.azure().resources[kind.arm_type]
