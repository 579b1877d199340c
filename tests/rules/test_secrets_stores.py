"""Secrets: where they are kept and how they reach containers."""

import json

import pytest
from akscan.model.azure import (
    AddonConfig,
    AddonProfile,
    AzureKeyVaultKms,
    IdentityReference,
    NetworkAcls,
    PrivateEndpointConnection,
    PrivateEndpointConnectionProperties,
    PrivateLinkServiceConnectionState,
    Reference,
    SecurityProfile,
    Vault,
)
from akscan.model.decode import convert, decode_answer
from akscan.model.kubernetes import (
    CronJob,
    CsiDriver,
    CustomResourceDefinition,
    Deployment,
    EnvFromSource,
    EnvVar,
    EnvVarSource,
    KeyReference,
    OwnerReference,
    SecretVolume,
    StatefulSet,
    Volume,
    VolumeMount,
)
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    case,
    cluster,
    container,
    csi_volume,
    evaluate,
    evaluate_all,
    inventory,
    named,
    on,
    pod,
    pod_spec,
    secret,
    secret_provider_class,
    vault,
    workload,
)
from akscan_rules.secrets.stores import (
    external_secret_store_is_connected,
    key_vault_provider_rotates_secrets,
    secrets_come_from_the_store,
)
from akscan_rules.secrets.vaults import vaults_are_closed_to_the_internet
from akscan_rules.secrets.workloads import secrets_reach_containers_as_files

ADDON = "azureKeyvaultSecretsProvider"
DRIVER = named(CsiDriver, "secrets-store.csi.k8s.io")
DISK_DRIVER = named(CsiDriver, "disk.csi.azure.com")
EXTERNAL_SECRETS = named(CustomResourceDefinition, "externalsecrets.external-secrets.io")


def with_addon(profile=None, *, key=ADDON, **fields):
    """A cluster with this Key Vault add-on and no other; without a profile with none."""
    return cluster(addon_profiles={} if profile is None else {Token(key): profile}, **fields)


NO_ADDON = with_addon()


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("add-on enabled", [with_addon(AddonProfile(enabled=True)), secret()], Status.PASS),
        case(
            "add-on key in another letter case, enabled",
            [with_addon(AddonProfile(enabled=True), key="AzureKeyVaultSecretsProvider"), secret()],
            Status.PASS,
        ),
        case(
            "add-on enabled, Kubernetes unreadable",
            [with_addon(AddonProfile(enabled=True))],
            Status.PASS,
            unreadable=[Need.CSI_DRIVERS, Need.CUSTOM_RESOURCE_DEFINITIONS, Need.SECRETS],
        ),
        case("add-on absent, CSIDriver installed with Helm", [NO_ADDON, secret(), DISK_DRIVER, DRIVER], Status.PASS),
        case("add-on absent, external-secrets CRD", [NO_ADDON, secret(), EXTERNAL_SECRETS], Status.PASS),
        case(
            "external-secrets CRD that the parameter does not name",
            [NO_ADDON, secret(), EXTERNAL_SECRETS],
            Status.FAIL,
            parameters={"other_store_crds": ("stores.contoso.com",)},
        ),
        case(
            "CRD of the parameter",
            [NO_ADDON, secret(), named(CustomResourceDefinition, "stores.contoso.com")],
            Status.PASS,
            parameters={"other_store_crds": ("stores.contoso.com",)},
        ),
        case(
            "add-on absent, three hand-made Secrets",
            [NO_ADDON, secret("a"), secret("b"), secret("c", of_type="kubernetes.io/basic-auth"), DISK_DRIVER],
            Status.FAIL,
        ),
        case("add-on not enabled", [with_addon(AddonProfile(enabled=False)), secret()], Status.FAIL),
        case(
            "add-on absent, only Helm release and TLS Secrets owned by cert-manager",
            [
                NO_ADDON,
                secret("sh.helm.release.v1.app.v1", of_type="helm.sh/release.v1"),
                secret("tls", of_type="kubernetes.io/tls", annotation_keys=["cert-manager.io/certificate-name"]),
                secret("issuer", annotation_keys=["cert-manager.io/issuer-name"]),
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "only Secrets of the platform, of a controller and of a store",
            [
                NO_ADDON,
                secret("platform", "kube-system"),
                secret("owned", owner_references=(OwnerReference(kind="Cache", name="c", uid="u"),)),
                secret("synchronised", labels={"secrets-store.csi.k8s.io/managed": "true"}),
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "add-on absent, Kubernetes unreadable",
            [NO_ADDON, secret()],
            Status.NOT_ASSESSED,
            unreadable=[Need.CSI_DRIVERS, Need.CUSTOM_RESOURCE_DEFINITIONS, Need.SECRETS],
        ),
        case("Secrets unreadable", [NO_ADDON, DISK_DRIVER], Status.NOT_ASSESSED, unreadable=[Need.SECRETS]),
        case("CSI drivers unreadable", [NO_ADDON, secret()], Status.NOT_ASSESSED, unreadable=[Need.CSI_DRIVERS]),
        case(
            "CRDs unreadable",
            [NO_ADDON, secret()],
            Status.NOT_ASSESSED,
            unreadable=[Need.CUSTOM_RESOURCE_DEFINITIONS],
        ),
        case(
            "CSI drivers unreadable, external-secrets CRD",
            [NO_ADDON, secret(), EXTERNAL_SECRETS],
            Status.PASS,
            unreadable=[Need.CSI_DRIVERS],
        ),
        case(
            "CSI drivers unreadable, no hand-made Secret",
            [NO_ADDON],
            Status.NOT_APPLICABLE,
            unreadable=[Need.CSI_DRIVERS],
        ),
        case("cluster unreadable", [secret()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_external_secret_store_is_connected(world, expected):
    assert evaluate(external_secret_store_is_connected, world).status is expected


def test_the_evidence_names_the_secrets_by_namespace():
    identity = IdentityReference(resource_id=ArmId("/subscriptions/s/id-addon"))
    many = [secret(f"key-{number:02}", "batch") for number in range(12)]
    world = inventory(
        with_addon(AddonProfile(enabled=False, identity=identity)), secret("b"), secret("a"), many, DISK_DRIVER
    )
    finding = evaluate(external_secret_store_is_connected, world).findings[0]
    assert finding.evidence == {
        "addonProfiles.azureKeyvaultSecretsProvider.enabled": False,
        "addonProfiles.azureKeyvaultSecretsProvider.identity.resourceId": "/subscriptions/s/id-addon",
        "csiDrivers": ["disk.csi.azure.com"],
        "secrets": [f"batch: 12 ({', '.join(f'key-{number:02}' for number in range(10))}, ...)", "shop: 2 (a, b)"],
    }
    assert "14 Secret(s)" in finding.message


def rotating(value):
    return AddonProfile(enabled=True, config=AddonConfig(enable_secret_rotation=Token(value)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case('enabled, enableSecretRotation "true"', [with_addon(rotating("true"))], Status.PASS),
        case('enabled, enableSecretRotation "false"', [with_addon(rotating("false"))], Status.FAIL),
        case("enabled, config absent", [with_addon(AddonProfile(enabled=True))], Status.FAIL),
        case('enabled, "True"', [with_addon(rotating("True"))], Status.PASS),
        case("enabled, empty", [with_addon(rotating(""))], Status.FAIL),
        case("add-on disabled", [with_addon(AddonProfile(enabled=False))], Status.NOT_APPLICABLE),
        case("add-on absent", [NO_ADDON], Status.NOT_APPLICABLE),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_key_vault_provider_rotates_secrets(world, expected):
    assert evaluate(key_vault_provider_rotates_secrets, world).status is expected


def test_the_poll_interval_is_shown():
    finding = evaluate(key_vault_provider_rotates_secrets, inventory(with_addon(rotating("false")))).findings[0]
    assert finding.evidence == {"config.enableSecretRotation": "false", "config.rotationPollInterval": "2m"}


ENABLED = Token("Enabled")
OPEN = vault(public_network_access=ENABLED)
USED = secret_provider_class("kv-test")


def taking(name="db", **fields):
    reference = EnvVarSource(secret_key_ref=KeyReference(name=name, key="p"))
    return workload(spec=pod_spec(container(env=(EnvVar(name="P", value_from=reference),))), **fields)


MOUNTING = workload(spec=pod_spec(volumes=(csi_volume("spc-kv-test"),)), name="vaulted")


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("workload mounts a SecretProviderClass only", [secret(), MOUNTING], Status.PASS),
        case("workload uses a Secret labelled secrets-store.csi.k8s.io/managed",
             [secret(labels={"secrets-store.csi.k8s.io/managed": "true"}), taking()], Status.PASS),
        case("workload uses a Secret owned by an ExternalSecret",
             [secret(owner_references=(OwnerReference(kind="ExternalSecret", name="db", uid="u"),)), taking()],
             Status.PASS),
        case("workload uses a TLS Secret owned by a Certificate",
             [secret(of_type="kubernetes.io/tls",
                     owner_references=(OwnerReference(kind="Certificate", name="db", uid="u"),)), taking()],
             Status.PASS),
        case("workload uses a hand-made Opaque Secret, add-on on", [secret(), taking()], Status.FAIL),
        case("hand-made Secret in a volume",
             [secret(), workload(spec=pod_spec(volumes=(Volume(secret=SecretVolume(secret_name="db")),)))],
             Status.FAIL),
        case("hand-made Secret of another namespace", [secret(namespace="web"), taking()], Status.PASS),
        case("hand-made Secret that the parameter names", [secret(), taking()], Status.PASS,
             parameters={"ignore_names": ("db",)}),
        case("external-secrets CRD in place of the add-on", [NO_ADDON, EXTERNAL_SECRETS, secret(), taking()],
             Status.FAIL),
        case("same, no store connected", [NO_ADDON, secret(), taking()], Status.NOT_APPLICABLE),
        case("workload of the platform", [secret(namespace="kube-system"), taking(namespace="kube-system")],
             Status.NOT_APPLICABLE),
        case("secrets unreadable", [secret(), taking()], Status.NOT_ASSESSED, subject="app",
             unreadable=[Need.SECRETS]),
        case("pods unreadable, nothing in the template", [secret(), workload()], Status.NOT_ASSESSED, subject="app",
             unreadable=[Need.PODS]),
        case("cluster unreadable", [secret(), taking()], Status.NOT_ASSESSED, subject="app",
             unreadable=[Need.MANAGED_CLUSTERS, Need.CSI_DRIVERS]),
    ],
)  # fmt: skip
def test_secrets_come_from_the_store(world, expected):
    assert evaluate(secrets_come_from_the_store, world).status is expected


def test_the_evidence_counts_the_neighbours_that_use_the_store():
    verdicts = evaluate_all(secrets_come_from_the_store, inventory(secret(), taking(), MOUNTING))
    assert verdicts["deployment/shop/app"].findings[0].evidence == {
        "secrets": ["db (env[].valueFrom.secretKeyRef of app P)"],
        "workloadsWithSecretProviderClass": 1,
    }


def acls(action, **fields):
    return NetworkAcls(default_action=Token(action), **fields)


def answered_vault(**properties):
    """The vault as decoded from an answer of ARM with exactly these properties."""
    return convert({"id": str(OPEN.id), "name": OPEN.name, "properties": properties}, Vault)


def kms(**fields):
    """A cluster whose etcd is encrypted with a key of a vault."""
    return cluster(security_profile=SecurityProfile(azure_key_vault_kms=AzureKeyVaultKms(enabled=True, **fields)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("publicNetworkAccess Disabled", [USED, vault(public_network_access=Token("Disabled"))], Status.PASS),
        case(
            "publicNetworkAccess Disabled, defaultAction Allow",
            [USED, vault(public_network_access=Token("Disabled"), network_acls=acls("Allow"))],
            Status.PASS,
        ),
        case(
            "publicNetworkAccess Enabled, defaultAction Deny",
            [USED, vault(public_network_access=ENABLED, network_acls=acls("Deny"))],
            Status.PASS,
        ),
        case(
            'defaultAction "deny" in lower case',
            [USED, vault(public_network_access=ENABLED, network_acls=acls("deny"))],
            Status.PASS,
        ),
        case("publicNetworkAccess Enabled, networkAcls absent", [USED, OPEN], Status.FAIL),
        case(
            "publicNetworkAccess Enabled, networkAcls without defaultAction",
            [USED, vault(public_network_access=ENABLED, network_acls=NetworkAcls())],
            Status.FAIL,
        ),
        case(
            "publicNetworkAccess absent, defaultAction Allow",
            [USED, answered_vault(networkAcls={"defaultAction": "Allow"})],
            Status.FAIL,
        ),
        case('"disabled" in lower case', [USED, vault(public_network_access=Token("disabled"))], Status.PASS),
        case("SecuredByPerimeter", [USED, vault(public_network_access=Token("SecuredByPerimeter"))], Status.PASS),
        case("vault not in the inventory", [USED, vault("another")], Status.NOT_ASSESSED),
        case(
            "open vault of the subscription that the cluster does not use",
            [USED, vault(), vault("kv-other", public_network_access=ENABLED)],
            Status.PASS,
        ),
        case("vault name in another letter case", [secret_provider_class("KV-Test"), OPEN], Status.FAIL),
        case("no vault used", [OPEN], Status.NOT_APPLICABLE),
        case(
            "SecretProviderClass of another provider",
            [secret_provider_class("kv-test", provider="vault"), OPEN],
            Status.NOT_APPLICABLE,
        ),
        case(
            "KMS key, vault by resource id",
            [kms(key_vault_resource_id=OPEN.id, key_id="https://kv-test.vault.azure.net/keys/etcd/1"), OPEN],
            Status.FAIL,
        ),
        case(
            "KMS key in public mode, vault by the URL of the key",
            [kms(key_id="https://kv-test.vault.azure.net/keys/etcd/1"), OPEN],
            Status.FAIL,
        ),
        case("KMS off", [cluster(security_profile=SecurityProfile()), OPEN], Status.NOT_APPLICABLE),
        case("vaults unreadable", [USED, OPEN], Status.NOT_ASSESSED, subject="kv-test", unreadable=[Need.VAULTS]),
        case(
            "SecretProviderClasses unreadable",
            [USED, OPEN],
            Status.NOT_ASSESSED,
            unreadable=[Need.SECRET_PROVIDER_CLASSES],
        ),
        case(
            "SecretProviderClasses unreadable, open KMS vault",
            [kms(key_vault_resource_id=OPEN.id), OPEN],
            Status.FAIL,
            subject="kv-test",
            unreadable=[Need.SECRET_PROVIDER_CLASSES],
        ),
        case(
            "cluster unreadable, open vault of a SecretProviderClass",
            [USED, OPEN],
            Status.FAIL,
            subject="kv-test",
            unreadable=[Need.MANAGED_CLUSTERS],
        ),
    ],
)
def test_vaults_are_closed_to_the_internet(world, expected):
    assert evaluate(vaults_are_closed_to_the_internet, world).status is expected


def test_a_cluster_whose_classes_are_unreadable_is_not_assessed_beside_its_kms_vault():
    world = inventory(kms(key_vault_resource_id=OPEN.id), vault(), unreadable=[Need.SECRET_PROVIDER_CLASSES])
    verdicts = {name: v.status for name, v in evaluate_all(vaults_are_closed_to_the_internet, world).items()}
    assert verdicts == {"vault/kv-test": Status.PASS, "cluster/aks": Status.NOT_ASSESSED}


def test_a_missing_vault_names_the_permission():
    for unreadable in ([], [Need.VAULTS]):
        verdict = evaluate(vaults_are_closed_to_the_internet, inventory(USED, unreadable=unreadable))
        assert verdict.gap.permission == Need.VAULTS


def test_the_evidence_shows_the_firewall_and_every_user_of_the_vault():
    approved = PrivateEndpointConnection(
        properties=PrivateEndpointConnectionProperties(
            private_link_service_connection_state=PrivateLinkServiceConnectionState(status=Token("Approved"))
        )
    )
    firewall = acls(
        "Allow",
        bypass=Token("AzureServices"),
        ip_rules=({"value": "203.0.113.0/24"},),
        virtual_network_rules=(Reference(id=ArmId("/subscriptions/s/subnet")),),
    )
    world = inventory(
        kms(key_vault_resource_id=OPEN.id),
        cluster("second"),
        USED,
        on("second", secret_provider_class("kv-test", namespace="web")),
        vault(
            public_network_access=ENABLED,
            network_acls=firewall,
            private_endpoint_connections=(approved, PrivateEndpointConnection()),
        ),
    )
    verdicts = evaluate_all(vaults_are_closed_to_the_internet, world)
    assert list(verdicts) == ["vault/kv-test"]
    assert verdicts["vault/kv-test"].findings[0].evidence == {
        "id": OPEN.id,
        "publicNetworkAccess": "Enabled",
        "networkAcls.defaultAction": "Allow",
        "networkAcls.bypass": "AzureServices",
        "networkAcls.ipRules": ["203.0.113.0/24"],
        "networkAcls.virtualNetworkRules": ["/subscriptions/s/subnet"],
        "approvedPrivateEndpointConnections": 1,
        "usedBy": ["aks: KMS", "aks: shop/spc-kv-test", "second: web/spc-kv-test"],
    }


def from_secret(variable="PASSWORD", name="db", key="password"):
    return EnvVar(name=variable, value_from=EnvVarSource(secret_key_ref=KeyReference(name=name, key=key)))


WITH_KEY = container(env=(from_secret(),))
WITH_SECRET = container(env_from=(EnvFromSource(secret_ref=KeyReference(name="db")),))


def answered(kind=Deployment, **pod):
    """A workload as decoded from an answer of the API server; ``pod`` is the spec of its template."""
    spec = {"template": {"spec": pod}}
    answer = {
        "metadata": {"name": "app", "namespace": "shop", "uid": "u"},
        "spec": {"jobTemplate": {"spec": spec}} if kind is CronJob else spec,
    }
    return decode_answer(json.dumps(answer).encode(), kind)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "no secret reference in env", [workload(spec=pod_spec(container(env=(EnvVar(name="MODE"),))))], Status.PASS
        ),
        case("secretKeyRef in a container", [workload(spec=pod_spec(WITH_KEY))], Status.FAIL),
        case("secretKeyRef in the second container", [workload(spec=pod_spec(container("a"), WITH_KEY))], Status.FAIL),
        case("secretRef in envFrom", [workload(spec=pod_spec(WITH_SECRET))], Status.FAIL),
        case("secretKeyRef in an init container", [workload(spec=pod_spec(init_containers=(WITH_KEY,)))], Status.FAIL),
        case("secretRef in an init container", [workload(spec=pod_spec(init_containers=(WITH_SECRET,)))], Status.FAIL),
        case(
            "secretKeyRef in an ephemeral container only",
            [workload(admitted=pod_spec(ephemeral_containers=(WITH_KEY,)))],
            Status.PASS,
        ),
        case(
            "configMapKeyRef only",
            [
                answered(
                    containers=[
                        {
                            "name": "app",
                            "env": [{"name": "HOST", "valueFrom": {"configMapKeyRef": {"name": "web", "key": "host"}}}],
                            "envFrom": [{"configMapRef": {"name": "web"}}],
                        }
                    ]
                )
            ],
            Status.PASS,
        ),
        case(
            "volume from a Secret",
            [
                answered(
                    StatefulSet,
                    containers=[{"name": "app", "volumeMounts": [{"name": "db", "mountPath": "/db"}]}],
                    volumes=[{"name": "db", "secret": {"secretName": "db"}}],
                )
            ],
            Status.PASS,
        ),
        case(
            "CronJob",
            [answered(CronJob, containers=[{"name": "app", "envFrom": [{"secretRef": {"name": "db"}}]}])],
            Status.FAIL,
        ),
        case(
            "kube-system workload", [workload(namespace="kube-system", spec=pod_spec(WITH_KEY))], Status.NOT_APPLICABLE
        ),
        case(
            "kube-system workload, pods unreadable",
            [workload(namespace="kube-system", spec=pod_spec(WITH_KEY))],
            Status.NOT_APPLICABLE,
            subject="app",
            unreadable=[Need.PODS],
        ),
        case("bare pod", [pod(spec=pod_spec(WITH_KEY))], Status.FAIL),
        case("workload without pods", [workload(spec=pod_spec(WITH_KEY), replicas=0)], Status.FAIL),
        case("added by admission", [workload(admitted=pod_spec(container(), WITH_KEY))], Status.FAIL),
        case(
            "in the template, not yet in the pods",
            [workload(spec=pod_spec(WITH_KEY), admitted=pod_spec())],
            Status.FAIL,
        ),
        case(
            "in the template, pods unreadable",
            [workload(spec=pod_spec(WITH_KEY))],
            Status.FAIL,
            subject="app",
            unreadable=[Need.PODS],
        ),
        case(
            "not in the template, pods unreadable",
            [workload()],
            Status.NOT_ASSESSED,
            subject="app",
            unreadable=[Need.PODS],
        ),
        case(
            "ReplicaSets unreadable", [workload()], Status.NOT_ASSESSED, subject="app", unreadable=[Need.REPLICA_SETS]
        ),
    ],
)
def test_secrets_reach_containers_as_files(world, expected):
    assert evaluate(secrets_reach_containers_as_files, world).status is expected


def test_the_evidence_names_variable_secret_and_key():
    one = container("web", env=(from_secret("DB", "db", "password"), from_secret("API", "api", "token")))
    two = container("job", env_from=(EnvFromSource(secret_ref=KeyReference(name="all")),))
    world = inventory(workload(spec=pod_spec(one, init_containers=(two,)), replicas=3))
    verdicts = evaluate_all(secrets_reach_containers_as_files, world)
    assert list(verdicts) == ["deployment/shop/app"]
    (finding,) = verdicts["deployment/shop/app"].findings
    assert finding.evidence == {
        "env[].valueFrom.secretKeyRef": ["web: DB = db/password", "web: API = api/token"],
        "envFrom[].secretRef": ["job: all"],
    }
    assert finding.fill == {"variable": "DB"}


@pytest.mark.parametrize(
    ("spec", "containers"),
    [
        (pod_spec(container(), init_containers=(container("setup", env=(from_secret(),)),)), ("setup",)),
        (
            pod_spec(
                container("web", volume_mounts=(VolumeMount(name="v"),)),
                container("job", env_from=(EnvFromSource(secret_ref=KeyReference(name="db")),)),
                container("other"),
                volumes=(Volume(name="v", secret=SecretVolume(secret_name="db")),),
                ephemeral_containers=(container("debugger", env=(from_secret(),)),),
            ),
            ("web", "job"),
        ),
        (pod_spec(WITH_KEY, volumes=(Volume(name="v", secret=SecretVolume(secret_name="db")),)), ()),
    ],
    ids=["init container", "volume and environment", "volume that no container mounts"],
)
def test_the_containers_are_named_that_a_handmade_secret_reaches(spec, containers):
    (finding,) = evaluate(secrets_come_from_the_store, inventory(secret(), workload(spec=spec))).findings
    assert finding.containers == containers


def test_template_and_pods_are_both_told_of_while_a_rollout_is_stuck():
    old = pod_spec(container(env=(from_secret("OLD", "old"), from_secret())))
    new = pod_spec(container(env=(from_secret("NEW", "new"), from_secret())))
    world = inventory(workload(spec=new, admitted=old), secret("old"), secret("new"))
    (finding,) = evaluate(secrets_reach_containers_as_files, world).findings
    assert finding.evidence["env[].valueFrom.secretKeyRef"] == [
        "app: NEW = new/password",
        "app: PASSWORD = db/password",
        "app: OLD = old/password",
    ]
    (finding,) = evaluate(secrets_come_from_the_store, world).findings
    assert finding.evidence["secrets"] == [
        "new (env[].valueFrom.secretKeyRef of app NEW)",
        "old (env[].valueFrom.secretKeyRef of app OLD)",
    ]
