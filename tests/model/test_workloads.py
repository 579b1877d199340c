"""From pods to workloads, and what stands behind an image name."""

import msgspec
import pytest
from akscan.collect.pods import PodReducer
from akscan.model import kubernetes
from akscan.model.gaps import NotCollected
from akscan.model.kubernetes import ObjectMeta, OwnerReference
from akscan.model.needs import Need
from akscan.model.workloads import image_host, image_matches, image_repository
from akscan.testing import autoscaler, container, cron_job, inventory, named, pod, pod_spec, workload
from hypothesis import given
from hypothesis import strategies as st


def workloads(*things, **options):
    cluster = inventory(things, **options).clusters[0]
    return {(w.kind, w.name): w for w in cluster.workload_set.items}


def test_pods_belong_to_the_topmost_controller():
    found = workloads(
        workload(kubernetes.Deployment, "web", replicas=3), workload(kubernetes.StatefulSet, "db"), pod("bare")
    )
    assert set(found) == {("Deployment", "web"), ("StatefulSet", "db"), ("Pod", "bare")}
    assert len(found["Deployment", "web"].pods) == 3


def test_an_owner_of_an_unknown_kind_is_named_from_the_reference():
    rollout = OwnerReference(kind="Rollout", name="web", uid="r", controller=True, api_version="argoproj.io/v1alpha1")
    owned = kubernetes.ReplicaSet(
        metadata=ObjectMeta(name="web-1", namespace="shop", uid="rs", owner_references=(rollout,)),
    )
    found = workloads(owned, pod("web-1-a", owner=owned))
    assert set(found) == {("Rollout", "web")}
    assert len(found["Rollout", "web"].pods) == 1


OPERATED = (
    OwnerReference(kind="Prometheus", name="k8s", uid="p", controller=True, api_version="monitoring.coreos.com/v1"),
)


@pytest.mark.parametrize(
    "kind", [kubernetes.Deployment, kubernetes.StatefulSet, kubernetes.DaemonSet], ids=lambda kind: kind.__name__
)
def test_what_an_operator_made_is_judged_as_what_it_is_and_changed_at_its_owner(kind):
    found = workloads(workload(kind, "web", pods=2, owner_references=OPERATED), workload(kind, "db"))
    assert set(found) == {(kind.kind, "web"), (kind.kind, "db")}
    web, db = found[kind.kind, "web"], found[kind.kind, "db"]
    assert len(web.pods) == 2
    assert (web.background, db.background) == ({"ownerReferences": "Prometheus k8s"}, {})
    assert (web.spec_path, db.spec_path) == ("", "/spec/template/spec")
    assert [(w.placeholders()["kind"], w.placeholders()["name"]) for w in (web, db)] == [
        ("prometheus", "k8s"),
        (kind.kind.casefold(), "db"),
    ]


def test_a_cron_job_of_an_operator_is_a_cron_job():
    made, *runs = cron_job(runs=[kubernetes.JobStatus()])
    owned = msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, owner_references=OPERATED))
    found = workloads(owned, runs, pod("nightly-0-a", owner=runs[0]))
    assert set(found) == {("CronJob", "nightly")}
    assert found["CronJob", "nightly"].schedule
    assert len(found["CronJob", "nightly"].pods) == 1


def test_an_autoscaler_of_the_owner_scales_what_was_made_from_it():
    things = [workload(replicas=5, owner_references=OPERATED), autoscaler("k8s", kind="Prometheus", min_replicas=2)]
    found = workloads(things)["Deployment", "app"]
    assert (found.floor, found.replicas) == (2, 5)
    assert workloads(things[0])["Deployment", "app"].floor == 5


def test_a_mirror_pod_of_the_kubelet_is_a_workload_of_its_own():
    mirror = pod("kube-proxy-node-0", "kube-system", owner=named(kubernetes.Node, "node-0"))
    assert set(workloads(mirror)) == {("Pod", "kube-proxy-node-0")}


@pytest.mark.parametrize("need", [Need.PODS, Need.REPLICA_SETS])
def test_a_missing_list_between_hides_the_pods_of_a_deployment(need):
    found = workloads(workload(replicas=2), unreadable=[need])
    assert set(found) == {("Deployment", "app")}
    with pytest.raises(NotCollected):
        _ = found["Deployment", "app"].effective_spec


def test_a_missing_list_makes_the_set_incomplete():
    cluster = inventory(workload(), unreadable=[Need.CRON_JOBS]).clusters[0]
    with pytest.raises(NotCollected, match=r"list cronjobs\.batch"):
        cluster.workload_set.complete()


def test_the_newest_admitted_pod_decides():
    old, new = pod_spec(container("old")), pod_spec(container("new"))
    deployment, replica_set, *_ = workload(pods=0)
    pods = [
        pod("a", owner=replica_set, spec=old, creation_timestamp="2026-08-01T00:00:00Z"),
        pod("b", owner=replica_set, spec=new, creation_timestamp="2026-08-02T00:00:00Z"),
        pod(
            "c",
            owner=replica_set,
            spec=old,
            creation_timestamp="2026-08-03T00:00:00Z",
            deletion_timestamp="2026-08-04T00:00:00Z",
        ),
    ]
    assert workloads(deployment, replica_set, pods)["Deployment", "app"].effective_spec == new


@given(st.lists(st.tuples(st.sampled_from("xy"), st.integers(0, 5), st.booleans()), max_size=12))
def test_reducing_page_by_page_keeps_the_newest_spec_of_each_controller(made):
    pods = []
    for index, (owner, age, dying) in enumerate(made):
        reference = OwnerReference(kind="ReplicaSet", name=owner, uid=owner, controller=True, api_version="apps/v1")
        plain = pod(
            f"p{index:02}",
            spec=pod_spec(container(f"c{index}")),
            owner_references=(reference,),
            creation_timestamp=f"2026-08-0{age + 1}T00:00:00Z",
            deletion_timestamp="2026-09-01T00:00:00Z" if dying else None,
        )
        pods.append(
            msgspec.structs.replace(plain, spec=msgspec.structs.replace(plain.spec, node_name="node-0"), node_name="")
        )
    reducer = PodReducer()
    for single in pods:
        reducer.add([single])
    reduced = reducer.pods()
    assert [p.name for p in reduced] == [p.name for p in pods]
    assert {p.node_name for p in reduced} <= {"node-0"}
    for owner in "xy":
        living = [p for p in pods if p.metadata.controller.uid == owner and p.metadata.deletion_timestamp is None]
        kept = [p.name for p in reduced if p.metadata.controller.uid == owner and p.spec is not None]
        newest = max(living, key=lambda p: (p.metadata.creation_timestamp, p.name), default=None)
        assert kept == ([newest.name] if newest else [])


@pytest.mark.parametrize(
    ("image", "repository"),
    [
        ("nginx", "docker.io/library/nginx"),
        ("nginx:1.27", "docker.io/library/nginx"),
        ("fluent/fluent-bit:3.1", "docker.io/fluent/fluent-bit"),
        ("docker.io/fluent/fluent-bit@sha256:0", "docker.io/fluent/fluent-bit"),
        ("MCR.microsoft.com/oss/x/y:v1@sha256:0", "mcr.microsoft.com/oss/x/y"),
        ("localhost:5000/a:1", "localhost:5000/a"),
        ("registry.example:5000/team/app", "registry.example:5000/team/app"),
    ],
)
def test_image_names_in_full(image, repository):
    assert image_repository(image) == repository
    assert image_host(image) == repository.partition("/")[0]


def test_an_image_matches_by_whole_parts():
    assert image_matches("docker.io/fluent/fluent-bit:3", ["fluent/fluent-bit"])
    assert not image_matches("evil.example/notfluent/fluent-bit:3", ["fluent/fluent-bit"])
