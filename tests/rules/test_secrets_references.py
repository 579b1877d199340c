"""Secrets that workloads name: whether they exist, and whether they are needed."""

import json

import pytest
from akscan.engine import remediation
from akscan.model.decode import decode_answer
from akscan.model.kubernetes import (
    Condition,
    CronJob,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    Job,
    JobStatus,
    KeyReference,
    NameReference,
    ProjectedVolume,
    SecretProjection,
    SecretVolume,
    Volume,
    VolumeProjection,
)
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    ACR_PULL,
    KUBELET_OBJECT_ID,
    case,
    container,
    csi_volume,
    evaluate,
    inventory,
    pod,
    pod_spec,
    registry,
    role_assignment,
    secret,
    secret_provider_class,
    service_account,
    workload,
)
from akscan_rules.secrets.references import images_are_pulled_as_the_kubelet, named_secrets_exist


def volume(name="db", *, optional=None):
    return Volume(name="v", secret=SecretVolume(secret_name=name, optional=optional))


def projected(name="db"):
    source = VolumeProjection(secret=SecretProjection(name=name))
    return Volume(name="v", projected=ProjectedVolume(sources=(source, VolumeProjection())))


def variable(name="db", *, optional=None):
    reference = KeyReference(name=name, key="p", optional=optional)
    return EnvVar(name="PASSWORD", value_from=EnvVarSource(secret_key_ref=reference))


def whole(name="db", *, optional=None):
    return EnvFromSource(secret_ref=KeyReference(name=name, optional=optional))


def pulling(*names, **fields):
    references = tuple(NameReference(name=name) for name in names)
    return pod_spec(**{"image_pull_secrets": references, **fields})


def naming(*volumes, env=(), env_from=(), **fields):
    own = container(env=env, env_from=env_from)
    return [service_account(), workload(spec=pod_spec(own, volumes=volumes), **fields)]


def job(*, finished=False, suspend=False):
    answer = {
        "metadata": {"name": "app", "namespace": "shop", "uid": "u"},
        "spec": {
            "suspend": suspend,
            "template": {"spec": {"volumes": [{"name": "v", "secret": {"secretName": "db"}}]}},
        },
        "status": {"conditions": [{"type": "Complete", "status": "True"}] if finished else []},
    }
    return [service_account(), decode_answer(json.dumps(answer).encode(), Job)]


def cron_job(*, suspend):
    template = {"spec": {"template": {"spec": {"volumes": [{"name": "v", "secret": {"secretName": "db"}}]}}}}
    answer = {"metadata": {"name": "app", "namespace": "shop"}, "spec": {"suspend": suspend, "jobTemplate": template}}
    return [service_account(), decode_answer(json.dumps(answer).encode(), CronJob)]


STORE = csi_volume("spc-kv-test")
CLASS = secret_provider_class("kv-test", synced=["db"])


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("all names exist",
             [*naming(volume(), projected(), env=(variable(),), env_from=(whole(),)), secret()], Status.PASS),
        case("nothing named", naming(), Status.PASS),
        case("volume Secret missing", naming(volume()), Status.FAIL),
        case("volume Secret in another namespace", [*naming(volume()), secret(namespace="web")], Status.FAIL),
        case("volume Secret missing with optional true", naming(volume(optional=True)), Status.PASS),
        case("volume Secret missing with optional false", naming(volume(optional=False)), Status.FAIL),
        case("projected Secret missing", naming(projected()), Status.FAIL),
        case("secretKeyRef missing", naming(env=(variable(),)), Status.FAIL),
        case("secretKeyRef missing with optional true", naming(env=(variable(optional=True),)), Status.PASS),
        case("secretRef missing", naming(env_from=(whole(),)), Status.FAIL),
        case("secretRef missing with optional true", naming(env_from=(whole(optional=True),)), Status.PASS),
        case("pull Secret missing", [workload(spec=pulling("regcred"))], Status.FAIL),
        case("two pull Secrets named, one exists", [workload(spec=pulling("gone", "db")), secret()], Status.PASS),
        case("two pull Secrets missing", [workload(spec=pulling("gone", "lost")), secret()], Status.FAIL),
        case("pull Secret of the service account missing",
             [service_account(pull_secrets=["regcred"]), workload()], Status.FAIL),
        case("pull Secret of the service account missing, its own exists",
             [service_account(pull_secrets=["regcred"]), workload(spec=pulling("db")), secret()], Status.PASS),
        case("SecretProviderClass missing", naming(STORE), Status.FAIL),
        case("SecretProviderClass in another namespace",
             [*naming(STORE), secret_provider_class("kv-test", namespace="web")], Status.FAIL),
        case("Secret missing but made by a mounted SecretProviderClass",
             [*naming(STORE, env=(variable(),)), CLASS], Status.PASS),
        case("Secret missing, made by a class that is not mounted", [*naming(env=(variable(),)), CLASS], Status.FAIL),
        case("Deployment scaled to 0", naming(volume(), replicas=0), Status.NOT_APPLICABLE),
        case("CronJob", cron_job(suspend=False), Status.FAIL),
        case("suspended CronJob", cron_job(suspend=True), Status.NOT_APPLICABLE),
        case("Job", job(), Status.FAIL),
        case("suspended Job", job(suspend=True), Status.NOT_APPLICABLE),
        case("finished Job", job(finished=True), Status.NOT_APPLICABLE),
        case("finished pod", [service_account(), pod(spec=pod_spec(volumes=(volume(),)), phase="Succeeded")],
             Status.NOT_APPLICABLE),
        case("pod", [service_account(), pod(spec=pod_spec(volumes=(volume(),)))], Status.FAIL),
        case("workload of the platform", naming(volume(), namespace="kube-system"), Status.NOT_APPLICABLE),
        case("secrets unreadable", [*naming(volume()), secret()], Status.NOT_ASSESSED, unreadable=[Need.SECRETS]),
        case("secrets unreadable, nothing named", naming(), Status.PASS, unreadable=[Need.SECRETS]),
        case("secrets unreadable, SecretProviderClass missing", naming(volume(), STORE), Status.FAIL,
             unreadable=[Need.SECRETS]),
        case("classes unreadable", naming(STORE), Status.NOT_ASSESSED, unreadable=[Need.SECRET_PROVIDER_CLASSES]),
        case("service accounts unreadable", naming(), Status.NOT_ASSESSED, unreadable=[Need.SERVICE_ACCOUNTS]),
        case("service accounts unreadable, pull Secret of its own", [workload(spec=pulling("db")), secret()],
             Status.PASS, unreadable=[Need.SERVICE_ACCOUNTS]),
        case("pods unreadable", naming(), Status.NOT_ASSESSED, subject="app", unreadable=[Need.PODS]),
    ],
)  # fmt: skip
def test_named_secrets_exist(world, expected):
    assert evaluate(named_secrets_exist, world).status is expected


def test_the_evidence_says_who_will_fail_at_the_next_start():
    (finding,) = evaluate(named_secrets_exist, inventory(naming(volume(), env=(variable("api"),), replicas=3))).findings
    assert finding.evidence == {
        "missingSecrets": ["db (volumes[].secret of v)", "api (env[].valueFrom.secretKeyRef of app PASSWORD)"],
        "runningPods": 3,
    }
    assert finding.fill == {"secret_name": "db"}


def test_what_template_and_pods_lack_is_told_of_both():
    template, admitted = pod_spec(volumes=(volume("new"),)), pod_spec(volumes=(volume("old"),))
    world = inventory(service_account(), workload(spec=template, admitted=admitted))
    (finding,) = evaluate(named_secrets_exist, world).findings
    assert finding.evidence["missingSecrets"] == ["new (volumes[].secret of v)", "old (volumes[].secret of v)"]


@pytest.mark.parametrize(
    ("spec", "containers"),
    [
        (pod_spec(container("web"), init_containers=(container("setup", env_from=(whole(),)),)), ("setup",)),
        (pod_spec(container(env=(variable(),)), volumes=(volume(),)), ()),
        (pod_spec(container(env=(variable(),)), image_pull_secrets=(NameReference(name="regcred"),)), ()),
    ],
    ids=["environment", "and a volume, without which none starts", "and a pull Secret"],
)
def test_the_containers_are_named_that_lack_a_secret(spec, containers):
    (finding,) = evaluate(named_secrets_exist, inventory(service_account(), workload(spec=spec))).findings
    assert finding.containers == containers


def test_a_job_that_failed_has_come_to_its_end():
    assert Job(status=JobStatus(conditions=(Condition(type="Failed", status="True"),))).is_finished


ACR = registry("acrshop")
OWN = container(image="ACRshop.azurecr.io/shop/web:1")
HUB = container("hub", image="nginx:1")
MESH = container("mesh", image="mcr.microsoft.com/oss/v2/proxy:1")
FOREIGN = container(image="acrother.azurecr.io/shop/web:1")


def pulled(*containers, names=("regcred",), accounts=()):
    references = tuple(NameReference(name=name) for name in names) or None
    return [ACR, *accounts, workload(spec=pod_spec(*containers, image_pull_secrets=references))]


PLAIN = [service_account()]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("registry of the inventory, no pull secret", pulled(OWN, names=(), accounts=PLAIN), Status.PASS),
        case("registry of the inventory, pull secret in the template", pulled(OWN), Status.FAIL),
        case("registry of the inventory, pull secret on the service account",
             pulled(OWN, names=(), accounts=[service_account(pull_secrets=["regcred"])]), Status.FAIL),
        case("pull secret on another service account",
             pulled(OWN, names=(), accounts=[*PLAIN, service_account("web", pull_secrets=["regcred"])]), Status.PASS),
        case("images from docker.io with pull secret", pulled(HUB), Status.NOT_APPLICABLE),
        case("one image from the registry, one from docker.io, pull secret", pulled(OWN, HUB), Status.NOT_APPLICABLE),
        case("one image from the registry, a sidecar from mcr.microsoft.com, pull secret", pulled(OWN, MESH),
             Status.FAIL),
        case("images from mcr.microsoft.com only, pull secret", pulled(MESH), Status.PASS),
        case("azurecr.io host not in the inventory", pulled(FOREIGN), Status.NOT_ASSESSED),
        case("azurecr.io host not in the inventory, no pull secret",
             pulled(FOREIGN, names=(), accounts=PLAIN), Status.PASS),
        case("service accounts unreadable, template without pull secret", pulled(OWN, names=(), accounts=PLAIN),
             Status.NOT_ASSESSED, unreadable=[Need.SERVICE_ACCOUNTS]),
        case("service accounts unreadable, template with pull secret", pulled(OWN), Status.FAIL,
             unreadable=[Need.SERVICE_ACCOUNTS]),
        case("registries unreadable", pulled(OWN), Status.NOT_ASSESSED, unreadable=[Need.REGISTRIES]),
        case("cluster unreadable", pulled(OWN), Status.FAIL, subject="app", unreadable=[Need.MANAGED_CLUSTERS]),
        case("pods unreadable", pulled(MESH), Status.NOT_ASSESSED, subject="app", unreadable=[Need.PODS]),
        case("workload of the platform",
             [workload(namespace="kube-system", spec=pulling("regcred"))], Status.NOT_APPLICABLE),
    ],
)  # fmt: skip
def test_images_are_pulled_as_the_kubelet(world, expected):
    assert evaluate(images_are_pulled_as_the_kubelet, world).status is expected


def test_the_evidence_says_whether_the_kubelet_may_pull_already():
    world = inventory(*pulled(OWN), role_assignment(KUBELET_OBJECT_ID, ACR_PULL, ACR.id))
    (finding,) = evaluate(images_are_pulled_as_the_kubelet, world).findings
    assert finding.evidence["kubeletPulls"] == [ACR_PULL]
    assert finding.evidence["adminUserEnabled"] == ["acrshop: False"]
    assert finding.fill["kubelet_object_id"] == KUBELET_OBJECT_ID
    assert finding.fill["pull_secret"] == "regcred"
    assert finding.evidence["heldBy"] == ["deployment/app"]
    assert finding.fill["pull_role"] == ACR_PULL


def commands(*things):
    """Those of each finding on the workload."""
    world = inventory(*things)
    (subject,) = (found for found in world.clusters[0].workload_set.items if found.name == "app")
    findings = evaluate(images_are_pulled_as_the_kubelet, world).findings
    cli = images_are_pulled_as_the_kubelet.fix.cli
    return [remediation(cli, {**subject.placeholders(), **finding.fill}).commands for finding in findings]


def test_every_registry_has_its_commands():
    other = registry("acrbase")
    base = container("base", image="acrbase.azurecr.io/base:1")
    first, second = commands(other, *pulled(OWN, base))
    assert f"--scope {other.id}" in first
    assert f"--scope {ACR.id}" in second


def test_what_holds_the_pull_secret_is_edited():
    account = service_account(pull_secrets=["regcred"])
    (template,) = commands(*pulled(OWN, accounts=PLAIN))
    assert "kubectl edit deployment/app --namespace shop" in template
    assert "kubectl edit serviceaccount {service_account}" in template
    (by_account,) = commands(*pulled(OWN, names=(), accounts=[account]))
    assert "kubectl edit {pod_template}" in by_account
    assert "kubectl edit serviceaccount default --namespace shop" in by_account
    (both,) = commands(*pulled(OWN, accounts=[account]))
    assert "{" not in both
    assert "patch" not in both


def test_of_several_pull_secrets_nobody_knows_which_is_the_registrys():
    (found,) = commands(*pulled(OWN, names=("regcred", "other"), accounts=PLAIN))
    assert "kubectl delete secret {pull_secret}" in found


def test_the_containers_are_named_whose_image_a_pull_secret_pulls():
    spec = pod_spec(
        OWN, MESH, init_containers=(container("setup", image=OWN.image),),
        ephemeral_containers=(container("debugger", image=OWN.image),),
        image_pull_secrets=(NameReference(name="regcred"),),
    )  # fmt: skip
    (finding,) = evaluate(images_are_pulled_as_the_kubelet, inventory(ACR, workload(spec=spec))).findings
    assert finding.containers == ("app", "setup")


def test_a_registry_that_decides_by_repository_takes_another_role():
    world = inventory(
        registry("acrshop", role_assignment_mode=Token("AbacRepositoryPermissions")),
        *pulled(OWN)[1:],
        role_assignment(KUBELET_OBJECT_ID, ACR_PULL, ACR.id),
    )
    (finding,) = evaluate(images_are_pulled_as_the_kubelet, world).findings
    assert finding.evidence["kubeletPulls"] == []
    assert finding.fill["pull_role"] == "b93aa761-3e63-49ed-ac28-beffa264f7ac"
