"""Logs of the control plane: which are kept, for how long, and at what price."""

import pytest
from akscan.model.azure import (
    AadProfile,
    AutoScale,
    NodeProvisioningProfile,
    RetentionPolicy,
    ScaleProfile,
    VirtualMachinesProfile,
)
from akscan.model.text import Token
from akscan.sdk import Need, Status
from akscan.testing import (
    GROUP,
    STORAGE_ACCOUNT,
    WORKSPACE,
    case,
    cluster,
    diagnostic_setting,
    evaluate,
    inventory,
    node_pool,
    table,
    workspace,
)
from akscan_rules.observability.control_plane import (
    audit_logs_are_kept,
    audit_logs_are_retained,
    control_plane_logs_are_kept,
    read_auditing_is_cheap,
)

STORAGE = STORAGE_ACCOUNT
HUB = f"{GROUP}/providers/Microsoft.EventHub/namespaces/ehns/authorizationRules/send"
PARTNER = f"{GROUP}/providers/Microsoft.Elastic/monitors/elastic"
OTHER = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/log-other"

HERE = workspace()


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "kube-audit-admin enabled with workspaceId",
            [diagnostic_setting(categories=["kube-audit-admin"], workspace_id=WORKSPACE)],
            Status.PASS,
        ),
        case(
            "kube-audit enabled with eventHubAuthorizationRuleId only",
            [diagnostic_setting(categories=["kube-audit"], event_hub_authorization_rule_id=HUB)],
            Status.PASS,
        ),
        case(
            "categoryGroup allLogs enabled to storage",
            [diagnostic_setting(groups=["allLogs"], storage_account_id=STORAGE)],
            Status.PASS,
        ),
        case(
            "categoryGroup audit enabled to a partner",
            [diagnostic_setting(groups=["audit"], marketplace_partner_id=PARTNER)],
            Status.PASS,
        ),
        case(
            "kube-audit present with enabled false",
            [diagnostic_setting(off=["kube-audit"], workspace_id=WORKSPACE)],
            Status.FAIL,
        ),
        case(
            "only kube-apiserver enabled",
            [diagnostic_setting(categories=["kube-apiserver"], workspace_id=WORKSPACE)],
            Status.FAIL,
        ),
        case("no diagnostic setting", [], Status.FAIL),
        case(
            "kube-audit in one setting without destination, none elsewhere",
            [diagnostic_setting(categories=["kube-audit"])],
            Status.FAIL,
        ),
        case(
            "kube-audit without destination, the destination in another setting",
            [
                diagnostic_setting(categories=["kube-audit"]),
                diagnostic_setting("other", categories=["guard"], workspace_id=WORKSPACE),
            ],
            Status.FAIL,
        ),
        case(
            "the second of two settings keeps them",
            [
                diagnostic_setting("other", categories=["guard"], workspace_id=WORKSPACE),
                diagnostic_setting(categories=["kube-audit"], storage_account_id=STORAGE),
            ],
            Status.PASS,
        ),
        case(
            "a setting of another cluster",
            [
                cluster(),
                cluster("two"),
                diagnostic_setting(categories=["kube-audit"], workspace_id=WORKSPACE, cluster_name="two"),
            ],
            Status.FAIL,
            subject="aks",
        ),
        case(
            "diagnosticSettings forbidden",
            [diagnostic_setting(categories=["kube-audit"], workspace_id=WORKSPACE)],
            Status.NOT_ASSESSED,
            unreadable=[Need.DIAGNOSTIC_SETTINGS],
        ),
    ],
)
def test_audit_logs_are_kept(world, expected):
    assert evaluate(audit_logs_are_kept, world).status is expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "no diagnostic setting routes the logs of the control plane"),
        (
            [diagnostic_setting(categories=["guard"], workspace_id=WORKSPACE)],
            "no diagnostic setting (audit) routes kube-audit or kube-audit-admin",
        ),
        (
            [diagnostic_setting(categories=["kube-audit"])],
            "diagnostic setting audit has audit events but no destination",
        ),
    ],
)
def test_audit_finding_says_what_is_missing(settings, message):
    assert evaluate(audit_logs_are_kept, inventory(*settings)).findings[0].message == message


def test_audit_evidence_names_every_setting():
    world = inventory(
        diagnostic_setting("a", categories=["guard"], off=["kube-audit"], workspace_id=WORKSPACE),
        diagnostic_setting("b", groups=["audit"]),
    )
    finding = evaluate(audit_logs_are_kept, world).findings[0]
    assert finding.evidence["diagnosticSettings"] == (f"a: guard to {WORKSPACE}", "b: audit to nowhere")
    assert finding.fill == {"workspace_id": WORKSPACE}


def kept(*categories, **setting):
    return diagnostic_setting(categories=categories, **({"workspace_id": WORKSPACE} | setting))


AUTOSCALED = cluster(pools=[node_pool(enable_auto_scaling=True, min_count=3, max_count=5)])
MACHINES = VirtualMachinesProfile(scale=ScaleProfile(autoscale=(AutoScale(min_count=1, max_count=5),)))
AUTOSCALED_MACHINES = cluster(
    pools=[node_pool(type=Token("VirtualMachines"), count=None, virtual_machines_profile=MACHINES)]
)
PLAIN = cluster(aad_profile=None)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "guard, kube-apiserver, kube-controller-manager, cluster-autoscaler enabled on an autoscaled Entra cluster",
            [AUTOSCALED, kept("guard", "kube-apiserver", "kube-controller-manager", "cluster-autoscaler")],
            Status.PASS,
        ),
        case(
            "cluster-autoscaler missing on an autoscaled cluster",
            [AUTOSCALED, kept("guard", "kube-apiserver", "kube-controller-manager")],
            Status.FAIL,
        ),
        case(
            "cluster-autoscaler missing, virtual machines of one size autoscale",
            [AUTOSCALED_MACHINES, kept("guard", "kube-apiserver", "kube-controller-manager")],
            Status.FAIL,
        ),
        case(
            "guard missing, aadProfile.managed true", [kept("kube-apiserver", "kube-controller-manager")], Status.FAIL
        ),
        case(
            "guard missing, aadProfile absent", [PLAIN, kept("kube-apiserver", "kube-controller-manager")], Status.PASS
        ),
        case(
            "guard missing, aadProfile not managed",
            [cluster(aad_profile=AadProfile()), kept("kube-apiserver", "kube-controller-manager")],
            Status.PASS,
        ),
        case(
            "cluster-autoscaler missing, no pool autoscales",
            [kept("guard", "kube-apiserver", "kube-controller-manager")],
            Status.PASS,
        ),
        case(
            "nodeProvisioningProfile.mode Auto, karpenter-events missing",
            [
                cluster(node_provisioning_profile=NodeProvisioningProfile(mode=Token("Auto"))),
                kept("guard", "kube-apiserver", "kube-controller-manager"),
            ],
            Status.FAIL,
        ),
        case("categoryGroup allLogs", [AUTOSCALED, kept(groups=["allLogs"])], Status.PASS),
        case("categoryGroup audit only", [kept(groups=["audit"])], Status.FAIL),
        case(
            "categoryGroup audit has guard",
            [kept("kube-apiserver", "kube-controller-manager", groups=["audit"])],
            Status.PASS,
        ),
        case("no destination", [diagnostic_setting(groups=["allLogs"])], Status.FAIL),
        case(
            "spread over two settings",
            [
                PLAIN,
                kept("kube-apiserver"),
                diagnostic_setting("b", categories=["kube-controller-manager"], storage_account_id=STORAGE),
            ],
            Status.PASS,
        ),
        case(
            "a category that is required here",
            [PLAIN, kept("kube-apiserver", "kube-controller-manager")],
            Status.FAIL,
            parameters={"always_required": ("kube-scheduler",)},
        ),
        case(
            "diagnosticSettings forbidden",
            [kept(groups=["allLogs"])],
            Status.NOT_ASSESSED,
            unreadable=[Need.DIAGNOSTIC_SETTINGS],
        ),
    ],
)
def test_control_plane_logs_are_kept(world, expected):
    assert evaluate(control_plane_logs_are_kept, world).status is expected


def test_what_is_missing_is_named_with_the_reason():
    finding = evaluate(control_plane_logs_are_kept, inventory(kept(groups=["audit"]))).findings[0]
    assert finding.message == "no diagnostic setting keeps kube-apiserver, kube-controller-manager"
    assert "guard: sign-in through Microsoft Entra ID" in finding.evidence["required"]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("kube-audit-admin only", [kept("kube-audit-admin")], Status.NOT_APPLICABLE),
        case(
            "kube-audit to a workspace, Dedicated, AKSAudit plan Basic",
            [kept("kube-audit"), table("AKSAudit", plan="Basic")],
            Status.PASS,
        ),
        case(
            "kube-audit to a workspace, AzureDiagnostics mode", [kept("kube-audit", dedicated=False), HERE], Status.FAIL
        ),
        case("kube-audit, Dedicated, plan Analytics", [kept("kube-audit"), table("AKSAudit")], Status.FAIL),
        case("plan in another letter case", [kept("kube-audit"), table("AKSAudit", plan="analytics")], Status.FAIL),
        case("kube-audit, Dedicated, no such table yet", [kept("kube-audit"), HERE], Status.FAIL),
        case("kube-audit, Dedicated, the workspace is gone", [kept("kube-audit")], Status.NOT_APPLICABLE),
        case(
            "kube-audit, AzureDiagnostics mode, the workspace is gone",
            [kept("kube-audit", dedicated=False)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "the workspace of one setting is gone, another setting in AzureDiagnostics mode",
            [
                HERE,
                kept("kube-audit", dedicated=False),
                diagnostic_setting("b", categories=["kube-audit"], workspace_id=OTHER),
            ],
            Status.FAIL,
        ),
        case(
            "the workspace of one setting is gone, another setting on plan Basic",
            [
                kept("kube-audit"),
                table("AKSAudit", plan="Basic"),
                diagnostic_setting("b", categories=["kube-audit"], workspace_id=OTHER),
            ],
            Status.PASS,
        ),
        case(
            "kube-audit, Dedicated, plan Basic, workspaces forbidden",
            [kept("kube-audit"), table("AKSAudit", plan="Basic"), HERE],
            Status.PASS,
            unreadable=[Need.WORKSPACES],
        ),
        case(
            "kube-audit, AzureDiagnostics mode, workspaces forbidden",
            [kept("kube-audit", dedicated=False), HERE],
            Status.NOT_ASSESSED,
            unreadable=[Need.WORKSPACES],
        ),
        case(
            "categoryGroup allLogs, Dedicated, plan Analytics",
            [kept(groups=["allLogs"]), table("AKSAudit")],
            Status.FAIL,
        ),
        case("kube-audit switched off", [kept("guard", off=["kube-audit"])], Status.NOT_APPLICABLE),
        case(
            "kube-audit to a storage account only",
            [diagnostic_setting(categories=["kube-audit"], storage_account_id=STORAGE)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "kube-audit, Dedicated, tables forbidden",
            [kept("kube-audit"), table("AKSAudit", plan="Basic")],
            Status.NOT_ASSESSED,
            unreadable=[Need.WORKSPACE_TABLES],
        ),
        case(
            "tables forbidden, another setting in AzureDiagnostics mode",
            [kept("kube-audit"), kept("kube-audit", name="b", dedicated=False), HERE],
            Status.FAIL,
            unreadable=[Need.WORKSPACE_TABLES],
        ),
        case(
            "read_audit_on_analytics true",
            [kept("kube-audit", dedicated=False)],
            Status.NOT_APPLICABLE,
            parameters={"read_audit_on_analytics": True},
        ),
    ],
)
def test_read_auditing_is_cheap(world, expected):
    assert evaluate(read_auditing_is_cheap, world).status is expected


def diagnostics(days=30, **setting):
    return [
        kept("kube-audit", dedicated=False, **setting),
        table("AzureDiagnostics", days=-1),
        workspace(retention_in_days=days),
    ]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "Dedicated, AKSAuditAdmin totalRetentionInDays 365",
            [kept("kube-audit-admin"), table("AKSAuditAdmin", days=365), workspace(retention_in_days=30)],
            Status.PASS,
        ),
        case(
            "Dedicated, only kube-audit-admin collected, AKSAuditAdmin 30, AKSAudit 365",
            [kept("kube-audit-admin"), table("AKSAuditAdmin", days=30), table("AKSAudit", days=365), workspace()],
            Status.FAIL,
        ),
        case(
            "Dedicated, both collected, AKSAuditAdmin 30, AKSAudit 365",
            [kept(groups=["audit"]), table("AKSAuditAdmin", days=30), table("AKSAudit", days=365), workspace()],
            Status.PASS,
        ),
        case("AzureDiagnostics mode, workspace retentionInDays 30, table value -1", diagnostics(), Status.FAIL),
        case("89 days", diagnostics(89), Status.FAIL),
        case("90 days", diagnostics(90), Status.PASS),
        case("the table absent, the workspace at 180", [kept("kube-audit"), workspace()], Status.PASS),
        case("the workspace gone", [kept("kube-audit")], Status.FAIL),
        case(
            "the workspace does not say", [kept("kube-audit"), workspace(retention_in_days=None)], Status.NOT_ASSESSED
        ),
        case(
            "workspace 30 days and an Event Hubs destination",
            diagnostics(event_hub_authorization_rule_id=HUB),
            Status.PASS,
        ),
        case(
            "storage only, retentionPolicy.enabled true days 30",
            [
                diagnostic_setting(
                    categories=["kube-audit"],
                    storage_account_id=STORAGE,
                    retention=RetentionPolicy(enabled=True, days=30),
                )
            ],
            Status.PASS,
        ),
        case(
            "storage only, retentionPolicy.enabled false",
            [diagnostic_setting(categories=["kube-audit"], storage_account_id=STORAGE)],
            Status.PASS,
        ),
        case(
            "two workspaces, one at 30 and one at 180",
            [
                *diagnostics(),
                diagnostic_setting("b", categories=["kube-audit"], workspace_id=OTHER),
                workspace(OTHER),
            ],
            Status.PASS,
        ),
        case("no audit collection", [kept("kube-apiserver")], Status.NOT_APPLICABLE),
        case(
            "tables forbidden, workspace retentionInDays 180",
            [kept("kube-audit"), workspace()],
            Status.NOT_ASSESSED,
            unreadable=[Need.WORKSPACE_TABLES],
        ),
        case(
            "a year is required",
            diagnostics(180),
            Status.FAIL,
            parameters={"min_retention_days": 365},
        ),
    ],
)
def test_audit_logs_are_retained(world, expected):
    assert evaluate(audit_logs_are_retained, world).status is expected


def test_the_table_with_too_few_days_is_named():
    policy = RetentionPolicy(enabled=True, days=365)
    finding = evaluate(audit_logs_are_retained, inventory(*diagnostics(retention=policy))).findings[0]
    expected = "AzureDiagnostics of workspace log-shared keeps audit events for 30 days, 90 are required"
    assert finding.message == expected
    assert finding.evidence["retentionPolicyWithoutEffect"] is True
    assert finding.fill == {
        "workspace": "log-shared",
        "workspace_resource_group": "rg-test",
        "table": "AzureDiagnostics",
    }
