"""What is common to all kinds of subjects."""

import inspect

import pytest
from akscan import sdk
from akscan.model.kubernetes import (
    ConfigMap,
    CronJob,
    DaemonSet,
    Job,
    MutatingWebhookConfiguration,
    Namespace,
    OwnerReference,
    ReplicaSet,
    StatefulSet,
    ValidatingWebhookConfiguration,
)
from akscan.model.subject import Subject
from akscan.sdk import Need
from akscan.testing import (
    cluster_role,
    cluster_role_binding,
    disruption_budget,
    inventory,
    karpenter_node_pool,
    named,
    pod,
    role,
    role_binding,
    secret,
    secret_provider_class,
    service,
    webhook_configuration,
    workload,
)
from msgspec.structs import replace

LABELS = {"team": "shop"}


def labelled(thing):
    return replace(thing, metadata=replace(thing.metadata, labels=LABELS))


OF_CUSTOM_RESOURCE = (OwnerReference(kind="Cluster", name="db", uid="u", controller=True, api_version="cnpg.io/v1"),)

#: Each kind that stands for an object of Kubernetes, and worlds with one that bears the labels.
STANDS_FOR = [
    (sdk.ApplicationNamespace, [pod(), labelled(named(Namespace, "shop"))]),
    (sdk.AdmissionWebhook, [labelled(webhook_configuration(kind=MutatingWebhookConfiguration))]),
    (sdk.AdmissionWebhook, [labelled(webhook_configuration(kind=ValidatingWebhookConfiguration))]),
    (sdk.ClusterRoleBindingSubject, [labelled(cluster_role_binding("all"))]),
    (sdk.ClusterRoleSubject, [labelled(cluster_role("all"))]),
    (sdk.ConfigMapSubject, [labelled(named(ConfigMap, "web", "shop"))]),
    (sdk.DisruptionBudget, [labelled(disruption_budget())]),
    (sdk.KarpenterNodePool, [labelled(karpenter_node_pool())]),
    (sdk.LoadBalancerService, [labelled(service(type="LoadBalancer"))]),
    (sdk.RoleBindingSubject, [labelled(role_binding("all", "shop"))]),
    (sdk.RoleSubject, [labelled(role("all", "shop"))]),
    (sdk.SecretProviderClassSubject, [labelled(secret_provider_class("kv-test"))]),
    (sdk.SecretSubject, [labelled(secret())]),
    *((sdk.Workload, [labelled(named(kind, "own", "shop"))]) for kind in (ReplicaSet, StatefulSet, DaemonSet)),
    *((sdk.Workload, [labelled(named(kind, "own", "shop"))]) for kind in (Job, CronJob)),
    (sdk.Workload, workload(labels=LABELS)),
    (sdk.Workload, [labelled(pod())]),
    (sdk.Workload, [pod(owner_references=OF_CUSTOM_RESOURCE, labels=LABELS)]),
]
#: Kinds that stand for something of Azure. The labels of an agent pool are those of its nodes.
OF_AZURE = {
    *(sdk.Cluster, sdk.NodePool, sdk.Subnet, sdk.ApiServerSubnet, sdk.ClusterNatGateway, sdk.ClusterFirewall),
    *(sdk.ClusterVault, sdk.KmsVault, sdk.ClusterRegistry, sdk.VaultReader, sdk.ControlPlaneIdentity),
    *(sdk.KubeletIdentity, sdk.AddonIdentity, sdk.FederatedIdentity),
}


@pytest.mark.parametrize(("kind", "things"), STANDS_FOR)
def test_a_waiver_finds_the_labels_of_the_object(kind, things):
    world = inventory(*things)
    (found,) = (subject for subject in kind.each(world, world.clusters[0]) if isinstance(subject, kind))
    assert dict(found.labels) == LABELS


def test_every_kind_of_subject_is_one_of_these():
    def below(kind):
        yield from (kind, *(each for one in kind.__subclasses__() for each in below(one)))

    kinds = {kind for kind in below(Subject) if not inspect.isabstract(kind) and kind.__name__ in sdk.__all__}
    assert kinds == OF_AZURE | {kind for kind, _ in STANDS_FOR}


def test_own_labels_of_a_workload_stand_beside_those_of_its_pods_and_select_no_pod():
    top, *rest = workload(labels={"app": "web"})
    own = replace(top, metadata=replace(top.metadata, labels={"team": "shop", "app": "other"}))
    world = inventory(own, *rest)
    (found,) = world.clusters[0].workload_set.items
    assert (found.labels, found.pod_labels) == ({"team": "shop", "app": "web"}, {"app": "web"})


def test_where_namespaces_could_not_be_listed_no_label_selects_one():
    world = inventory(pod(), labelled(named(Namespace, "shop")), unreadable=[Need.NAMESPACES])
    (found,) = sdk.ApplicationNamespace.each(world, world.clusters[0])
    assert found.labels == {}
