"""What the kubelet may pull, and who else may push and pull there."""

import pytest
from akscan.model.azure import BootstrapProfile, ServicePrincipalProfile
from akscan.model.kubernetes import NameReference
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    ACR_PULL,
    CONTRIBUTOR,
    GROUP,
    KUBELET_OBJECT_ID,
    SUBSCRIPTION,
    case,
    cluster,
    container,
    evaluate,
    evaluate_all,
    inventory,
    member_of,
    on,
    pod,
    pod_spec,
    registry,
    role_assignment,
    role_definition,
    workload,
)
from akscan_rules.identity.kubelet import kubelet_pulls_from_every_registry, registries_admit_named_identities

REPOSITORY_READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
ACR_PUSH = "8311e382-0749-4cb8-b61a-304f252e45ec"
REGISTRIES = "Microsoft.ContainerRegistry/registries"
ROLES = [
    role_definition(ACR_PULL, "AcrPull", actions=[f"{REGISTRIES}/pull/read"]),
    role_definition(
        REPOSITORY_READER,
        "Container Registry Repository Reader",
        data_actions=[f"{REGISTRIES}/repositories/content/read", f"{REGISTRIES}/repositories/metadata/read"],
    ),
    role_definition(READER, "Reader", actions=["*/read"]),
    role_definition(ACR_PUSH, "AcrPush", actions=[f"{REGISTRIES}/push/write"]),
    role_definition(CONTRIBUTOR, "Contributor", actions=["*"]),
]
ACR = registry()
ABAC = registry(role_assignment_mode=Token("AbacRepositoryPermissions"))
OTHER = registry("other")
OTHER_SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000002"
FAR = registry("acr", group=f"{OTHER_SUBSCRIPTION}/resourceGroups/rg-far")
GROUP_ID = "00000000-0000-0000-0000-0000000000e1"
PIPELINE = "00000000-0000-0000-0000-0000000000d1"
USER = "00000000-0000-0000-0000-0000000000d2"


def holds(role, scope=ACR.id, **fields):
    return role_assignment(KUBELET_OBJECT_ID, role, scope, **fields)


def pulling(image="acr.azurecr.io/shop/app:1.0", namespace="shop", **spec):
    return pod(namespace=namespace, spec=pod_spec(container(image=image), **spec))


def world(*things):
    return [*ROLES, pulling(), *things]


def starting_from(registry_id):
    """A cluster whose nodes are made from a registry."""
    return cluster(
        bootstrap_profile=BootstrapProfile(artifact_source=Token("Cache"), container_registry_id=ArmId(registry_id))
    )


OF_GROUP = role_assignment(GROUP_ID, ACR_PULL, ACR.id, principal_type="Group")
WITH_SECRET = {"image_pull_secrets": (NameReference(name="acr"),)}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("legacy mode, AcrPull on the registry", world(ACR, holds(ACR_PULL)), Status.PASS),
        case("legacy mode, no assignment, pod without pull secret", world(ACR), Status.FAIL),
        case("ABAC mode, only AcrPull", world(ABAC, holds(ACR_PULL)), Status.FAIL),
        case("ABAC mode, Repository Reader", world(ABAC, holds(REPOSITORY_READER)), Status.PASS),
        case(
            "ABAC mode, Repository Reader with a condition",
            world(ABAC, holds(REPOSITORY_READER, condition="@Resource[x] StringStartsWith 'shop/'")),
            Status.PASS,
        ),
        case("pod has imagePullSecrets", [*ROLES, ACR, pulling(**WITH_SECRET)], Status.NOT_APPLICABLE),
        case("anonymousPullEnabled true", world(registry(anonymous_pull_enabled=True)), Status.PASS),
        case("registry not in the inventory", world(OTHER), Status.NOT_ASSESSED),
        case("Reader on the resource group in legacy mode", world(ACR, holds(READER, GROUP)), Status.PASS),
        case("legacy mode, Repository Reader", world(ACR, holds(REPOSITORY_READER)), Status.FAIL),
        case("AcrPull on another registry", world(ACR, OTHER, holds(ACR_PULL, OTHER.id)), Status.FAIL),
        case(
            "no image of an Azure registry", [*ROLES, ACR, pulling("docker.io/library/nginx:1")], Status.NOT_APPLICABLE
        ),
        case("an image of a system namespace", [*ROLES, ACR, pulling(namespace="kube-system")], Status.NOT_APPLICABLE),
        case(
            "an init container",
            [*ROLES, ACR, pulling("nginx", init_containers=(container(image="ACR.azurecr.io/init"),))],
            Status.FAIL,
        ),
        case("a sovereign cloud", [*ROLES, ACR, pulling("acr.azurecr.cn/app")], Status.NOT_ASSESSED),
        case("nodes are made from it", [*ROLES, ACR, starting_from(ACR.id)], Status.FAIL),
        case("nodes are made from it, AcrPull", [*ROLES, ACR, starting_from(ACR.id), holds(ACR_PULL)], Status.PASS),
        case("nodes are made from one that is gone", [*ROLES, starting_from(ACR.id)], Status.NOT_ASSESSED),
        case(
            "service principal",
            [cluster(service_principal_profile=ServicePrincipalProfile(client_id=Token("c1"))), *world(ACR)],
            Status.NOT_APPLICABLE,
        ),
        case("kubeletidentity absent", [cluster(identity_profile={}), *world(ACR)], Status.NOT_ASSESSED),
        case(
            "AcrPull of a group of the kubelet",
            world(ACR, OF_GROUP, member_of(KUBELET_OBJECT_ID, OF_GROUP)),
            Status.PASS,
        ),
        case("AcrPull of another group", world(ACR, OF_GROUP, member_of(KUBELET_OBJECT_ID)), Status.FAIL),
        case(
            "AcrPull of a group in another subscription, where nobody asked for the kubelet's groups",
            world(FAR, role_assignment(GROUP_ID, ACR_PULL, FAR.id, principal_type="Group")),
            Status.NOT_ASSESSED,
        ),
        case(
            "one registry cannot be pulled from, another is unknown",
            world(ACR, pod("unknown-0", spec=pod_spec(container(image="unknown.azurecr.io/x")))),
            Status.FAIL,
        ),
        case("pods unreadable", [*ROLES, ACR], Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case(
            "pods unreadable, nodes are made from it",
            [*ROLES, ACR, starting_from(ACR.id)],
            Status.FAIL,
            unreadable=[Need.PODS],
        ),
        case("registries unreadable", world(ACR), Status.NOT_ASSESSED, unreadable=[Need.REGISTRIES]),
        case("assignments unreadable", world(ACR), Status.NOT_ASSESSED, unreadable=[Need.ROLE_ASSIGNMENTS]),
        case(
            "roles unreadable",
            [ACR, pulling(), holds(ACR_PULL)],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_kubelet_pulls_from_every_registry(world, expected):
    assert evaluate(kubelet_pulls_from_every_registry, world).status is expected


def test_the_registry_and_its_images_are_named():
    pods = workload(spec=pod_spec(container(image="acr.azurecr.io/app")), pods=12, replicas=12)
    others = [pod(f"p-{n:02}", spec=pod_spec(container(image="acr.azurecr.io/x"))) for n in range(11)]
    held = holds(ACR_PULL)
    (finding,) = evaluate(kubelet_pulls_from_every_registry, inventory(ABAC, *ROLES, pods, others, held)).findings
    assert finding.message == "the kubelet identity may not pull from acr (AbacRepositoryPermissions)"
    assert finding.evidence["registries/acr"][:3] == (
        "loginServer acr.azurecr.io",
        "roleAssignmentMode AbacRepositoryPermissions",
        f"held: AcrPull on {ACR.id}",
    )
    assert len(finding.evidence["registries/acr"]) == 13
    assert finding.evidence["registries/acr"][3].startswith("shop/app-5d9c7b-")
    assert finding.fill == {
        "registry": "acr",
        "registry_id": ACR.id,
        "kubelet_object_id": KUBELET_OBJECT_ID,
    }


# --- IDN-014


def pushes(kind, scope=ACR.id, role=ACR_PUSH, principal=USER):
    return role_assignment(principal, role, scope, principal_type=kind)


BOTH_OFF = registry(admin_user_enabled=False, anonymous_pull_enabled=False)
ADMIN = registry(admin_user_enabled=True)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "admin false, anonymous false, push by a pipeline identity",
            world(BOTH_OFF, pushes("ServicePrincipal", principal=PIPELINE)),
            Status.PASS,
        ),
        case("adminUserEnabled true", world(ADMIN), Status.FAIL),
        case("anonymousPullEnabled true", world(registry(anonymous_pull_enabled=True)), Status.FAIL),
        case("AcrPush for a User on the registry", world(ACR, pushes("User")), Status.FAIL),
        case("AcrPush for a Group on the registry", world(ACR, pushes("Group")), Status.PASS),
        case(
            "Contributor for a User inherited from the subscription",
            world(ACR, pushes("User", SUBSCRIPTION, CONTRIBUTOR)),
            Status.PASS,
        ),
        case(
            "registry not used by the cluster",
            world(ACR, registry("unused", admin_user_enabled=True)),
            Status.PASS,
        ),
        case("both fields absent", world(ACR), Status.PASS),
        case(
            "registry in a subscription that answers 403",
            world(),
            Status.NOT_ASSESSED,
            subject="acr.azurecr.io",
            unreadable=[Need.REGISTRIES],
        ),
        case("registry of no subscription that was read", world(OTHER), Status.NOT_ASSESSED),
        case("AcrPull for a User on the registry", world(ACR, pushes("User", role=ACR_PULL)), Status.PASS),
        case(
            "a role that the parameter leaves out",
            world(ACR, pushes("User")),
            Status.PASS,
            parameters={"write_roles": {"Owner": "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"}},
        ),
        case("AcrPush for a User below the registry", world(ACR, pushes("User", f"{ACR.id}/x/y")), Status.PASS),
        case("no registry at all", [*ROLES, pulling("nginx")], Status.NOT_APPLICABLE),
        case("in reach of the kubelet", [*ROLES, ADMIN, pulling("nginx"), holds(ACR_PULL)], Status.FAIL),
        case(
            "in reach of the kubelet by its resource group",
            [*ROLES, ADMIN, pulling("nginx"), holds(REPOSITORY_READER, GROUP)],
            Status.FAIL,
        ),
        case(
            "in reach of the kubelet by the subscription",
            [*ROLES, ADMIN, pulling("nginx"), holds(ACR_PULL, SUBSCRIPTION)],
            Status.FAIL,
        ),
        case("the kubelet reads everything", [*ROLES, ADMIN, pulling("nginx"), holds(READER)], Status.NOT_APPLICABLE),
        case("nodes are made from it", [*ROLES, ADMIN, starting_from(ADMIN.id)], Status.FAIL),
        case("an image of a system namespace", [*ROLES, ADMIN, pulling(namespace="kube-system")], Status.FAIL),
        case(
            "admin account on, assignments unreadable",
            world(ADMIN),
            Status.FAIL,
            subject="acr",
            unreadable=[Need.ROLE_ASSIGNMENTS],
        ),
        case(
            "assignments unreadable", world(ACR), Status.NOT_ASSESSED, subject="acr", unreadable=[Need.ROLE_ASSIGNMENTS]
        ),
        case("pods unreadable", [*ROLES, ACR], Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case(
            "pods unreadable, in reach of the kubelet",
            [*ROLES, ADMIN, holds(ACR_PULL)],
            Status.FAIL,
            subject="acr",
            unreadable=[Need.PODS],
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_registries_admit_named_identities(world, expected):
    assert evaluate(registries_admit_named_identities, world).status is expected


def test_a_registry_of_two_clusters_is_judged_once():
    things = [cluster(), cluster("second"), ADMIN, *ROLES, pulling(), on("second", pulling()), holds(ACR_PULL)]
    verdicts = evaluate_all(registries_admit_named_identities, inventory(things))
    assert list(verdicts) == ["registry/acr"]
    (finding,) = verdicts["registry/acr"].findings
    assert finding.evidence["usedBy"] == (
        "aks: image of a pod",
        f"aks: role of the kubelet identity on {ACR.id}",
        "second: image of a pod",
        f"second: role of the kubelet identity on {ACR.id}",
    )


def test_everything_that_is_wrong_with_a_registry_is_named():
    bad = registry(admin_user_enabled=True, anonymous_pull_enabled=True)
    things = [bad, pushes("User"), pushes("User", SUBSCRIPTION, CONTRIBUTOR, PIPELINE)]
    (finding,) = evaluate(registries_admit_named_identities, inventory(*world(*things))).findings
    assert finding.message == (
        f"the admin account is on; anybody may pull without signing in; AcrPush on {ACR.id} for user {USER}"
    )
    assert finding.evidence["inheritedByUsers"] == (f"Contributor on {SUBSCRIPTION}",)
