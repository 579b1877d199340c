"""SecretProviderClasses: as whom they read, and what."""

import msgspec
import pytest
from akscan.engine import remediation
from akscan.model.azure import AccessPolicy, AddonProfile, IdentityReference, VaultPermissions
from akscan.model.inventory import Inventory
from akscan.model.roles import RoleAssignment
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    CONTRIBUTOR,
    GROUP,
    SUBSCRIPTION,
    case,
    cluster,
    csi_volume,
    evaluate,
    evaluate_all,
    inventory,
    managed_identity,
    member_of,
    pod_spec,
    role_assignment,
    role_definition,
    secret_provider_class,
    vault,
    vault_key,
    vault_secret,
    workload,
)
from akscan_rules.secrets.provider_classes import (
    mounted_objects_are_valid,
    provider_classes_use_a_workload_identity,
    readers_of_vaults_cannot_change_them,
)

IDENTITY = managed_identity("id-shop")
CLIENT = IDENTITY.properties.client_id
OTHER = managed_identity("id-other").properties.client_id
PRINCIPAL = str(IDENTITY.properties.principal_id)


def spc(**fields):
    return secret_provider_class("kv-test", **fields)


def mounting(volume, **fields):
    return workload(spec=pod_spec(volumes=(volume,)), **fields)


MOUNTED = mounting(csi_volume("spc-kv-test"))
SIGNED_IN = mounting(csi_volume("spc-kv-test", secret_ref="sp-credentials"))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case('clientID set, useVMManagedIdentity "false"',
             [spc(client_id=CLIENT, use_vm_managed_identity="false"), MOUNTED], Status.PASS),
        case("clientID set, mounted by nobody", [spc(client_id=CLIENT)], Status.PASS),
        case('useVMManagedIdentity "true"', [spc(use_vm_managed_identity="true")], Status.FAIL),
        case('useVMManagedIdentity "True"', [spc(use_vm_managed_identity="True")], Status.FAIL),
        case("useVMManagedIdentity beside clientID", [spc(use_vm_managed_identity="true", client_id=CLIENT)],
             Status.FAIL),
        case('usePodIdentity "true"', [spc(use_pod_identity="true")], Status.FAIL),
        case('useVMManagedIdentity "1", beside clientID', [spc(use_vm_managed_identity="1", client_id=CLIENT)],
             Status.FAIL),
        case('usePodIdentity " T", beside clientID', [spc(use_pod_identity=" T", client_id=CLIENT)], Status.FAIL),
        case("mounted with nodePublishSecretRef", [spc(), SIGNED_IN], Status.FAIL),
        case("another class mounted with nodePublishSecretRef",
             [spc(client_id=CLIENT), mounting(csi_volume("other", secret_ref="sp"))], Status.PASS),
        case("class of that name in another namespace mounted with nodePublishSecretRef",
             [spc(client_id=CLIENT), mounting(csi_volume("spc-kv-test", secret_ref="sp"), namespace="web")],
             Status.PASS),
        case("volume of another driver",
             [spc(client_id=CLIENT), mounting(csi_volume("spc-kv-test", driver="x.example", secret_ref="sp"))],
             Status.PASS),
        case("owned by an Ingress", [spc(owner="Ingress")], Status.NOT_APPLICABLE),
        case("owned by a Deployment", [spc(owner="Deployment", use_vm_managed_identity="true")], Status.FAIL),
        case("provider gcp", [spc(provider="gcp")], Status.NOT_APPLICABLE),
        case("class of the platform", [spc(namespace="kube-system")], Status.NOT_APPLICABLE),
        case("no mode set, no secret ref", [spc(), MOUNTED], Status.NOT_ASSESSED),
        case("pods unreadable", [spc(client_id=CLIENT)], Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case("pods unreadable, identity of the node", [spc(use_vm_managed_identity="true")], Status.FAIL,
             unreadable=[Need.PODS]),
        case("SecretProviderClasses unreadable", [spc()], Status.NOT_ASSESSED,
             unreadable=[Need.SECRET_PROVIDER_CLASSES]),
    ],
)  # fmt: skip
def test_provider_classes_use_a_workload_identity(world, expected):
    assert evaluate(provider_classes_use_a_workload_identity, world).status is expected


def test_the_evidence_names_who_signs_in_how():
    finding = evaluate(provider_classes_use_a_workload_identity, inventory(spc(), SIGNED_IN)).findings[0]
    assert finding.evidence["nodePublishSecretRef"] == ["sp-credentials"]
    assert finding.evidence["workloads"] == ["app"]
    assert finding.fill == {"service_account": "default"}


SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
SECRETS_OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
BY_ROLES = vault(enable_rbac_authorization=True)
READS = spc(client_id=CLIENT)


def holding(role, scope=BY_ROLES.id, holder=PRINCIPAL):
    return [READS, IDENTITY, BY_ROLES, role_assignment(holder, role, scope)]


def policy(*more, **permissions):
    granted = VaultPermissions(**{kind: tuple(map(Token, given)) for kind, given in permissions.items()})
    own = AccessPolicy(object_id=Token(PRINCIPAL), permissions=granted)
    return [READS, IDENTITY, vault(access_policies=(own,)), *more]


CUSTOM = "00000000-0000-0000-0000-00000000c001"
BUILT_IN = "00000000-0000-0000-0000-00000000b001"
VAULTS = "Microsoft.KeyVault/vaults"


def custom(*actions, **fields):
    return role_definition(CUSTOM, "vault-role", custom=True, actions=actions, **fields)


ADDON = IdentityReference(client_id=CLIENT, object_id=Token(PRINCIPAL))
OF_ADDON = cluster(addon_profiles={Token("azureKeyvaultSecretsProvider"): AddonProfile(enabled=True, identity=ADDON)})


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Key Vault Secrets User on the vault", holding(SECRETS_USER), Status.PASS),
        case("Key Vault Secrets User on one secret", holding(SECRETS_USER, f"{BY_ROLES.id}/secrets/db"), Status.PASS),
        case("Key Vault Administrator on the vault", holding(ADMINISTRATOR), Status.FAIL),
        case("Secrets Officer inherited from the resource group", holding(SECRETS_OFFICER, GROUP), Status.FAIL),
        case("Secrets Officer of a group that it is in",
             [*holding(SECRETS_OFFICER, GROUP, "group"),
              member_of(PRINCIPAL, role_assignment("group", SECRETS_OFFICER, GROUP))],
             Status.FAIL),
        case("Secrets Officer of somebody else", holding(SECRETS_OFFICER, GROUP, "somebody"), Status.PASS),
        case("Administrator of another vault", holding(ADMINISTRATOR, f"{BY_ROLES.id}-2"),
             Status.PASS),
        case("userAssignedIdentityID, Administrator",
             [spc(user_assigned_identity_id=CLIENT.upper()), *holding(ADMINISTRATOR)[1:]], Status.FAIL),
        case("userAssignedIdentityID that the node reads as, beside the client id of another",
             [spc(user_assigned_identity_id=CLIENT, client_id=OTHER, use_vm_managed_identity="true"),
              managed_identity("id-other"), *holding(ADMINISTRATOR)[1:]], Status.FAIL),
        case("identity of the node, beside the client id of an administrator",
             [spc(client_id=CLIENT, use_vm_managed_identity="true"), *holding(ADMINISTRATOR)[1:]],
             Status.NOT_ASSESSED),
        case("pod identity, beside a client id", [spc(client_id=CLIENT, use_pod_identity="true"),
             *holding(SECRETS_USER)[1:]], Status.NOT_ASSESSED),
        case("access policy get, list", policy(secrets=["Get", "List"]), Status.PASS),
        case("access policy get, set", policy(secrets=["get", "set"]), Status.FAIL),
        case("access policy All", policy(secrets=["All"]), Status.FAIL),
        case("access policy on certificates", policy(certificates=["get", "import"]), Status.FAIL),
        case("access policy on storage", policy(secrets=["get"], storage=["set"]), Status.PASS),
        case("access policy get, set, set allowed", policy(secrets=["get", "set"]), Status.PASS,
             parameters={"allowed_permissions": ("get", "set")}),
        case("access policy get and Contributor on the vault",
             policy(role_assignment(PRINCIPAL, CONTRIBUTOR, vault().id), secrets=["get"]), Status.FAIL),
        case("access policy get and Secrets Officer, which counts for nothing",
             policy(role_assignment(PRINCIPAL, SECRETS_OFFICER, vault().id), secrets=["get"]), Status.PASS),
        case("custom role of all that is done to vaults", [*holding(CUSTOM), custom(f"{VAULTS}/*")], Status.FAIL),
        case("custom role that writes everything, on the resource group",
             [*holding(CUSTOM, GROUP), custom("*/write")], Status.FAIL),
        case("custom role that writes everything but vaults",
             [*holding(CUSTOM), custom("*/write", not_actions=["Microsoft.KeyVault/*", "Microsoft.Authorization/*"])],
             Status.PASS),
        case("custom role that assigns roles",
             [*holding(CUSTOM), custom("Microsoft.Authorization/roleAssignments/write")], Status.FAIL),
        case("custom role that sets secrets",
             [*holding(CUSTOM), custom(data_actions=[f"{VAULTS}/secrets/setSecret/action"])], Status.FAIL),
        case("custom role of all that is done to certificates",
             [*holding(CUSTOM), custom(data_actions=[f"{VAULTS}/certificates/*"])], Status.FAIL),
        case("custom role that deletes keys", [*holding(CUSTOM), custom(data_actions=[f"{VAULTS}/keys/delete"])],
             Status.FAIL),
        case("custom role that reads secrets",
             [*holding(CUSTOM), custom(f"{VAULTS}/read", data_actions=[f"{VAULTS}/secrets/getSecret/action",
              f"{VAULTS}/secrets/readMetadata/action", f"{VAULTS}/keys/read"])], Status.PASS),
        case("custom role that sets secrets, of another vault",
             [*holding(CUSTOM, f"{BY_ROLES.id}-2"), custom(data_actions=[f"{VAULTS}/secrets/*"])], Status.PASS),
        case("built-in role that the parameter does not name",
             [*holding(BUILT_IN), role_definition(BUILT_IN, "Crypto User", data_actions=[f"{VAULTS}/keys/*"])],
             Status.PASS),
        case("access policy get and a custom role that writes access policies",
             [*policy(role_assignment(PRINCIPAL, CUSTOM, vault().id), secrets=["get"]),
              custom(f"{VAULTS}/accessPolicies/write")], Status.FAIL),
        case("access policy get and data actions of a custom role, which count for nothing",
             [*policy(role_assignment(PRINCIPAL, CUSTOM, vault().id), secrets=["get"]),
              custom(data_actions=[f"{VAULTS}/secrets/*"])], Status.PASS),
        case("role definitions unreadable, a role that no parameter names", holding(CUSTOM), Status.NOT_ASSESSED,
             unreadable=[Need.ROLE_DEFINITIONS]),
        case("role definitions unreadable, a role that no parameter names beside Administrator",
             [*holding(CUSTOM), role_assignment(PRINCIPAL, ADMINISTRATOR, BY_ROLES.id)], Status.FAIL,
             unreadable=[Need.ROLE_DEFINITIONS]),
        case("role definitions unreadable, Key Vault Secrets User", holding(SECRETS_USER), Status.PASS,
             unreadable=[Need.ROLE_DEFINITIONS]),
        case("client id unknown", [READS, BY_ROLES], Status.NOT_ASSESSED),
        case("no client id", [spc(), BY_ROLES], Status.NOT_ASSESSED),
        case("vault not in the inventory", [READS, IDENTITY], Status.NOT_ASSESSED),
        case("class that uses the identity of the Key Vault provider add-on",
             [OF_ADDON, *holding(ADMINISTRATOR)], Status.NOT_APPLICABLE),
        case("no azure class", [spc(provider="gcp")], Status.NOT_APPLICABLE),
        case("role assignments unreadable", holding(SECRETS_USER), Status.NOT_ASSESSED,
             unreadable=[Need.ROLE_ASSIGNMENTS]),
        case("identities unreadable", holding(SECRETS_USER), Status.NOT_ASSESSED,
             unreadable=[Need.USER_ASSIGNED_IDENTITIES]),
        case("vaults unreadable", holding(ADMINISTRATOR), Status.NOT_ASSESSED, unreadable=[Need.VAULTS]),
        case("classes unreadable", holding(ADMINISTRATOR), Status.NOT_ASSESSED,
             unreadable=[Need.SECRET_PROVIDER_CLASSES]),
        case("cluster unreadable", holding(ADMINISTRATOR), Status.NOT_ASSESSED, subject="id-shop",
             unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)  # fmt: skip
def test_readers_of_vaults_cannot_change_them(world, expected):
    assert evaluate(readers_of_vaults_cannot_change_them, world).status is expected


def test_each_identity_is_judged_for_all_its_vaults():
    other = vault("kv-other", enable_rbac_authorization=True)
    classes = (secret_provider_class("KV-Test", client_id=CLIENT), spc(client_id=CLIENT, namespace="web"),
               secret_provider_class("kv-other", client_id=CLIENT))  # fmt: skip
    world = inventory(*classes, IDENTITY, BY_ROLES, other, role_assignment(PRINCIPAL, ADMINISTRATOR, other.id))
    verdicts = evaluate_all(readers_of_vaults_cannot_change_them, world)
    assert list(verdicts) == ["identity/id-shop"]
    (finding,) = verdicts["identity/id-shop"].findings
    assert finding.evidence["kv-other: secretProviderClasses"] == ["shop/spc-kv-other"]
    assert finding.fill["vault"] == "kv-other"


def test_roles_in_a_subscription_that_was_not_listed_are_unknown():
    far = "/subscriptions/00000000-0000-0000-0000-000000000002"
    world = inventory(
        READS, IDENTITY, msgspec.structs.replace(BY_ROLES, id=ArmId(BY_ROLES.id.replace(SUBSCRIPTION, far)))
    )
    reads = tuple(r for r in world.azure.reads if (r.type, r.scope) != (RoleAssignment.arm_type, far))
    lists = {one.id: one.lists for one in world.clusters}
    narrower = Inventory(world.manifest, msgspec.structs.replace(world.azure, reads=reads), lists)
    assert evaluate(readers_of_vaults_cannot_change_them, world).status is Status.PASS
    assert evaluate(readers_of_vaults_cannot_change_them, narrower).status is Status.NOT_ASSESSED


def mounted(*objects, **fields):
    entries = "".join(f"  - |\n    {one}\n" for one in objects)
    return [spc(objects=f"array:\n{entries}", **fields), vault()]


SECRET = "objectName: db\n    objectType: secret"
KEY = "objectName: etcd\n    objectType: key"


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("enabled, expires in 200 days", [*mounted(SECRET), vault_secret(days=200)], Status.PASS),
        case("enabled, no expiry", [*mounted(SECRET), vault_secret()], Status.PASS),
        case("expires in 10 days", [*mounted(SECRET), vault_secret(days=10)], Status.FAIL),
        case("expires in 30 days", [*mounted(SECRET), vault_secret(days=30)], Status.FAIL),
        case("expires in 31 days", [*mounted(SECRET), vault_secret(days=31)], Status.PASS),
        case("expires in 31 days, warned 60 days before", [*mounted(SECRET), vault_secret(days=31)], Status.FAIL,
             parameters={"warn_days": 60}),
        case("expired yesterday", [*mounted(SECRET), vault_secret(days=-1)], Status.FAIL),
        case("enabled false", [*mounted(SECRET), vault_secret(enabled=False)], Status.FAIL),
        case("objectVersion empty", [*mounted(f'{SECRET}\n    objectVersion: ""'), vault_secret()], Status.PASS),
        case("object answers 404", mounted(SECRET), Status.NOT_ASSESSED),
        case("one object answers 404, another is disabled",
             [*mounted("objectName: gone\n    objectType: secret", SECRET), vault_secret(enabled=False)], Status.FAIL),
        case('objectVersion "latest"', [*mounted(f"{SECRET}\n    objectVersion: latest"), vault_secret(days=10)],
             Status.FAIL),
        case("secret pinned to an objectVersion", [*mounted(f"{SECRET}\n    objectVersion: ab12"), vault_secret()],
             Status.NOT_ASSESSED),
        case("key that expires in 10 days", [*mounted(KEY), vault_key(days=10)], Status.FAIL),
        case("key pinned to a version that expires in 10 days, newest version valid",
             [*mounted(f"{KEY}\n    objectVersion: ab12"), vault_key(), vault_key(version="ab12", days=10)],
             Status.FAIL),
        case("objectType cert", mounted("objectName: web\n    objectType: cert"), Status.NOT_ASSESSED),
        case("objects string is not YAML", [spc(objects="array: [")], Status.NOT_ASSESSED),
        case("objects without an array", [spc(objects="objectName: db")], Status.NOT_ASSESSED),
        case("provider gcp", [spc(provider="gcp")], Status.NOT_APPLICABLE),
        case("vaults/secrets/read missing", [*mounted(SECRET), vault_secret(days=10)], Status.NOT_ASSESSED,
             unreadable=[Need.VAULT_SECRETS]),
        case("vaults/keys/read missing", [*mounted(KEY), vault_key(days=10)], Status.NOT_ASSESSED,
             unreadable=[Need.VAULT_KEYS]),
        case("vault not in the inventory", mounted(SECRET)[:1], Status.NOT_ASSESSED),
        case("classes unreadable", mounted(SECRET), Status.NOT_ASSESSED, unreadable=[Need.SECRET_PROVIDER_CLASSES]),
    ],
)  # fmt: skip
def test_mounted_objects_are_valid(world, expected):
    assert evaluate(mounted_objects_are_valid, world).status is expected


def test_objects_without_an_end_are_listed_beside_those_that_end():
    world = inventory(*mounted(SECRET, KEY), vault_secret(days=-1), vault_key())
    (finding,) = evaluate(mounted_objects_are_valid, world).findings
    assert finding.message == "secret db ends on 2026-11-21"
    assert finding.evidence["withoutExpiry"] == ["key etcd"]
    assert finding.fill == {"object_type": "secret", "object_name": "db"}


def test_the_commands_for_a_key_are_those_for_keys():
    (finding,) = evaluate(mounted_objects_are_valid, inventory(*mounted(KEY), vault_key(enabled=False))).findings
    commands = remediation(mounted_objects_are_valid.fix.cli, {"vault": "kv-test", **finding.fill}).commands
    assert "az keyvault key set-attributes --vault-name kv-test --name etcd --enabled true" in commands
