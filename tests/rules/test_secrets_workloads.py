"""How workloads take their secrets: whether those that are rotated reach them."""

import pytest
from akscan.model.azure import AddonConfig, AddonProfile
from akscan.model.kubernetes import EnvFromSource, EnvVar, EnvVarSource, KeyReference, Volume, VolumeMount
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    case,
    cluster,
    container,
    csi_volume,
    evaluate,
    inventory,
    pod_spec,
    secret_provider_class,
    workload,
)
from akscan_rules.secrets.workloads import rotated_secrets_reach_containers

PINNED = "array:\n  - |\n    objectName: db\n    objectType: secret\n    objectVersion: {}\n"
CLASS = secret_provider_class("kv-test", synced=["db"])
STORE = csi_volume("spc-kv-test")
FROM_SYNCED = EnvVar(name="PASSWORD", value_from=EnvVarSource(secret_key_ref=KeyReference(name="db", key="p")))


def with_addon(**config):
    profile = AddonProfile(enabled=True, config=AddonConfig(**config))
    return cluster(addon_profiles={Token("azureKeyvaultSecretsProvider"): profile})


def using(*, env=(), env_from=(), volumes=(STORE,), init=False, mount=None, **fields):
    """A workload that mounts the class, and whose container does more with it."""
    mounts = (mount or VolumeMount(name="store", mount_path="/mnt/secrets"),)
    own = container(env=env, env_from=env_from, volume_mounts=mounts)
    spec = pod_spec(container("web"), init_containers=(own,), volumes=volumes) if init else pod_spec(
        own, volumes=volumes
    )  # fmt: skip
    return [CLASS, workload(spec=spec, **fields)]


COPY = VolumeMount(name="store", mount_path="/etc/db", sub_path="db")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("directory mount, file read", using(), Status.PASS),
        case("subPath on the csi volume", using(mount=COPY), Status.FAIL),
        case("subPathExpr on the csi volume",
             using(mount=VolumeMount(name="store", mount_path="/etc/db", sub_path_expr="$(NAME)")), Status.FAIL),
        case("subPath in an init container", using(mount=COPY, init=True), Status.FAIL),
        case("env from the synced Secret without reload annotation", using(env=(FROM_SYNCED,)), Status.FAIL),
        case("envFrom the synced Secret", using(env_from=(EnvFromSource(secret_ref=KeyReference(name="db")),)),
             Status.FAIL),
        case("env from the synced Secret with reloader annotation",
             using(env=(FROM_SYNCED,), annotation_keys=["reloader.stakater.com/auto"]), Status.PASS),
        case("env from the synced Secret with reloader annotation in the template",
             using(env=(FROM_SYNCED,), template_annotation_keys=["secret.reloader.stakater.com/reload"]), Status.PASS),
        case("env from the synced Secret with another annotation",
             using(env=(FROM_SYNCED,), annotation_keys=["checksum/config"]), Status.FAIL),
        case("annotation that only the parameter tells",
             using(env=(FROM_SYNCED,), annotation_keys=["wave.pusher.com/update"]), Status.PASS,
             parameters={"reload_annotation_prefixes": ("wave.pusher.com/",)}),
        case("subPath with reloader annotation", using(mount=COPY, annotation_keys=["reloader.stakater.com/auto"]),
             Status.FAIL),
        case("env from another Secret",
             using(env=(EnvVar(name="A", value_from=EnvVarSource(secret_key_ref=KeyReference(name="x", key="p"))),)),
             Status.PASS),
        case('objectVersion ""', [secret_provider_class("kv-test", objects=PINNED.format('""')), *using()[1:]],
             Status.PASS),
        case('objectVersion "latest"',
             [secret_provider_class("kv-test", objects=PINNED.format("latest")), *using()[1:]], Status.PASS),
        case("objectVersion pinned", [secret_provider_class("kv-test", objects=PINNED.format("ab12")), *using()[1:]],
             Status.FAIL),
        case("objects that are not what the provider documents",
             [secret_provider_class("kv-test", objects="array: ["), *using()[1:]], Status.NOT_ASSESSED),
        case("objects that are not what the provider documents, subPath",
             [secret_provider_class("kv-test", objects="array: ["), *using(mount=COPY)[1:]], Status.FAIL),
        case("class of another provider", [secret_provider_class("kv-test", provider="gcp", synced=["db"]),
             *using(mount=COPY)[1:]], Status.PASS),
        case("class that does not exist", using(mount=COPY)[1:], Status.PASS),
        case("subPath on a ConfigMap volume",
             using(volumes=(STORE, Volume(name="settings")),
                   mount=VolumeMount(name="settings", mount_path="/etc/app.conf", sub_path="app.conf")),
             Status.PASS),
        case("rotation off", [with_addon(), *using(mount=COPY)], Status.NOT_APPLICABLE),
        case("add-on off", [cluster(addon_profiles={}), *using(mount=COPY)], Status.NOT_APPLICABLE),
        case("nothing mounted", [CLASS, workload()], Status.NOT_APPLICABLE),
        case("workload of the platform", using(mount=COPY, namespace="kube-system"), Status.NOT_APPLICABLE),
        case("classes unreadable", using(mount=COPY), Status.NOT_ASSESSED,
             unreadable=[Need.SECRET_PROVIDER_CLASSES]),
        case("pods unreadable", using(), Status.NOT_ASSESSED, subject="app", unreadable=[Need.PODS]),
        case("pods unreadable, subPath in the template", using(mount=COPY), Status.FAIL, subject="app",
             unreadable=[Need.PODS]),
        case("pods unreadable, nothing mounted by the template", [CLASS, workload()], Status.NOT_ASSESSED,
             subject="app", unreadable=[Need.PODS]),
        case("cluster unreadable", using(mount=COPY), Status.NOT_ASSESSED, subject="app",
             unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)  # fmt: skip
def test_rotated_secrets_reach_containers(world, expected):
    assert evaluate(rotated_secrets_reach_containers, world).status is expected


def test_the_evidence_names_what_keeps_the_old_value():
    pinned = secret_provider_class("kv-test", synced=["db"], objects=PINNED.format("ab12"))
    (finding,) = evaluate(
        rotated_secrets_reach_containers, inventory(pinned, *using(mount=COPY, env=(FROM_SYNCED,))[1:])
    ).findings
    assert finding.evidence == {
        "subPath": ["app: /etc/db of spc-kv-test"],
        "environment": ["db (env[].valueFrom.secretKeyRef of app PASSWORD)"],
        "objectVersion": ["secret db version ab12 in spc-kv-test"],
    }
    assert finding.fill == {"secret_provider_class": "spc-kv-test"}


@pytest.mark.parametrize(
    ("things", "containers"),
    [
        ([CLASS, *using(mount=COPY, init=True)[1:]], ("app",)),
        ([CLASS, *using(env=(FROM_SYNCED,))[1:]], ("app",)),
        ([secret_provider_class("kv-test", objects=PINNED.format("ab12")), *using(init=True)[1:]], ("app",)),
        (
            [
                secret_provider_class("kv-test", synced=["db"], objects=PINNED.format("ab12")),
                workload(spec=pod_spec(container(env=(FROM_SYNCED,)), volumes=(STORE,))),
            ],
            (),
        ),
    ],
    ids=["copy in an init container", "environment", "pinned, in an init container", "pinned, mounted by no container"],
)
def test_findings_name_the_containers_that_they_are_about(things, containers):
    (finding,) = evaluate(rotated_secrets_reach_containers, inventory(*things)).findings
    assert finding.containers == containers
