"""The Istio add-on: its revisions, and the sidecars that follow them or do not."""

from datetime import timedelta

import pytest
from akscan.collect.pods import PodReducer
from akscan.model.azure import IstioServiceMesh, ServiceMeshProfile
from akscan.model.kubernetes import Deployment, MutatingWebhookConfiguration, Namespace, ObjectMeta, WebhookMeta
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import NOW, case, cluster, container, evaluate, inventory, mesh_revisions, pod, pod_spec, workload
from akscan_rules.upgrades.mesh import mesh_is_current
from msgspec.structs import replace

LTS = Token("AKSLongTermSupport")
OFFERED = mesh_revisions(
    {
        "asm-1-29": {"KubernetesOfficial": ["1.33", "1.34", "1.35"], "AKSLongTermSupport": ["1.31", "1.35"]},
        "asm-1-30": {"KubernetesOfficial": ["1.32", "1.33", "1.34", "1.35", "1.36"], "AKSLongTermSupport": ["1.31"]},
    }
)


def meshed(*revisions, mode="Istio", **fields):
    profile = ServiceMeshProfile(mode=Token(mode), istio=IstioServiceMesh(revisions=revisions))
    return cluster(service_mesh_profile=profile, **fields)


def proxy(version, **fields):
    return container("istio-proxy", image=f"mcr.microsoft.com/oss/v2/istio/proxyv2:{version}", **fields)


def sidecar(version, *, native=False, name="app", **fields):
    """A workload whose pods have a proxy."""
    if native:
        spec = pod_spec(container(), init_containers=(proxy(version, restart_policy="Always"),))
    else:
        spec = pod_spec(container(), proxy(version))
    return workload(name=name, admitted=spec, **fields)


def istiod(revision, version, *, days):
    """A control plane whose only pod is so many days old."""
    since = (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")
    spec = pod_spec(container("discovery", image=f"mcr.microsoft.com/oss/v2/istio/pilot:{version}-distroless"))
    made = workload(Deployment, f"istiod-{revision}", "aks-istio-system", spec=spec, creation_timestamp=since)
    *above, only = made
    return [*above, replace(only, metadata=replace(only.metadata, creation_timestamp=since))]


def namespace(name="shop", **labels):
    return Namespace(metadata=ObjectMeta(name=name, uid=name, labels=labels))


def labelled(value, name="shop"):
    return Namespace(metadata=ObjectMeta(name=name, uid=name, labels={"istio.io/rev": value}))


def tag(name, revision):
    labels = {"istio.io/tag": name, "istio.io/rev": revision}
    return MutatingWebhookConfiguration(metadata=WebhookMeta(name=f"istio-tag-{name}", labels=labels))


BY_DIGEST = container("istio-proxy", image="mcr.microsoft.com/oss/v2/istio/proxyv2@sha256:0123")
SKIPPED = Namespace(metadata=ObjectMeta(name="shop", uid="shop", labels={"istio-injection": "enabled"}))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "asm-1-30 on offer, compatible, all sidecars at its version",
            [
                meshed("asm-1-30"),
                OFFERED,
                labelled("asm-1-30"),
                sidecar("1.30.2"),
                istiod("asm-1-30", "1.30.2", days=90),
            ],
            Status.PASS,
        ),
        case("asm-1-27, location offers 1-29 and 1-30", [meshed("asm-1-27"), OFFERED], Status.FAIL),
        case(
            "asm-1-30 compatible with 1.32 to 1.36, cluster 1.31",
            [meshed("asm-1-30", current_kubernetes_version="1.31.9"), OFFERED],
            Status.FAIL,
        ),
        case(
            "LTS cluster, versions of AKSLongTermSupport hold its minor",
            [meshed("asm-1-30", current_kubernetes_version="1.31.9", support_plan=LTS), OFFERED],
            Status.PASS,
        ),
        case(
            "older answers name the official plan kubernetes",
            [meshed("asm-1-30"), mesh_revisions({"asm-1-30": {"kubernetes": ["1.31"]}})],
            Status.FAIL,
        ),
        case(
            "cluster 1.31, its plan in other letters",
            [
                meshed("asm-1-30", current_kubernetes_version="1.31.9", support_plan=Token("kubernetesOfficial")),
                OFFERED,
            ],
            Status.FAIL,
        ),
        case("no plan named", [meshed("asm-1-30"), mesh_revisions({"asm-1-30": {}})], Status.PASS),
        case("namespace with istio-injection=enabled only", [meshed("asm-1-30"), OFFERED, SKIPPED], Status.FAIL),
        case(
            "namespace with both labels",
            [meshed("asm-1-30"), OFFERED, namespace(**{"istio-injection": "enabled", "istio.io/rev": "asm-1-30"})],
            Status.PASS,
        ),
        case(
            "namespace with istio.io/rev=asm-1-28, R is [asm-1-30]",
            [meshed("asm-1-30"), OFFERED, labelled("asm-1-28")],
            Status.FAIL,
        ),
        case(
            "system namespace with istio-injection=enabled",
            [meshed("asm-1-30"), OFFERED, namespace("dapr-system", **{"istio-injection": "enabled"})],
            Status.PASS,
        ),
        case(
            "pod with istio.io/rev=asm-1-28",
            [meshed("asm-1-30"), OFFERED, workload(labels={"app": "app", "istio.io/rev": "asm-1-28"})],
            Status.FAIL,
        ),
        case(
            "finished pod with istio.io/rev=asm-1-28",
            [meshed("asm-1-30"), OFFERED, pod(phase="Succeeded", labels={"istio.io/rev": "asm-1-28"})],
            Status.PASS,
        ),
        case(
            "namespace with istio.io/rev=prod, revision tag prod points to asm-1-30",
            [meshed("asm-1-30"), OFFERED, labelled("prod"), tag("prod", "asm-1-30")],
            Status.PASS,
        ),
        case(
            "the tag points to a revision that is gone",
            [meshed("asm-1-30"), OFFERED, labelled("prod"), tag("prod", "asm-1-28")],
            Status.FAIL,
        ),
        case("sidecar 1.28.1, R is [asm-1-30]", [meshed("asm-1-30"), OFFERED, sidecar("1.28.1")], Status.FAIL),
        case(
            "sidecar whose image is named by its digest",
            [meshed("asm-1-30"), OFFERED, workload(admitted=pod_spec(container(), BY_DIGEST))],
            Status.NOT_ASSESSED,
        ),
        case(
            "the same beside a sidecar 1.28.1",
            [
                meshed("asm-1-30"),
                OFFERED,
                workload(admitted=pod_spec(container(), BY_DIGEST)),
                sidecar("1.28.1", name="b"),
            ],
            Status.FAIL,
        ),
        case(
            "sidecar 1.30.0, istiod 1.30.2 for 20 days",
            [meshed("asm-1-30"), OFFERED, sidecar("1.30.0"), istiod("asm-1-30", "1.30.2", days=20)],
            Status.FAIL,
        ),
        case(
            "sidecar 1.30.0, istiod without a version",
            [meshed("asm-1-30"), OFFERED, sidecar("1.30.0"), istiod("asm-1-30", "latest", days=20)],
            Status.NOT_ASSESSED,
        ),
        case(
            "sidecar 1.30.0, istiod 1.30.2 for 3 days",
            [meshed("asm-1-30"), OFFERED, sidecar("1.30.0"), istiod("asm-1-30", "1.30.2", days=3)],
            Status.PASS,
        ),
        case(
            "sidecar 1.30.10, istiod 1.30.2",
            [meshed("asm-1-30"), OFFERED, sidecar("1.30.10"), istiod("asm-1-30", "1.30.2", days=20)],
            Status.PASS,
        ),
        case(
            "native sidecar (initContainer istio-proxy) counts the same",
            [meshed("asm-1-30"), OFFERED, sidecar("1.28.1", native=True)],
            Status.FAIL,
        ),
        case(
            "a proxy of another make",
            [meshed("asm-1-30"), OFFERED, workload(spec=pod_spec(container("istio-proxy", image="x/proxy:1.2")))],
            Status.PASS,
        ),
        case(
            "R has two entries, second istiod 5 days old",
            [meshed("asm-1-29", "asm-1-30"), OFFERED, istiod("asm-1-30", "1.30.2", days=5)],
            Status.PASS,
        ),
        case(
            "R has two entries, second istiod 90 days old",
            [meshed("asm-1-29", "asm-1-30"), OFFERED, istiod("asm-1-30", "1.30.2", days=90)],
            Status.FAIL,
        ),
        case("mode Disabled", [meshed(mode="Disabled")], Status.NOT_APPLICABLE),
        case("serviceMeshProfile absent", [cluster()], Status.NOT_APPLICABLE),
        case(
            "meshRevisionProfiles refused, labels and sidecars right",
            [meshed("asm-1-30"), labelled("asm-1-30"), sidecar("1.30.2"), istiod("asm-1-30", "1.30.2", days=90)],
            Status.NOT_ASSESSED,
            unreadable=[Need.MESH_REVISION_PROFILES],
        ),
        *(
            case(
                f"{need} refused",
                [meshed("asm-1-29", "asm-1-30"), OFFERED, labelled("prod"), tag("prod", "asm-1-30")],
                Status.NOT_ASSESSED,
                unreadable=[need],
            )
            for need in (Need.PODS, Need.NAMESPACES, Need.DEPLOYMENTS, Need.MUTATING_WEBHOOKS)
            if need is not Need.NAMESPACES
        ),
        case("namespaces refused", [meshed("asm-1-30"), OFFERED], Status.NOT_ASSESSED, unreadable=[Need.NAMESPACES]),
    ],
)
def test_mesh_is_current(world, expected):
    assert evaluate(mesh_is_current, world).status is expected


def test_all_that_is_wrong_with_a_mesh_is_said():
    world = inventory(
        meshed("asm-1-27", "asm-1-30"),
        OFFERED,
        SKIPPED,
        labelled("canary", "web"),
        labelled("canary", "api"),
        sidecar("1.28.1", name="old"),
        sidecar("1.30.1", name="lame"),
        sidecar("1.30.0", name="slow"),
        istiod("asm-1-30", "1.30.2", days=90),
    )
    (finding,) = evaluate(mesh_is_current, world).findings
    assert finding.message.split("; ") == [
        "(a) westeurope offers asm-1-29, asm-1-30, not asm-1-27",
        "(c) the add-on skips namespaces with istio-injection alone: shop",
        "(c) web, api ask for revision canary, which does not run",
        "(d) the control plane of shop/old is gone",
        "(e) shop/lame, shop/slow wait for a restart, istiod has been 1.30.2 since 2026-08-24",
        "(f) the upgrade to asm-1-30 began 90 days ago and was never completed",
    ]
    assert finding.fill == {"revision": "asm-1-30"}
    assert finding.evidence["orphans"] == ["shop/old: 1.28.1"]


def test_every_pod_keeps_the_image_of_its_sidecar():
    old, new = sidecar("1.28.1", replicas=2)[-2:]
    reducer = PodReducer()
    reducer.add([replace(old, spec=pod_spec(proxy("1.28.1"))), replace(new, spec=pod_spec(proxy("1.30.2")))])
    kept = reducer.pods()
    assert sorted(pod.mesh_proxy_image.rpartition(":")[2] for pod in kept) == ["1.28.1", "1.30.2"]
    assert [pod.spec is None for pod in kept].count(True) == 1
