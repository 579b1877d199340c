from akscan.model.needs import Need
from akscan.model.permissions import asked, azure_role, cluster_role, cluster_role_binding
from akscan.model.reads import ARM_READS, IMPLIED_NEEDS, KUBERNETES_READS


def test_an_azure_role_names_actions_once_and_what_opens_the_way():
    role = azure_role([Need.SUBNETS, Need.VIRTUAL_NETWORKS, Need.PODS], name="reader", scopes=["/subscriptions/s"])
    assert role["Actions"] == sorted(
        [
            Need.MANAGED_CLUSTERS,
            Need.CLUSTER_USER_CREDENTIAL,
            Need.VIRTUAL_NETWORKS,
            Need.SUBSCRIPTIONS,
            Need.PERMISSIONS,
        ]
    )
    assert role["AssignableScopes"] == ["/subscriptions/s"]
    assert role["DataActions"] == []


def test_without_the_kubernetes_api_nothing_opens_the_way_to_it():
    assert Need.CLUSTER_USER_CREDENTIAL not in asked([Need.VAULTS])


def test_a_cluster_role_lists_by_group_and_does_nothing_else():
    role = cluster_role([Need.DEPLOYMENTS, Need.PODS, Need.DAEMON_SETS, Need.CUSTOM_RESOURCE_DEFINITIONS], name="r")
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
        {"apiGroups": ["apiextensions.k8s.io"], "resources": ["customresourcedefinitions"], "verbs": ["list"]},
        {"apiGroups": ["apps"], "resources": ["daemonsets", "deployments"], "verbs": ["list"]},
    ]


def test_a_binding_names_the_role():
    binding = cluster_role_binding({"kind": "Group", "name": "auditors"}, name="r")
    assert binding["roleRef"]["name"] == "r"
    assert binding["subjects"] == [{"kind": "Group", "name": "auditors"}]


def test_every_read_can_be_granted():
    everything = asked([*Need])
    assert {read.need for read in (*ARM_READS, *KUBERNETES_READS)} <= set(everything)
    assert not set(everything) & set(IMPLIED_NEEDS)
