"""Workload identity, from the pod to the credential and to what it opens."""

import msgspec
import pytest
from akscan.model.azure import OidcIssuerProfile, SecurityProfile
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import Inventory
from akscan.model.kubernetes import (
    Condition,
    CsiAttributes,
    CsiVolume,
    EnvVar,
    JobStatus,
    MutatingWebhookConfiguration,
    Namespace,
    OwnerReference,
    Volume,
)
from akscan.sdk import Need, Status
from akscan.testing import (
    CONTRIBUTOR,
    GROUP,
    IDENTITIES,
    SUBSCRIPTION,
    case,
    cluster,
    container,
    evaluate,
    evaluate_all,
    federated_credential,
    identity_binding,
    inventory,
    job,
    managed_identity,
    named,
    pod,
    pod_spec,
    role_assignment,
    role_definition,
    secret_provider_class,
    service_account,
    workload,
)
from akscan_rules.identity.workloads import (
    federated_credentials_trust_dedicated_accounts,
    federated_identities_are_no_administrators,
    workload_identity_is_wired,
)

APP = managed_identity("id-app")
CLIENT = APP.properties.client_id
LABELLED = {"app": "app", "azure.workload.identity/use": "true"}
ACCOUNT = service_account("app", client_id=CLIENT)
CREDENTIAL = federated_credential(APP.id)
DONE = JobStatus(conditions=(Condition(type="Complete", status="True"),))
OFF = cluster(security_profile=SecurityProfile())
WEBHOOK = named(MutatingWebhookConfiguration, "azure-wi-webhook-mutating-webhook-configuration")
AS_ENVIRONMENT = (EnvVar(name="AZURE_CLIENT_ID"),)


def app(labels=None, *, env=None, mounts="", **fields):
    """A Deployment that acts as service account app."""
    volume = Volume(csi=CsiVolume(volume_attributes=CsiAttributes(secret_provider_class=mounts)))
    spec = pod_spec(container(env=env), service_account_name="app", volumes=(volume,) if mounts else None)
    return workload(spec=spec, labels=LABELLED if labels is None else labels, **fields)


def rollout(labels):
    """A pod of a controller that akscan does not read."""
    made = pod(labels=labels, spec=pod_spec(service_account_name="app"))
    owner = OwnerReference(kind="Rollout", name="app", uid="r", controller=True, api_version="argoproj.io/v1alpha1")
    return msgspec.structs.replace(made, metadata=msgspec.structs.replace(made.metadata, owner_references=(owner,)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("annotation, label and matching credential", [app(), ACCOUNT, APP, CREDENTIAL], Status.PASS),
        case("annotation without label", [app({}), ACCOUNT, APP, CREDENTIAL], Status.FAIL),
        case(
            "annotation without label, SecretProviderClass with the same clientID mounted",
            [app({}, mounts="spc-kv"), secret_provider_class("kv", client_id=CLIENT), ACCOUNT, APP, CREDENTIAL],
            Status.PASS,
        ),
        case(
            "annotation without label, the same clientID in capitals mounted",
            [app({}, mounts="spc-kv"), secret_provider_class("kv", client_id=CLIENT.upper()), ACCOUNT, APP, CREDENTIAL],
            Status.PASS,
        ),
        case(
            "label without annotation, AZURE_CLIENT_ID set",
            [app(env=AS_ENVIRONMENT), service_account("app")],
            Status.PASS,
        ),
        case("label without annotation or variable", [app(), service_account("app")], Status.FAIL),
        case(
            "credential subject names another namespace",
            [app(), ACCOUNT, APP, federated_credential(APP.id, service_account="other/app")],
            Status.FAIL,
        ),
        case(
            "issuer differs only by trailing slash",
            [app(), ACCOUNT, APP, federated_credential(APP.id, issuer="https://oidc.example/aks")],
            Status.PASS,
        ),
        case("identity binding instead of credential", [app(), ACCOUNT, APP, identity_binding(APP.id)], Status.PASS),
        case("client id of an application registration", [app(), ACCOUNT], Status.NOT_ASSESSED),
        case("label true, feature and webhook absent", [OFF, app(), ACCOUNT, APP, CREDENTIAL], Status.FAIL),
        case("neither annotation nor label", [app({}), service_account("app")], Status.NOT_APPLICABLE),
        case("the account does not exist, no label", [app({})], Status.NOT_APPLICABLE),
        case("the account does not exist, label", [app()], Status.FAIL),
        case("label of another value", [app({"azure.workload.identity/use": "True"}), ACCOUNT, APP], Status.FAIL),
        case("a system namespace", [app(namespace="kube-system")], Status.NOT_APPLICABLE),
        case("the webhook installed by hand", [OFF, WEBHOOK, app(), ACCOUNT, APP, CREDENTIAL], Status.PASS),
        case(
            "Workload ID off, webhooks unreadable",
            [OFF, app(), ACCOUNT, APP, CREDENTIAL],
            Status.NOT_ASSESSED,
            unreadable=[Need.MUTATING_WEBHOOKS],
        ),
        case(
            "Workload ID on, webhooks unreadable",
            [app(), ACCOUNT, APP, CREDENTIAL],
            Status.PASS,
            unreadable=[Need.MUTATING_WEBHOOKS],
        ),
        case(
            "annotation without label, another clientID mounted",
            [app({}, mounts="spc-kv"), secret_provider_class("kv", client_id="other"), ACCOUNT, APP, CREDENTIAL],
            Status.FAIL,
        ),
        case(
            "annotation without label, the class is gone",
            [app({}, mounts="spc-kv"), ACCOUNT, APP, CREDENTIAL],
            Status.FAIL,
        ),
        case(
            "annotation without label, classes unreadable",
            [app({}, mounts="spc-kv"), ACCOUNT, APP, CREDENTIAL],
            Status.NOT_ASSESSED,
            unreadable=[Need.SECRET_PROVIDER_CLASSES],
        ),
        case(
            "credential of another letter case in the subject",
            [app(), ACCOUNT, APP, federated_credential(APP.id, service_account="shop/App")],
            Status.FAIL,
        ),
        case(
            "credential of another issuer",
            [app(), ACCOUNT, APP, federated_credential(APP.id, issuer="https://oidc.example/other")],
            Status.FAIL,
        ),
        case(
            "credential of another audience",
            [app(), ACCOUNT, APP, federated_credential(APP.id, audiences=("api://mine",))],
            Status.FAIL,
        ),
        case(
            "credential of an audience by parameter",
            [app(), ACCOUNT, APP, federated_credential(APP.id, audiences=("api://mine",))],
            Status.PASS,
            parameters={"audiences": ("api://mine",)},
        ),
        case(
            "credential of another identity",
            [app(), ACCOUNT, APP, other := managed_identity("id-other"), federated_credential(other.id)],
            Status.FAIL,
        ),
        case(
            "no issuer",
            [
                cluster(oidc_issuer_profile=OidcIssuerProfile()),
                app(),
                ACCOUNT,
                APP,
                federated_credential(APP.id, issuer=""),
            ],
            Status.NOT_ASSESSED,
        ),
        case(
            "client id in capitals",
            [app(), service_account("app", client_id=CLIENT.upper()), APP, CREDENTIAL],
            Status.PASS,
        ),
        case(
            "a Job that is over",
            [job(spec=pod_spec(service_account_name="app"), pods=0, status=DONE), ACCOUNT, APP, CREDENTIAL],
            Status.NOT_APPLICABLE,
        ),
        case(
            "a Job that runs",
            [job(spec=pod_spec(service_account_name="app")), ACCOUNT, APP, CREDENTIAL],
            Status.FAIL,
        ),
        case("a bare pod", [pod(labels=LABELLED, spec=pod_spec(service_account_name="app"))], Status.FAIL),
        case("a controller of another kind, label", [rollout(LABELLED), ACCOUNT, APP, CREDENTIAL], Status.PASS),
        case("a controller of another kind, no label", [rollout({}), ACCOUNT, APP, CREDENTIAL], Status.FAIL),
        case(
            "accounts unreadable, label",
            [app(), APP, CREDENTIAL],
            Status.NOT_ASSESSED,
            unreadable=[Need.SERVICE_ACCOUNTS],
        ),
        case("accounts unreadable, no label", [app({})], Status.NOT_ASSESSED, unreadable=[Need.SERVICE_ACCOUNTS]),
        case("accounts unreadable, Workload ID off", [OFF, app()], Status.FAIL, unreadable=[Need.SERVICE_ACCOUNTS]),
        case(
            "credentials unreadable",
            [app(), ACCOUNT, APP],
            Status.NOT_ASSESSED,
            unreadable=[Need.FEDERATED_CREDENTIALS],
        ),
        case("bindings unreadable", [app(), ACCOUNT, APP], Status.NOT_ASSESSED, unreadable=[Need.IDENTITY_BINDINGS]),
        case(
            "bindings unreadable, matching credential",
            [app(), ACCOUNT, APP, CREDENTIAL],
            Status.PASS,
            unreadable=[Need.IDENTITY_BINDINGS],
        ),
        case(
            "identities unreadable", [app(), ACCOUNT], Status.NOT_ASSESSED, unreadable=[Need.USER_ASSIGNED_IDENTITIES]
        ),
        case("pods unreadable", [app(), ACCOUNT, APP], Status.NOT_ASSESSED, subject="app", unreadable=[Need.PODS]),
        case("cluster unreadable", [app(), ACCOUNT], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_workload_identity_is_wired(world, expected):
    assert evaluate(workload_identity_is_wired, world).status is expected


def test_the_missing_link_is_named_and_filled_in():
    wrong = federated_credential(APP.id, service_account="other/app")
    (finding,) = evaluate(workload_identity_is_wired, inventory(app(), ACCOUNT, APP, wrong)).findings
    assert finding.message == "no credential of id-app trusts system:serviceaccount:shop:app of this cluster"
    assert finding.evidence == {
        "serviceAccountName": "app",
        "azure.workload.identity/client-id": CLIENT,
        "issuer": "https://oidc.example/aks",
        "subject": "system:serviceaccount:shop:app",
        "identity": APP.id,
        "federatedIdentityCredentials": ("app: https://oidc.example/aks/ system:serviceaccount:other:app",),
    }
    assert finding.fill == {
        "service_account": "app",
        "template_path": "/spec/template",
        "identity": "id-app",
        "resource_group": "rg-test",
        "client_id": CLIENT,
    }


def test_the_group_of_an_identity_that_is_not_known_is_left_to_the_reader():
    (finding,) = evaluate(workload_identity_is_wired, inventory(app(), service_account("app"))).findings
    assert finding.fill["resource_group"] == ""


# --- IDN-012

SHOP = named(Namespace, "shop")
EXISTS = [SHOP, service_account("app")]


def trusting(account="shop/app", **fields):
    return [APP, federated_credential(APP.id, service_account=account, **fields)]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("subject names an existing dedicated account", [*EXISTS, *trusting()], Status.PASS),
        case("subject names a deleted namespace", [*EXISTS, *trusting("gone/app")], Status.FAIL),
        case("subject names a deleted account", [*EXISTS, *trusting("shop/gone")], Status.FAIL),
        case("subject ends in :default", [*EXISTS, service_account(), *trusting("shop/default")], Status.FAIL),
        case("audience is custom", [*EXISTS, *trusting(audiences=("api://mine",))], Status.FAIL),
        case(
            "issuer of another cluster",
            [*EXISTS, *trusting("gone/app", issuer="https://oidc.example/other")],
            Status.NOT_APPLICABLE,
        ),
        case(
            "credential aks-identity-binding",
            [*EXISTS, *trusting("gone/app", name="aks-identity-binding")],
            Status.NOT_APPLICABLE,
        ),
        case(
            "service accounts unreadable", [SHOP, *trusting()], Status.NOT_ASSESSED, unreadable=[Need.SERVICE_ACCOUNTS]
        ),
        case("the issuer differs by a slash", [*trusting("gone/app", issuer="https://oidc.example/aks")], Status.FAIL),
        case(
            "a binding beside, no credential",
            [*EXISTS, APP, identity_binding(APP.id)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "a custom audience by parameter",
            [*EXISTS, *trusting(audiences=("api://mine",))],
            Status.PASS,
            parameters={"audiences": ("api://mine",)},
        ),
        case("subject of a user", [*EXISTS, *trusting(subject="system:node:aks")], Status.FAIL),
        case("subject without a name", [*EXISTS, *trusting(subject="system:serviceaccount:shop:")], Status.FAIL),
        case(
            "subject with a part too much",
            [*EXISTS, *trusting(subject="system:serviceaccount:shop:app:x")],
            Status.FAIL,
        ),
        case(
            "issuer not enabled",
            [cluster(oidc_issuer_profile=OidcIssuerProfile()), *trusting(issuer="")],
            Status.NOT_APPLICABLE,
        ),
        case("no identity at all", EXISTS, Status.NOT_APPLICABLE),
        case(
            "service accounts unreadable, namespace gone",
            [SHOP, *trusting("gone/app")],
            Status.FAIL,
            unreadable=[Need.SERVICE_ACCOUNTS],
        ),
        case("namespaces unreadable, account there", [*EXISTS, *trusting()], Status.PASS, unreadable=[Need.NAMESPACES]),
        case("namespaces unreadable, account gone", [*trusting()], Status.FAIL, unreadable=[Need.NAMESPACES]),
        case(
            "one credential unknown, another for default",
            [SHOP, *trusting(), federated_credential(APP.id, service_account="shop/default", name="second")],
            Status.FAIL,
            unreadable=[Need.SERVICE_ACCOUNTS],
        ),
        case("credentials unreadable", [APP], Status.NOT_ASSESSED, unreadable=[Need.FEDERATED_CREDENTIALS]),
        case("identities unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.USER_ASSIGNED_IDENTITIES]),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_federated_credentials_trust_dedicated_accounts(world, expected):
    assert evaluate(federated_credentials_trust_dedicated_accounts, world).status is expected


def test_every_credential_is_named_with_its_fault():
    things = [
        *EXISTS,
        *trusting("gone/app"),
        federated_credential(APP.id, service_account="shop/gone", name="second"),
        federated_credential(APP.id, service_account="shop/default", name="third", audiences=("api://mine",)),
        role_assignment(APP.properties.principal_id, CONTRIBUTOR, GROUP),
        role_definition(CONTRIBUTOR, "Contributor", actions=["*"]),
    ]
    (finding,) = evaluate(federated_credentials_trust_dedicated_accounts, inventory(*things)).findings
    assert finding.message == (
        "credential app (b) trusts service account app of namespace gone, which does not exist; "
        "credential second (b) trusts service account gone, which namespace shop does not have; "
        "credential third (d) has audience api://mine; "
        "credential third (c) trusts system:serviceaccount:shop:default, which every pod of the namespace can be; "
        "credential third (b) trusts service account default, which namespace shop does not have"
    )
    assert finding.evidence["roles"] == (f"Contributor on {GROUP}",)
    assert finding.evidence["federatedIdentityCredentials/third"] == (
        "system:serviceaccount:shop:default",
        "api://mine",
    )


def test_the_fix_deletes_no_credential_whose_account_exists():
    (finding,) = evaluate(
        federated_credentials_trust_dedicated_accounts, inventory(SHOP, service_account(), *trusting("shop/default"))
    ).findings
    assert "credential" not in finding.fill
    (finding,) = evaluate(
        federated_credentials_trust_dedicated_accounts, inventory(SHOP, *trusting("shop/gone"))
    ).findings
    assert finding.fill["credential"] == "app"


# --- IDN-013

CLUSTER = cluster().id
NODE_GROUP = f"{SUBSCRIPTION}/resourceGroups/MC_rg-test_aks_westeurope"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTAINER_SERVICE = "Microsoft.ContainerService/managedClusters"


def role(number, name, **fields):
    return role_definition(f"00000000-0000-0000-0000-0000000000{number}", name, **fields)


SECRETS_USER = role("01", "Key Vault Secrets User", data_actions=["Microsoft.KeyVault/vaults/secrets/*"])
BLOB_READER = role("02", "Storage Blob Data Reader", data_actions=["Microsoft.Storage/storageAccounts/*/read"])
AKS_CONTRIBUTOR = role("03", "Azure Kubernetes Service Contributor Role", actions=[f"{CONTAINER_SERVICE}/write"])
AKS_ADMIN = role("04", "Azure Kubernetes Service RBAC Cluster Admin", data_actions=[f"{CONTAINER_SERVICE}/*"])
MI_CONTRIBUTOR = role(
    "05", "Managed Identity Contributor", actions=["Microsoft.ManagedIdentity/userAssignedIdentities/*/write"]
)
VM_CONTRIBUTOR = role("06", "Virtual Machine Contributor", actions=["Microsoft.Compute/virtualMachineScaleSets/*"])
EVERYTHING = role("07", "Everything", custom=True, actions=["*"], not_actions=["Microsoft.Authorization/*"])
RUN_COMMAND = role("08", "Runs commands", custom=True, actions=[f"{CONTAINER_SERVICE}/runCommand/action"])
ROLES = [
    SECRETS_USER,
    BLOB_READER,
    AKS_CONTRIBUTOR,
    AKS_ADMIN,
    MI_CONTRIBUTOR,
    VM_CONTRIBUTOR,
    EVERYTHING,
    RUN_COMMAND,
    role_definition(OWNER, "Owner", actions=["*"]),
    role_definition(CONTRIBUTOR, "Contributor", actions=["*"], not_actions=["Microsoft.Authorization/*/Write"]),
]
SECOND = managed_identity("id-second")


def holding(role, scope, *things, **fields):
    """An identity that pods can become, with one role."""
    held = role_assignment(APP.properties.principal_id, role, scope, **fields)
    return [*ROLES, APP, CREDENTIAL, held, *things]


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("Key Vault Secrets User on one vault", holding(SECRETS_USER, VAULT), Status.PASS),
        case("Storage Blob Data Reader on one account", holding(BLOB_READER, STORAGE), Status.PASS),
        case("Contributor on a resource group", holding(CONTRIBUTOR, GROUP), Status.FAIL),
        case("Contributor on a single storage account", holding(CONTRIBUTOR, STORAGE), Status.PASS),
        case(
            "Azure Kubernetes Service Contributor Role on the own cluster",
            holding(AKS_CONTRIBUTOR, CLUSTER),
            Status.FAIL,
        ),
        case("RBAC Cluster Admin on another cluster only", holding(AKS_ADMIN, cluster("other").id), Status.PASS),
        case(
            "Managed Identity Contributor on the resource group of the identities",
            holding(MI_CONTRIBUTOR, GROUP),
            Status.FAIL,
        ),
        case(
            "identity in allowed_identities",
            holding(OWNER, SUBSCRIPTION),
            Status.PASS,
            parameters={"allowed_identities": (APP.id.upper(),)},
        ),
        case("federated credentials unreadable", [APP], Status.NOT_ASSESSED, unreadable=[Need.FEDERATED_CREDENTIALS]),
        case("no role", [*ROLES, APP, CREDENTIAL], Status.PASS),
        case("Owner on a resource", holding(OWNER, STORAGE), Status.FAIL),
        case("a custom role of all actions on a resource group", holding(EVERYTHING, GROUP), Status.FAIL),
        case("a custom role of all actions on an account", holding(EVERYTHING, STORAGE), Status.PASS),
        case("RBAC Cluster Admin on the own cluster", holding(AKS_ADMIN, CLUSTER), Status.FAIL),
        case(
            "RBAC Cluster Admin on a cluster that does not heed it",
            holding(AKS_ADMIN, CLUSTER, cluster(aad_profile=None)),
            Status.PASS,
        ),
        case("run command on the subscription", holding(RUN_COMMAND, SUBSCRIPTION), Status.FAIL),
        case(
            "Managed Identity Contributor on itself",
            holding(MI_CONTRIBUTOR, APP.id),
            Status.PASS,
        ),
        case(
            "Managed Identity Contributor on the control plane identity",
            holding(MI_CONTRIBUTOR, f"{IDENTITIES}/id-aks-control-plane"),
            Status.FAIL,
        ),
        case(
            "Managed Identity Contributor on the kubelet identity",
            holding(MI_CONTRIBUTOR, f"{IDENTITIES}/id-aks-kubelet"),
            Status.FAIL,
        ),
        case(
            "Managed Identity Contributor on another identity of pods",
            holding(MI_CONTRIBUTOR, SECOND.id, SECOND, federated_credential(SECOND.id)),
            Status.FAIL,
            subject="id-app",
        ),
        case(
            "Managed Identity Contributor on an identity that pods cannot become",
            holding(MI_CONTRIBUTOR, SECOND.id, SECOND),
            Status.PASS,
        ),
        case(
            "Virtual Machine Contributor on the node resource group", holding(VM_CONTRIBUTOR, NODE_GROUP), Status.FAIL
        ),
        case(
            "Virtual Machine Contributor on a scale set of nodes",
            holding(VM_CONTRIBUTOR, f"{NODE_GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/a"),
            Status.FAIL,
        ),
        case("Virtual Machine Contributor elsewhere", holding(VM_CONTRIBUTOR, GROUP), Status.PASS),
        case(
            "by an identity binding",
            [*ROLES, APP, identity_binding(APP.id), role_assignment(APP.properties.principal_id, OWNER, GROUP)],
            Status.FAIL,
        ),
        case("another identity is Owner", [*ROLES, APP, CREDENTIAL, role_assignment("x", OWNER, GROUP)], Status.PASS),
        case(
            "federated with another cluster",
            [*ROLES, APP, federated_credential(APP.id, issuer="https://oidc.example/other")],
            Status.NOT_APPLICABLE,
        ),
        case("no identity is federated", [*ROLES, APP], Status.NOT_APPLICABLE),
        case("bindings unreadable", [*ROLES, APP], Status.NOT_ASSESSED, unreadable=[Need.IDENTITY_BINDINGS]),
        case("identities unreadable", [*ROLES], Status.NOT_ASSESSED, unreadable=[Need.USER_ASSIGNED_IDENTITIES]),
        case(
            "assignments unreadable", [*ROLES, APP, CREDENTIAL], Status.NOT_ASSESSED, unreadable=[Need.ROLE_ASSIGNMENTS]
        ),
        case(
            "roles unreadable, Contributor on a resource group",
            [APP, CREDENTIAL, role_assignment(APP.properties.principal_id, CONTRIBUTOR, GROUP)],
            Status.FAIL,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case(
            "roles unreadable",
            [APP, CREDENTIAL, role_assignment(APP.properties.principal_id, BLOB_READER, STORAGE)],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_federated_identities_are_no_administrators(world, expected):
    assert evaluate(federated_identities_are_no_administrators, world).status is expected


@pytest.mark.parametrize(
    ("role", "scope", "letters"),
    [
        (OWNER, SUBSCRIPTION, ["(a)", "(c)", "(d)", "(e)"]),
        (CONTRIBUTOR, SUBSCRIPTION, ["(b)", "(c)", "(d)", "(e)"]),
        (OWNER, STORAGE, ["(a)"]),
        (AKS_CONTRIBUTOR, CLUSTER, ["(c)"]),
        (VM_CONTRIBUTOR, NODE_GROUP, ["(e)"]),
    ],
)
def test_every_path_is_named(role, scope, letters):
    (finding,) = evaluate(federated_identities_are_no_administrators, inventory(*holding(role, scope))).findings
    assert [part.split()[-1] for part in finding.message.split("; ")] == letters
    assert finding.evidence["serviceAccounts"] == ("system:serviceaccount:shop:app",)


def test_an_identity_whose_credentials_were_read_is_judged_beside_one_whose_were_not():
    world = inventory(*holding(OWNER, GROUP), SECOND)
    azure = world.azure
    gap = Gap(source="arm", scope=str(SECOND.id), reason=Reason.THROTTLED)
    reads = tuple(msgspec.structs.replace(r, gap=gap) if r.scope == SECOND.id else r for r in azure.reads)
    world = Inventory(world.manifest, msgspec.structs.replace(azure, reads=reads))
    verdicts = evaluate_all(federated_identities_are_no_administrators, world)
    assert {name: str(verdict.status) for name, verdict in verdicts.items()} == {
        "identity/id-app": "fail",
        "cluster/aks": "not_assessed",
    }
