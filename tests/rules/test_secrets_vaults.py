"""The key vaults that clusters depend on."""

import pytest
from akscan.model.azure import AccessPolicy, VaultPermissions
from akscan.model.decode import convert
from akscan.model.text import Token
from akscan.sdk import Need, Status, Vault
from akscan.testing import (
    case,
    cluster,
    diagnostic_setting,
    evaluate,
    evaluate_all,
    inventory,
    kms_cluster,
    on,
    secret_provider_class,
    vault,
)
from akscan_rules.secrets.vaults import access_to_vaults_is_logged, deleted_secrets_can_be_recovered
from akscan_rules.secrets.vaults import vaults_authorize_by_roles as by_roles

USED = secret_provider_class("kv-test")


def answered(**properties):
    """The test vault as ARM answers it."""
    return convert({"id": str(vault().id), "name": "kv-test", "properties": properties}, Vault)


UNREADABLE = [
    case("vault not in the inventory", [USED, vault("another")], Status.NOT_ASSESSED),
    case("vaults unreadable", [USED, vault()], Status.NOT_ASSESSED, subject="kv-test", unreadable=[Need.VAULTS]),
    case(
        "SecretProviderClasses unreadable",
        [USED, vault()],
        Status.NOT_ASSESSED,
        unreadable=[Need.SECRET_PROVIDER_CLASSES],
    ),
    case("no vault used", [vault()], Status.NOT_APPLICABLE),
]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("enableRbacAuthorization true", [USED, answered(enableRbacAuthorization=True)], Status.PASS),
        case("enableRbacAuthorization false", [USED, answered(enableRbacAuthorization=False)], Status.FAIL),
        case("enableRbacAuthorization null", [USED, answered(enableRbacAuthorization=None)], Status.FAIL),
        case("enableRbacAuthorization absent", [USED, answered()], Status.FAIL),
        case(
            "vault not used by the cluster",
            [USED, vault(enable_rbac_authorization=True), vault("kv-other")],
            Status.PASS,
        ),
        case("vault of the key of etcd", [kms_cluster(), answered()], Status.FAIL),
        *UNREADABLE,
    ],
)
def test_vaults_authorize_by_roles(world, expected):
    assert evaluate(by_roles, world).status is expected


def test_policies_that_do_more_than_read_are_counted():
    policies = tuple(
        AccessPolicy(object_id=Token(who), permissions=VaultPermissions(secrets=tuple(map(Token, permissions))))
        for who, permissions in (("a", ["Get", "List"]), ("b", ["get", "Set"]), ("c", ["All"]))
    )
    world = inventory(cluster(), cluster("second"), USED, on("second", USED), vault(access_policies=policies))
    verdicts = evaluate_all(by_roles, world)
    assert list(verdicts) == ["vault/kv-test"]
    evidence = verdicts["vault/kv-test"].findings[0].evidence
    assert (evidence["accessPolicies"], evidence["accessPoliciesBeyondGetAndList"]) == (3, 2)
    assert evidence["usedBy"] == ["aks: shop/spc-kv-test", "second: shop/spc-kv-test"]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "soft delete true, purge protection true",
            [USED, answered(enableSoftDelete=True, enablePurgeProtection=True)],
            Status.PASS,
        ),
        case("soft delete absent, purge protection true", [USED, answered(enablePurgeProtection=True)], Status.PASS),
        case("purge protection absent", [USED, answered(enableSoftDelete=True)], Status.FAIL),
        case("purge protection false", [USED, answered(enablePurgeProtection=False)], Status.FAIL),
        case("soft delete false", [USED, answered(enableSoftDelete=False, enablePurgeProtection=True)], Status.FAIL),
        case("only the KMS vault", [kms_cluster(), answered()], Status.NOT_APPLICABLE),
        case("vault of the key of etcd that is mounted too", [kms_cluster(), USED, answered()], Status.FAIL),
        case("being recovered", [USED, answered(createMode="recover")], Status.NOT_APPLICABLE),
        *UNREADABLE,
    ],
)
def test_deleted_secrets_can_be_recovered(world, expected):
    assert evaluate(deleted_secrets_can_be_recovered, world).status is expected


def logged(*, to="workspace_id", **logs):
    destination = {to: "/subscriptions/s/to"} if to else {}
    return [USED, vault(), diagnostic_setting(of=vault().id, **logs, **destination)]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("categoryGroup audit enabled, workspace", logged(groups=["audit"]), Status.PASS),
        case(
            "categoryGroup allLogs enabled, event hub",
            logged(groups=["allLogs"], to="event_hub_authorization_rule_id"),
            Status.PASS,
        ),
        case(
            "category AuditEvent enabled, storage",
            logged(categories=["auditevent"], to="storage_account_id"),
            Status.PASS,
        ),
        case("only AllMetrics", logged(), Status.FAIL),
        case("AuditEvent with enabled false", logged(off=["AuditEvent"]), Status.FAIL),
        case("AuditEvent that goes nowhere", logged(categories=["AuditEvent"], to=""), Status.FAIL),
        case("another category", logged(categories=["AzurePolicyEvaluationDetails"]), Status.FAIL),
        case("no setting", [USED, vault()], Status.FAIL),
        case("setting of the cluster", [USED, vault(), diagnostic_setting(groups=["audit"], workspace_id="/w")],
             Status.FAIL),
        case(
            "settings unreadable",
            logged(groups=["audit"]),
            Status.NOT_ASSESSED,
            subject="kv-test",
            unreadable=[Need.DIAGNOSTIC_SETTINGS],
        ),
        *UNREADABLE,
    ],
)  # fmt: skip
def test_access_to_vaults_is_logged(world, expected):
    assert evaluate(access_to_vaults_is_logged, world).status is expected
