"""The key with which etcd keeps Secrets."""

import msgspec
import pytest
from akscan.model.azure import (
    AccessPolicy,
    ManagedServiceIdentity,
    NetworkAcls,
    ObjectEncryption,
    SecurityProfile,
    VaultPermissions,
)
from akscan.model.decode import convert
from akscan.model.inventory import Inventory
from akscan.model.roles import RoleAssignment
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status, Vault
from akscan.testing import (
    CONTROL_PLANE_OBJECT_ID,
    SUBSCRIPTION,
    case,
    cluster,
    evaluate,
    evaluate_all,
    inventory,
    kms_cluster,
    managed_identity,
    member_of,
    role_assignment,
    role_definition,
    system_assigned,
    vault,
    vault_key,
)
from akscan_rules.secrets.kms import etcd_is_encrypted_with_kms, kms_key_is_usable

VERSION = "0123456789abcdef0123456789abcdef"
KEYS = "Microsoft.KeyVault/vaults/keys"
OTHER = managed_identity("id-other")
CRYPTO_USER = role_definition(
    "12338af0-0e69-4776-bea7-57ae8d297424",
    "Key Vault Crypto User",
    data_actions=[f"{KEYS}/read", f"{KEYS}/encrypt/action", f"{KEYS}/decrypt/action"],
)
READER = role_definition("21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader", data_actions=[f"{KEYS}/read"])


def holder(*, action="Deny", bypass="AzureServices", public="Enabled", **fields):
    """A vault for the key: roles decide, it cannot be purged, its firewall lets trusted services through."""
    return vault(
        public_network_access=Token(public),
        network_acls=NetworkAcls(default_action=Token(action), bypass=Token(bypass)),
        **{"enable_rbac_authorization": True, "enable_purge_protection": True, **fields},
    )


RIGHT = [CRYPTO_USER, role_assignment(CONTROL_PLANE_OBJECT_ID, CRYPTO_USER, holder().id)]
CURRENT = [kms_cluster(), *RIGHT]


def legacy(**fields):
    return [kms_cluster(version=VERSION, **fields), vault_key(), vault_key(version=VERSION), *RIGHT]


def policies(*permissions, **others):
    given = {CONTROL_PLANE_OBJECT_ID: permissions, **others}
    found = tuple(
        AccessPolicy(object_id=Token(principal), permissions=VaultPermissions(keys=tuple(map(Token, granted))))
        for principal, granted in given.items()
    )
    return holder(enable_rbac_authorization=False, access_policies=found)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "unversioned key, no expiry, purge protection, Deny with bypass AzureServices, Crypto User",
            [*CURRENT, holder(), vault_key()],
            Status.PASS,
        ),
        case("key expires in 20 days", [*CURRENT, holder(), vault_key(days=20)], Status.FAIL),
        case("key expires in 60 days", [*CURRENT, holder(), vault_key(days=60)], Status.FAIL),
        case("key expires in 61 days", [*CURRENT, holder(), vault_key(days=61)], Status.PASS),
        case(
            "key expires in 61 days, warned 90 days before",
            [*CURRENT, holder(), vault_key(days=61)],
            Status.FAIL,
            parameters={"warn_days": 90},
        ),
        case(
            "unversioned key with a rotate action, expires in 20 days",
            [*CURRENT, holder(), vault_key(days=20, rotates=True)],
            Status.PASS,
        ),
        case(
            "unversioned key with a rotate action, expired yesterday",
            [*CURRENT, holder(), vault_key(days=-1, rotates=True)],
            Status.FAIL,
        ),
        case("key disabled", [*CURRENT, holder(), vault_key(enabled=False)], Status.FAIL),
        case(
            "versioned key with a rotate action, version expires in 20 days",
            [
                kms_cluster(version=VERSION, access="Private", api_server={"enable_vnet_integration": True}),
                vault_key(version=VERSION, days=20, rotates=True),
                holder(),
                *RIGHT,
            ],
            Status.FAIL,
        ),
        case(
            "purge protection absent",
            [*CURRENT, holder(enable_purge_protection=None), vault_key()],
            Status.FAIL,
        ),
        case("purge protection off", [*CURRENT, holder(enable_purge_protection=False), vault_key()], Status.FAIL),
        case("versioned key, Public, vault Deny", [*legacy(), holder()], Status.FAIL),
        case("versioned key, Public, vault Disabled", [*legacy(), holder(action="Allow", public="Disabled")],
             Status.FAIL),
        case("versioned key, Public, vault open", [*legacy(), holder(action="Allow")], Status.PASS),
        case("versioned key, Public without the resource id of the vault", [*legacy(by_id=False), holder()],
             Status.FAIL),
        case("unversioned key, SecuredByPerimeter", [*CURRENT, holder(public="SecuredByPerimeter"), vault_key()],
             Status.NOT_ASSESSED),
        case("unversioned key, SecuredByPerimeter, Deny, bypass None",
             [*CURRENT, holder(public="SecuredByPerimeter", bypass="None"), vault_key()], Status.NOT_ASSESSED),
        case("versioned key, Public, SecuredByPerimeter", [*legacy(), holder(public="SecuredByPerimeter")],
             Status.NOT_ASSESSED),
        case("versioned key, Public, SecuredByPerimeter, system-assigned identity",
             [*legacy(identity=system_assigned()), holder(public="SecuredByPerimeter")], Status.FAIL),
        case("versioned key, Private, SecuredByPerimeter",
             [*legacy(access="Private", api_server={"enable_vnet_integration": True}),
              holder(public="SecuredByPerimeter")], Status.PASS),
        case(
            "versioned key, Private, enableVnetIntegration true",
            [*legacy(access="Private", api_server={"enable_vnet_integration": True}), holder()],
            Status.PASS,
        ),
        case("versioned key, Private, no VNet integration", [*legacy(access="Private"), holder()], Status.FAIL),
        case("versioned key, system-assigned identity", [*legacy(identity=system_assigned()), holder(action="Allow")],
             Status.FAIL),
        case("unversioned key, system-assigned identity",
             [kms_cluster(identity=system_assigned()), holder(), vault_key(), *RIGHT], Status.PASS),
        case("unversioned key, Deny, bypass None", [*CURRENT, holder(bypass="None"), vault_key()], Status.FAIL),
        case("unversioned key, Deny, bypass absent", [*CURRENT, holder(bypass=""), vault_key()], Status.PASS),
        case("unversioned key, Allow, bypass None", [*CURRENT, holder(action="Allow", bypass="None"), vault_key()],
             Status.PASS),
        case("identity without encrypt and decrypt", [kms_cluster(), holder(), vault_key()], Status.FAIL),
        case(
            "identity that reads keys only",
            [kms_cluster(), holder(), vault_key(), READER,
             role_assignment(CONTROL_PLANE_OBJECT_ID, READER, holder().id)],
            Status.FAIL,
        ),
        case(
            "role on the subscription",
            [kms_cluster(), holder(), vault_key(), CRYPTO_USER,
             role_assignment(CONTROL_PLANE_OBJECT_ID, CRYPTO_USER, SUBSCRIPTION)],
            Status.PASS,
        ),
        case(
            "role of a group of which the identity is no member",
            [kms_cluster(), holder(), vault_key(), CRYPTO_USER,
             role_assignment("some-group", CRYPTO_USER, holder().id, principal_type="Group")],
            Status.FAIL,
        ),
        case("policy with encrypt and decrypt", [kms_cluster(), policies("Encrypt", "decrypt", "get"), vault_key()],
             Status.PASS),
        case("policy All", [kms_cluster(), policies("All"), vault_key()], Status.PASS),
        case("policy without decrypt", [kms_cluster(), policies("encrypt"), vault_key()], Status.FAIL),
        case("policy of a group that the identity is in",
             [kms_cluster(), policies("get", crypto=["encrypt", "decrypt"]), vault_key(),
              member_of(CONTROL_PLANE_OBJECT_ID, role_assignment("crypto", READER, SUBSCRIPTION))], Status.PASS),
        case("policy of somebody who may be such a group",
             [kms_cluster(), policies("get", crypto=["encrypt", "decrypt"]), vault_key()], Status.NOT_ASSESSED),
        case("policies of somebody who may be such a group, and of the identity",
             [kms_cluster(), policies("encrypt", crypto=["all"]), vault_key()], Status.NOT_ASSESSED),
        case("policy of somebody who may be such a group, without decrypt",
             [kms_cluster(), policies("get", crypto=["encrypt"]), vault_key()], Status.FAIL),
        case("policy of a service principal",
             [kms_cluster(), policies("get", crypto=["all"]), vault_key(),
              role_assignment("crypto", READER, SUBSCRIPTION, principal_type="ServicePrincipal")], Status.FAIL),
        case("policy of another managed identity",
             [kms_cluster(), policies("get", **{OTHER.properties.principal_id: ["all"]}), vault_key(), OTHER],
             Status.FAIL),
        case("policy of a group that the identity is not in",
             [kms_cluster(), policies("get", crypto=["all"]), vault_key(),
              role_assignment("crypto", READER, SUBSCRIPTION, principal_type="Group"),
              member_of(CONTROL_PLANE_OBJECT_ID)], Status.FAIL),
        case("policy of a group whose members were not read",
             [kms_cluster(), policies("get", crypto=["all"]), vault_key(),
              role_assignment("crypto", READER, SUBSCRIPTION, principal_type="Group")], Status.NOT_ASSESSED,
             unreadable=[Need.ROLE_ASSIGNMENTS]),
        case("roles beside policies count for nothing",
             [kms_cluster(), policies("get"), vault_key(), *RIGHT], Status.FAIL),
        case("KMS off", [cluster(), holder()], Status.NOT_APPLICABLE),
        case(
            "keys unreadable, nothing else wrong",
            [*CURRENT, holder(), vault_key()],
            Status.NOT_ASSESSED,
            unreadable=[Need.VAULT_KEYS],
        ),
        case("key that is not there", [*CURRENT, holder()], Status.NOT_ASSESSED),
        case("version unreadable", [*legacy(), holder(action="Allow")], Status.NOT_ASSESSED,
             unreadable=[Need.VAULT_KEY_VERSIONS]),
        case("keys unreadable, purge protection absent", [*CURRENT, holder(enable_purge_protection=None)],
             Status.FAIL, unreadable=[Need.VAULT_KEYS]),
        case("vault not in the inventory", [*CURRENT], Status.NOT_ASSESSED),
        case("role assignments unreadable", [*CURRENT, holder(), vault_key()], Status.NOT_ASSESSED,
             unreadable=[Need.ROLE_ASSIGNMENTS]),
        case("roles unreadable", [*CURRENT, holder(), vault_key()], Status.NOT_ASSESSED,
             unreadable=[Need.ROLE_DEFINITIONS]),
        case("cluster unreadable", [*CURRENT, holder(), vault_key()], Status.NOT_ASSESSED, subject="aks",
             unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)  # fmt: skip
def test_kms_key_is_usable(world, expected):
    assert evaluate(kms_key_is_usable, world).status is expected


def test_a_vault_is_judged_once_for_all_its_clusters():
    world = inventory(
        kms_cluster(), kms_cluster("second", identity=system_assigned(), version=VERSION), holder(), vault_key(), *RIGHT
    )
    verdicts = evaluate_all(kms_key_is_usable, world)
    assert list(verdicts) == ["vault/kv-test"]
    messages = [finding.message for finding in verdicts["vault/kv-test"].findings]
    assert [message.split(" ")[0] for text in messages for message in text.split("; ")] == ["(c)", "(g)"]
    assert verdicts["vault/kv-test"].findings[0].evidence["notAssessed"]


def test_what_is_unknown_of_one_cluster_hides_no_fault_of_the_next():
    named_key = kms_cluster("second", version=VERSION, access="Private")
    world = inventory(kms_cluster(), named_key, holder(action="Allow"), vault_key(version=VERSION), *RIGHT)
    verdict = evaluate(kms_key_is_usable, world)
    assert verdict.status is Status.FAIL
    assert verdict.findings[0].message.startswith("(d) second ")


def test_roles_in_a_subscription_that_was_not_listed_are_unknown():
    far = "/subscriptions/00000000-0000-0000-0000-000000000002"
    moved = [
        msgspec.structs.replace(one, id=ArmId(one.id.replace(SUBSCRIPTION, far))) for one in (holder(), vault_key())
    ]
    world = inventory(kms_cluster(by_id=False), *moved)
    reads = tuple(r for r in world.azure.reads if (r.type, r.scope) != (RoleAssignment.arm_type, far))
    azure = msgspec.structs.replace(world.azure, reads=reads)
    verdict = evaluate(kms_key_is_usable, Inventory(world.manifest, azure))
    assert verdict.status is Status.NOT_ASSESSED
    assert verdict.gap.permission == Need.ROLE_ASSIGNMENTS


def test_the_commands_are_about_the_cluster_of_the_finding():
    other = ManagedServiceIdentity(type=Token("SystemAssigned"), principal_id=Token("second-principal"))
    (finding,) = evaluate(
        kms_key_is_usable,
        inventory(kms_cluster(), kms_cluster("second", identity=other), holder(), vault_key(), *RIGHT),
    ).findings
    assert finding.message == "(f) the control plane of second may not encrypt and decrypt with the key"
    assert finding.fill == {"control_plane_object_id": "second-principal"}


def test_keys_come_from_answers_without_their_value():
    key = convert(
        {"id": "/k", "properties": {"attributes": {"enabled": True, "exp": 1795316400}, "n": "canary-modulus",
         "rotationPolicy": {"lifetimeActions": [{"action": {"type": "rotate"}}]}}},
        type(vault_key()),
    )  # fmt: skip
    assert key.rotates
    assert key.properties.attributes.expiry == "2026-11-22"
    assert "canary" not in repr(key)
    assert convert({"id": "/v", "properties": {}}, Vault).properties.enable_purge_protection is None


def platform_managed(of=None):
    profile = of.properties.security_profile if of else SecurityProfile()
    managed = ObjectEncryption(infrastructure_encryption=Token("enabled"))
    return msgspec.structs.replace(profile, kubernetes_resource_object_encryption_profile=managed)


def named(version, *, at="1.34.2", managed=False):
    made = kms_cluster(version=version, current_kubernetes_version=at)
    if not managed:
        return made
    properties = msgspec.structs.replace(made.properties, security_profile=platform_managed(made))
    return msgspec.structs.replace(made, properties=properties)


OFF = convert({"azureKeyVaultKms": {"enabled": False, "keyId": "https://kv/keys/etcd/1"}}, SecurityProfile)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("both profiles absent", [cluster()], Status.FAIL),
        case("infrastructureEncryption Enabled, no KMS vault", [cluster(security_profile=platform_managed())],
             Status.PASS),
        case("KMS enabled, unversioned keyId, infrastructureEncryption Enabled", [named("", managed=True)],
             Status.PASS),
        case("KMS enabled, versioned keyId, infrastructureEncryption Enabled", [named(VERSION, managed=True)],
             Status.PASS),
        case("KMS enabled, unversioned keyId", [named("")], Status.PASS),
        case("KMS enabled, versioned keyId, 1.34", [named(VERSION)], Status.FAIL),
        case("KMS enabled, versioned keyId, 1.33", [named(VERSION, at="1.33.0")], Status.FAIL),
        case("KMS enabled, versioned keyId, 1.32", [named(VERSION, at="1.32.9")], Status.PASS),
        case("KMS enabled false", [cluster(security_profile=OFF)], Status.FAIL),
        case("report_legacy false, versioned keyId, 1.34", [named(VERSION)], Status.PASS,
             parameters={"report_legacy": False}),
        case("cluster unreadable", [cluster()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)  # fmt: skip
def test_etcd_is_encrypted_with_kms(world, expected):
    assert evaluate(etcd_is_encrypted_with_kms, world).status is expected
