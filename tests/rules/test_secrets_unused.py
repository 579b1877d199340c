"""Secrets that nobody seems to use."""

import json

import pytest
from akscan.model import kubernetes
from akscan.model.decode import Malformed, decode, decode_answer, encode
from akscan.model.kubernetes import CronJob, NameReference, Volume
from akscan.sdk import Need, Status
from akscan.testing import (
    case,
    csi_volume,
    evaluate,
    pod_spec,
    secret,
    service_account,
    workload,
)
from akscan_rules.secrets.unused import no_secret_lies_about_unused

OLD = secret(creation_timestamp="2026-08-24T00:00:00Z")

PULLED = NameReference(name="db")


def answered(kind, namespace="shop", **fields):
    """An object as decoded from an answer of the API server."""
    metadata = {"name": "holder", "namespace": namespace, **fields.pop("metadata", {})}
    return decode_answer(json.dumps({"metadata": metadata, **fields}).encode(), kind)


ENVIRONMENT = [{"name": "web", "envFrom": [{"secretRef": {"name": "db"}}]}]
TEMPLATE = {"template": {"spec": {"containers": ENVIRONMENT}}}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Secret used by a Deployment scaled to 0",
             [OLD, answered(kubernetes.Deployment, spec={"replicas": 0, **TEMPLATE})], Status.PASS),
        case("Secret used only by a CronJob", [OLD, answered(CronJob, spec={"jobTemplate": {"spec": TEMPLATE}})],
             Status.PASS),
        case("Secret used as Ingress TLS",
             [OLD, answered(kubernetes.Ingress, spec={"tls": [{"hosts": ["a"], "secretName": "db"}]})], Status.PASS),
        case("Secret in an annotation of an Ingress",
             [OLD, answered(kubernetes.Ingress,
                            metadata={"annotations": {"nginx.ingress.kubernetes.io/auth-secret": "shop/db"}})],
             Status.PASS),
        case("Secret in another annotation of an Ingress",
             [OLD, answered(kubernetes.Ingress, metadata={"annotations": {"note": "db"}})], Status.FAIL),
        case("Secret used to pull images", [OLD, workload(spec=pod_spec(image_pull_secrets=(PULLED,)))], Status.PASS),
        case("Secret of a service account", [OLD, service_account(pull_secrets=["db"])], Status.PASS),
        case("Secret of a service account in another namespace",
             [OLD, service_account(namespace="web", pull_secrets=["db"])], Status.FAIL),
        case("Secret with which the CSI driver signs in",
             [OLD, workload(spec=pod_spec(volumes=(csi_volume("x", secret_ref="db"),)))], Status.PASS),
        case("Secret of an Azure file share in a pod",
             [OLD, workload(spec=pod_spec(volumes=(Volume(azure_file=kubernetes.AzureFileVolume(secret_name="db")),)))],
             Status.PASS),
        case("Secret of a PersistentVolume",
             [OLD, answered(kubernetes.PersistentVolume, namespace="",
                            spec={"csi": {"nodeStageSecretRef": {"name": "db", "namespace": "shop"}}})], Status.PASS),
        case("PersistentVolume with a claim of that name",
             [OLD, answered(kubernetes.PersistentVolume, namespace="", spec={"claimRef": {"name": "db"}})],
             Status.FAIL),
        case("Secret of a StorageClass",
             [OLD, answered(kubernetes.StorageClass, namespace="",
                            parameters={"csi.storage.k8s.io/node-stage-secret-name": "db"})], Status.PASS),
        case("Secret of a Gateway",
             [OLD, answered(kubernetes.Gateway,
                            spec={"listeners": [{"tls": {"certificateRefs": [{"name": "db"}]}}]})], Status.PASS),
        case("Opaque Secret, 90 days old, no reference", [OLD, workload()], Status.FAIL),
        case("Opaque Secret, 2 days old, no reference", [secret(creation_timestamp="2026-11-20T00:00:00Z")],
             Status.PASS),
        case("Opaque Secret, 2 days old, where one day is the limit",
             [secret(creation_timestamp="2026-11-20T00:00:00Z")], Status.FAIL, parameters={"min_age_days": 1}),
        case("Helm release Secret", [secret(of_type="helm.sh/release.v1")], Status.NOT_APPLICABLE),
        case("Secret of the platform", [secret(namespace="kube-system")], Status.NOT_APPLICABLE),
        case("Secret with the label akscan/keep", [secret(labels={"akscan/keep": "yes"})], Status.NOT_APPLICABLE),
        case("Secret with the annotation of the parameter", [secret(annotation_keys=["mine"])],
             Status.NOT_APPLICABLE, parameters={"keep_markers": ("mine",)}),
        case("Secret named in a KEDA TriggerAuthentication",
             [OLD, answered(kubernetes.TriggerAuthentication,
                            spec={"secretTargetRef": [{"parameter": "p", "name": "db", "key": "k"}]})], Status.PASS),
        case("Secret named in a ClusterIssuer",
             [OLD, answered(kubernetes.ClusterIssuer, namespace="", spec={"ca": {"secretName": "db"}})], Status.PASS),
        case("Secret whose name is a value in a Kustomization",
             [OLD, answered(kubernetes.Kustomization, spec={"postBuild": {"substitute": {"VALUE": "db"}}})],
             Status.FAIL),
        case("listing ingresses forbidden", [OLD], Status.NOT_ASSESSED, unreadable=[Need.INGRESSES]),
        case("listing ingresses forbidden, used by a pod",
             [OLD, answered(kubernetes.Deployment, spec=TEMPLATE)], Status.PASS, unreadable=[Need.INGRESSES]),
        case("listing stores forbidden", [OLD], Status.NOT_ASSESSED, unreadable=[Need.SECRET_STORES]),
        case("pods unreadable", [OLD], Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case("secrets unreadable", [OLD], Status.NOT_ASSESSED, unreadable=[Need.SECRETS]),
    ],
)  # fmt: skip
def test_no_secret_lies_about_unused(world, expected):
    assert evaluate(no_secret_lies_about_unused, world).status is expected


def test_of_custom_resources_only_names_are_kept():
    held = answered(
        kubernetes.Kustomization,
        spec={
            "decryption": {"secretRef": {"name": "keys"}},
            "postBuild": {"substitute": {"TOKEN": "canary-token", "name": "Canary Value"}},
        },
    )
    assert held.secret_names == {"keys"}
    assert b"anary" not in encode(held)
    assert decode(encode(held), kubernetes.Kustomization) == held
    with pytest.raises(Malformed):
        answered(kubernetes.Kustomization, spec="canary-in-place-of-an-object")
