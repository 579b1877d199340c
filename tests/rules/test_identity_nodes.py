"""The identities of add-ons, and who can borrow what sits on the nodes."""

import pytest
from akscan.model.azure import (
    AccessPolicy,
    AddonProfile,
    IdentityReference,
    IngressProfile,
    ServicePrincipalProfile,
    VaultPermissions,
    WebAppRouting,
)
from akscan.model.kubernetes import (
    AdminNetworkPolicy,
    CalicoGlobalNetworkPolicy,
    CalicoNetworkPolicy,
    CiliumCidr,
    CiliumClusterwideNetworkPolicy,
    CiliumEgress,
    CiliumNetworkPolicy,
    CiliumPolicySpec,
    CiliumPorts,
    ClusterNetworkPolicy,
    ControllerStatus,
    DaemonSet,
    Namespace,
    PolicyPort,
)
from akscan.model.selectors import Expression, LabelSelector
from akscan.model.text import ArmId, Token
from akscan.sdk import Need, Status
from akscan.testing import (
    ACR_PULL,
    CONTRIBUTOR,
    GROUP,
    IDENTITIES,
    KUBELET_OBJECT_ID,
    SUBSCRIPTION,
    case,
    cluster,
    container,
    egress_rule,
    evaluate,
    evaluate_all,
    inventory,
    named,
    network_policy,
    node,
    node_pool,
    pod,
    pod_spec,
    role_assignment,
    role_definition,
    vault,
    workload,
)
from akscan_rules.identity.nodes import addon_identities_are_narrow, pods_cannot_borrow_node_identities

NODE_GROUP = f"{SUBSCRIPTION}/resourceGroups/MC_rg-test_aks_westeurope"
GATEWAY = f"{GROUP}/providers/Microsoft.Network/applicationGateways/gw"
ZONE = f"{GROUP}/providers/Microsoft.Network/dnsZones/example.org"
VAULT = vault().id
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
SECRETS_USER = "4633458b-17de-408a-b874-0445c86b69e6"
ADMINISTRATOR = "00482a5a-887f-4fb3-b363-3b7fe8e74483"
DNS_CONTRIBUTOR = "befefa01-2a29-4197-83a8-272ff33ce314"
PULLER = role_definition(
    "00000000-0000-0000-0000-0000000000f1",
    "Puller",
    custom=True,
    actions=["Microsoft.ContainerRegistry/registries/pull/read"],
)
ROLES = [
    PULLER,
    role_definition(OWNER, "Owner", actions=["*"]),
    role_definition(CONTRIBUTOR, "Contributor", actions=["*"], not_actions=["Microsoft.Authorization/*/Write"]),
    role_definition(ACR_PULL, "AcrPull", actions=["Microsoft.ContainerRegistry/registries/pull/read"]),
    role_definition(SECRETS_USER, "Key Vault Secrets User", data_actions=["Microsoft.KeyVault/vaults/secrets/*"]),
    role_definition(ADMINISTRATOR, "Key Vault Administrator", data_actions=["Microsoft.KeyVault/vaults/*"]),
    role_definition(DNS_CONTRIBUTOR, "DNS Zone Contributor", actions=["Microsoft.Network/dnsZones/*"]),
]
ADDON = "00000000-0000-0000-0000-0000000000a1"


def with_addon(name="azureKeyvaultSecretsProvider", *, enabled=True, **fields):
    """A cluster with one add-on that has an identity."""
    identity = IdentityReference(resource_id=ArmId(f"{IDENTITIES}/{name}"), object_id=Token(ADDON))
    return cluster(addon_profiles={Token(name): AddonProfile(enabled=enabled, identity=identity)}, **fields)


def routing(*, enabled=True):
    """A cluster with application routing alone."""
    identity = IdentityReference(resource_id=ArmId(f"{IDENTITIES}/webapprouting"), object_id=Token(ADDON))
    profile = IngressProfile(web_app_routing=WebAppRouting(enabled=enabled, identity=identity))
    return cluster(addon_profiles={}, ingress_profile=profile)


def holds(role, scope, principal=ADDON, **fields):
    return role_assignment(principal, role, scope, **fields)


def permits(principal=ADDON, **permissions):
    """A vault with an access policy."""
    granted = VaultPermissions(**{kind: tuple(map(Token, words)) for kind, words in permissions.items()})
    return vault(access_policies=(AccessPolicy(object_id=Token(principal), permissions=granted),))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "secrets provider identity with Key Vault Secrets User on one vault",
            [with_addon(), *ROLES, holds(SECRETS_USER, VAULT)],
            Status.PASS,
        ),
        case(
            "secrets provider identity with Key Vault Administrator",
            [with_addon(), *ROLES, holds(ADMINISTRATOR, VAULT)],
            Status.FAIL,
        ),
        case(
            "webAppRouting identity with DNS Zone Contributor on the zone",
            [routing(), *ROLES, holds(DNS_CONTRIBUTOR, ZONE)],
            Status.PASS,
        ),
        case(
            "webAppRouting identity with DNS Zone Contributor on the subscription",
            [routing(), *ROLES, holds(DNS_CONTRIBUTOR, SUBSCRIPTION)],
            Status.FAIL,
        ),
        case(
            "aciConnectorLinux with Contributor on the node resource group",
            [with_addon("ACIConnectorLinux"), *ROLES, holds(CONTRIBUTOR, NODE_GROUP)],
            Status.PASS,
        ),
        case(
            "ingressApplicationGateway with Contributor on the resource group",
            [with_addon("ingressApplicationGateway"), *ROLES, holds(CONTRIBUTOR, GROUP)],
            Status.FAIL,
        ),
        case(
            "access policy with secrets get, list, set",
            [with_addon(), *ROLES, permits(secrets=["Get", "List", "Set"])],
            Status.FAIL,
        ),
        case(
            "add-on disabled",
            [with_addon(enabled=False), *ROLES, holds(OWNER, SUBSCRIPTION)],
            Status.NOT_APPLICABLE,
        ),
        case(
            "vaults unreadable, no failing assignment",
            [with_addon(), *ROLES],
            Status.NOT_ASSESSED,
            unreadable=[Need.VAULTS],
        ),
        case("no add-on has an identity", [cluster(), *ROLES], Status.NOT_APPLICABLE),
        case("application routing is off", [routing(enabled=False), *ROLES], Status.NOT_APPLICABLE),
        case("no assignment", [with_addon(), *ROLES], Status.PASS),
        case("access policy with get and list", [with_addon(), permits(secrets=["get", "list"])], Status.PASS),
        case("access policy with keys all", [with_addon(), permits(keys=["all"])], Status.FAIL),
        case(
            "access policy of a vault that heeds role assignments only",
            [
                with_addon(),
                vault(enable_rbac_authorization=True, access_policies=permits(keys=["all"]).properties.access_policies),
            ],
            Status.PASS,
        ),
        case("access policy of another principal", [with_addon(), permits("other", keys=["all"])], Status.PASS),
        case("Owner on a resource", [with_addon(), *ROLES, holds(OWNER, VAULT)], Status.FAIL),
        case("Contributor on a vault", [with_addon(), *ROLES, holds(CONTRIBUTOR, VAULT)], Status.FAIL),
        case(
            "aciConnectorLinux with Contributor on another group",
            [with_addon("aciConnectorLinux"), *ROLES, holds(CONTRIBUTOR, GROUP)],
            Status.FAIL,
        ),
        case(
            "ingressApplicationGateway with Contributor on the gateway",
            [with_addon("ingressApplicationGateway"), *ROLES, holds(CONTRIBUTOR, GATEWAY)],
            Status.PASS,
        ),
        case(
            "a role that the parameter leaves out",
            [with_addon(), *ROLES, holds(ADMINISTRATOR, VAULT)],
            Status.PASS,
            parameters={"key_vault_write_roles": {}},
        ),
        case(
            "vaults unreadable, a role on the subscription",
            [with_addon(), *ROLES, holds(SECRETS_USER, SUBSCRIPTION)],
            Status.FAIL,
            unreadable=[Need.VAULTS],
        ),
        case(
            "roles unreadable, Contributor on a vault",
            [with_addon(), holds(CONTRIBUTOR, VAULT)],
            Status.FAIL,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case(
            "roles unreadable, a role on a vault",
            [with_addon(), holds(SECRETS_USER, VAULT)],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case("assignments unreadable", [with_addon(), *ROLES], Status.NOT_ASSESSED, unreadable=[Need.ROLE_ASSIGNMENTS]),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_addon_identities_are_narrow(world, expected):
    assert evaluate(addon_identities_are_narrow, world).status is expected


def test_every_addon_is_judged_by_itself():
    addons = {
        Token(name): AddonProfile(enabled=True, identity=IdentityReference(object_id=Token(principal)))
        for name, principal in (("omsagent", "o1"), ("azurepolicy", "o2"))
    }
    world = inventory(cluster(addon_profiles=addons), *ROLES, holds(OWNER, VAULT, "o2"))
    verdicts = evaluate_all(addon_identities_are_narrow, world)
    assert {name: str(verdict.status) for name, verdict in verdicts.items()} == {
        "identity/azurepolicy": "fail",
        "identity/omsagent": "pass",
    }


def test_the_conditions_and_the_expected_roles_are_named():
    things = [with_addon(), *ROLES, holds(OWNER, SUBSCRIPTION), permits(secrets=["get", "set"])]
    (finding,) = evaluate(addon_identities_are_narrow, inventory(*things)).findings
    assert finding.message == (
        f"the access policy of kv-test permits secrets set; Owner on {SUBSCRIPTION} (c); Owner on {SUBSCRIPTION} (a)"
    )
    assert finding.evidence["expected"] == ("Key Vault Secrets User", "Key Vault Certificate User")
    assert finding.evidence[f"accessPolicies of {VAULT}"] == ("secrets get", "secrets set")


# --- IDN-008

READS_VAULT = holds(SECRETS_USER, VAULT)
PULLS = holds(ACR_PULL, GROUP, KUBELET_OBJECT_ID)
METADATA = "169.254.169.254/32"
EVERYWHERE = egress_rule(cidr="0.0.0.0/0")
BUT_METADATA = egress_rule(cidr="0.0.0.0/0", without=[METADATA])
TCP, UDP = (PolicyPort(protocol=protocol, port=53) for protocol in ("TCP", "UDP"))
OPTIONAL_LISTS = [
    Need.CALICO_POLICIES,
    Need.CALICO_GLOBAL_POLICIES,
    Need.ADMIN_NETWORK_POLICIES,
    Need.CLUSTER_NETWORK_POLICIES,
    Need.CILIUM_POLICIES,
    Need.CILIUM_CLUSTERWIDE_POLICIES,
]
NO_ENGINE = {"network": {"network_plugin": Token("azure"), "network_dataplane": Token()}}
OWN_PLUGIN = {"network": {"network_plugin": Token("none"), "network_dataplane": Token()}}
CALICO = {"network": {"network_dataplane": Token("azure"), "network_policy": Token("calico")}}


def lending(*things, **fields):
    """A pod, and a node identity that reads a vault."""
    return [with_addon(**fields), *ROLES, READS_VAULT, pod(labels={"app": "app"}), *things]


def cilium(*denied, kind=CiliumNetworkPolicy, namespace="shop", selector=None, **fields):
    spec = CiliumPolicySpec(endpoint_selector=LabelSelector(**(selector or {})), egress_deny=denied, **fields)
    return named(kind, "cilium", "" if kind is CiliumClusterwideNetworkPolicy else namespace, spec=spec)


def calico_node(ready):
    return workload(DaemonSet, "calico-node", "calico-system", status=ControllerStatus(number_ready=ready))


NPM = {"network": {"network_dataplane": Token(), "network_policy": Token("azure")}}


def beside_windows(*policies, on="windows", **fields):
    """The same in a cluster with a Windows pool; the pod runs on a node of an operating system."""
    pools = [node_pool(), node_pool("win", os_type=Token("Windows"))]
    there = node(labels={"kubernetes.io/os": on})
    return [*lending(pools=pools, **{**NPM, **fields}), *policies, there]


DENIED = CiliumEgress(to_cidr=(METADATA,))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "kubelet identity with AcrPull only and no add-on identity rights",
            [cluster(), *ROLES, PULLS, pod()],
            Status.NOT_APPLICABLE,
        ),
        case("secrets provider identity reads a vault, namespace without policy", lending(), Status.FAIL),
        case("same, default deny egress", lending(network_policy()), Status.PASS),
        case("same, 0.0.0.0/0 except 169.254.169.254/32", lending(network_policy(BUT_METADATA)), Status.PASS),
        case("same, 0.0.0.0/0 without except", lending(network_policy(EVERYWHERE)), Status.FAIL),
        case(
            "second policy with an empty to[] and no ports selects the same pods",
            lending(network_policy(), network_policy(egress_rule(), name="second", selector={"app": "app"})),
            Status.FAIL,
        ),
        case(
            "rule without to[], ports only UDP 53 and TCP 53",
            lending(network_policy(egress_rule(UDP, TCP))),
            Status.PASS,
        ),
        case(
            "rule without to[], TCP port 1 with endPort 1024",
            lending(network_policy(egress_rule(PolicyPort(port=1, end_port=1024)))),
            Status.FAIL,
        ),
        case("cidr 10.0.0.0/8 only", lending(network_policy(egress_rule(cidr="10.0.0.0/8"))), Status.PASS),
        case(
            "NetworkPolicy objects exist but no policy engine is active",
            lending(network_policy(), **NO_ENGINE),
            Status.FAIL,
        ),
        case(
            "podLinkLocalAccess None",
            lending(network={"pod_link_local_access": Token("none")}),
            Status.NOT_APPLICABLE,
        ),
        case(
            "CiliumNetworkPolicy with egressDeny toCIDR 169.254.169.254/32 selects all pods",
            lending(cilium(DENIED)),
            Status.PASS,
        ),
        case(
            "CiliumNetworkPolicy with egress toEndpoints only, no other policy",
            lending(cilium(egress=(CiliumEgress(),))),
            Status.NOT_ASSESSED,
        ),
        case(
            "only hostNetwork pods in the namespace",
            [with_addon(), *ROLES, READS_VAULT, pod(spec=pod_spec(container(), host_network=True))],
            Status.NOT_APPLICABLE,
        ),
        case(
            "role assignments unreadable",
            [with_addon(), *ROLES, pod()],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_ASSIGNMENTS],
        ),
        case(
            "kubelet identity with a pull-only custom role, nothing else",
            [cluster(), *ROLES, holds(PULLER, SUBSCRIPTION, KUBELET_OBJECT_ID), pod()],
            Status.NOT_APPLICABLE,
        ),
        case(
            "the kubelet identity reads a vault",
            [cluster(), *ROLES, holds(SECRETS_USER, VAULT, KUBELET_OBJECT_ID), pod()],
            Status.FAIL,
        ),
        case("an access policy lends as well", [with_addon(), *ROLES, permits(secrets=["get"]), pod()], Status.FAIL),
        case("a policy on ingress", lending(network_policy(types=["Ingress"])), Status.FAIL),
        case("a policy without types and rules", lending(network_policy(types=[])), Status.FAIL),
        case("a policy without types, rules on egress", lending(network_policy(BUT_METADATA, types=[])), Status.PASS),
        case("a policy on other pods", lending(network_policy(selector={"app": "other"})), Status.FAIL),
        case("a policy of another namespace", lending(network_policy(namespace="other")), Status.FAIL),
        case("a rule on a named port", lending(network_policy(egress_rule(PolicyPort(port="http")))), Status.PASS),
        case("a rule on every TCP port", lending(network_policy(egress_rule(PolicyPort()))), Status.FAIL),
        case(
            "a rule on TCP 80 of the address",
            lending(network_policy(egress_rule(PolicyPort(port=80), cidr=METADATA))),
            Status.FAIL,
        ),
        case("a rule up to TCP 79", lending(network_policy(egress_rule(PolicyPort(port=1, end_port=79)))), Status.PASS),
        case("a pod that has ended", [with_addon(), *ROLES, READS_VAULT, pod(phase="Pending")], Status.NOT_APPLICABLE),
        case(
            "a pod of a system namespace",
            [with_addon(), *ROLES, READS_VAULT, pod(namespace="kube-system")],
            Status.NOT_APPLICABLE,
        ),
        case(
            "service principal, no add-on",
            [
                cluster(service_principal_profile=ServicePrincipalProfile(client_id=Token("c1")), identity_profile={}),
                pod(),
            ],
            Status.NOT_APPLICABLE,
        ),
        case(
            "Azure network policies, default deny",
            lending(network_policy(), network={"network_dataplane": Token(), "network_policy": Token("Azure")}),
            Status.PASS,
        ),
        # nodes of Windows
        case(
            "Azure network policies, default deny, pods on Windows",
            beside_windows(network_policy()),
            Status.NOT_ASSESSED,
        ),
        case(
            "Azure network policies, Linux pods beside Windows nodes",
            beside_windows(network_policy(), on="linux"),
            Status.PASS,
        ),
        case("Azure network policies, pods on Windows, no policy", beside_windows(), Status.FAIL),
        case(
            "Azure network policies, a policy admits it to pods on Windows",
            beside_windows(network_policy(EVERYWHERE)),
            Status.FAIL,
        ),
        case(
            "Azure network policies, Windows nodes and pods on a node that is gone",
            beside_windows(network_policy(), on="linux")[:-1],
            Status.NOT_ASSESSED,
        ),
        case(
            "Azure network policies, Windows nodes, nodes unreadable",
            beside_windows(network_policy(), on="linux"),
            Status.NOT_ASSESSED,
            unreadable=[Need.NODES],
        ),
        case(
            "Azure network policies, no Windows nodes, nodes unreadable",
            lending(network_policy(), **NPM),
            Status.PASS,
            unreadable=[Need.NODES],
        ),
        case("Calico, default deny, pods on Windows", beside_windows(network_policy(), **CALICO), Status.PASS),
        case("an own plugin without an engine", lending(network_policy(), **OWN_PLUGIN), Status.FAIL),
        case("an own plugin with Calico", lending(network_policy(), calico_node(3), **OWN_PLUGIN), Status.PASS),
        case(
            "an own plugin, Calico without a Ready pod",
            lending(network_policy(), calico_node(0), **OWN_PLUGIN),
            Status.FAIL,
        ),
        case(
            "an own plugin, DaemonSets unreadable",
            lending(network_policy(), **OWN_PLUGIN),
            Status.NOT_ASSESSED,
            unreadable=[Need.DAEMON_SETS],
        ),
        case(
            "Cilium denies a range around the address",
            lending(cilium(CiliumEgress(to_cidr_set=(CiliumCidr(cidr="169.254.0.0/16"),)))),
            Status.PASS,
        ),
        case(
            "Cilium denies a range without the address",
            lending(cilium(CiliumEgress(to_cidr_set=(CiliumCidr(cidr="169.254.0.0/16", except_=(METADATA,)),)))),
            Status.NOT_ASSESSED,
        ),
        case(
            "Cilium denies some ports of the address",
            lending(cilium(CiliumEgress(to_cidr=(METADATA,), to_ports=(CiliumPorts(),)))),
            Status.NOT_ASSESSED,
        ),
        case(
            "Cilium denies it to pods of a label with its source",
            lending(cilium(DENIED, selector={"match_labels": {"k8s:app": "app"}})),
            Status.PASS,
        ),
        case(
            "Cilium denies it by the name of the cluster, which is not known here",
            lending(cilium(DENIED, selector={"match_labels": {"io.cilium.k8s.policy.cluster": "default"}})),
            Status.NOT_ASSESSED,
        ),
        case(
            "default deny egress, Cilium may allow it by the service account",
            [
                *lending(network_policy()),
                cilium(
                    egress=(CiliumEgress(),),
                    selector={"match_labels": {"k8s:io.cilium.k8s.policy.serviceaccount": "app"}},
                ),
            ],
            Status.NOT_ASSESSED,
        ),
        case(
            "Cilium denies it by the service account to pods of another label",
            lending(
                cilium(
                    DENIED, selector={"match_labels": {"io.cilium.k8s.policy.serviceaccount": "app", "app": "other"}}
                )
            ),
            Status.FAIL,
        ),
        case(
            "Cilium denies it to other pods",
            lending(cilium(DENIED, selector={"match_labels": {"any:app": "other"}})),
            Status.FAIL,
        ),
        case(
            "Cilium denies it in the whole cluster by namespace",
            lending(
                cilium(
                    DENIED,
                    kind=CiliumClusterwideNetworkPolicy,
                    selector={
                        "match_expressions": (
                            Expression(
                                key="k8s:io.kubernetes.pod.namespace", operator="NotIn", values=("kube-system",)
                            ),
                        )
                    },
                )
            ),
            Status.PASS,
        ),
        case(
            "Cilium denies it by the label of the namespace",
            lending(
                cilium(
                    DENIED,
                    kind=CiliumClusterwideNetworkPolicy,
                    selector={"match_labels": {"io.cilium.k8s.namespace.labels.team": "shop"}},
                ),
                named(Namespace, "shop"),
            ),
            Status.FAIL,
        ),
        case("Cilium policies of another engine do not count", lending(cilium(DENIED), **CALICO), Status.FAIL),
        case(
            "a Calico policy of the namespace",
            lending(network_policy(), named(CalicoNetworkPolicy, "x", "shop")),
            Status.NOT_ASSESSED,
        ),
        case("a Calico policy of another namespace", lending(named(CalicoNetworkPolicy, "x", "other")), Status.FAIL),
        case("a global Calico policy", lending(named(CalicoGlobalNetworkPolicy, "x")), Status.NOT_ASSESSED),
        case("an AdminNetworkPolicy", lending(named(AdminNetworkPolicy, "x")), Status.NOT_ASSESSED),
        case("a ClusterNetworkPolicy", lending(named(ClusterNetworkPolicy, "x")), Status.NOT_ASSESSED),
        *(
            case(f"no {need}", lending(), Status.NOT_ASSESSED, unreadable=[need])
            for need in (*OPTIONAL_LISTS, Need.NETWORK_POLICIES)
        ),
        case(
            "network policies unreadable, no engine",
            lending(**NO_ENGINE),
            Status.FAIL,
            unreadable=[Need.NETWORK_POLICIES],
        ),
        case(
            "namespaces unreadable, a policy by label",
            lending(cilium(DENIED, selector={"match_labels": {"x": "y"}})),
            Status.NOT_ASSESSED,
            unreadable=[Need.NAMESPACES],
        ),
        case("vaults unreadable", [cluster(), *ROLES, PULLS, pod()], Status.NOT_ASSESSED, unreadable=[Need.VAULTS]),
        case("vaults unreadable, a role lends", lending(), Status.FAIL, unreadable=[Need.VAULTS]),
        case(
            "roles unreadable",
            [with_addon(), READS_VAULT, pod()],
            Status.NOT_ASSESSED,
            unreadable=[Need.ROLE_DEFINITIONS],
        ),
        case("kubeletidentity absent", lending(identity_profile={}), Status.NOT_ASSESSED),
        case("pods unreadable", [with_addon(), *ROLES, READS_VAULT], Status.NOT_ASSESSED, unreadable=[Need.PODS]),
        case("cluster unreadable", [pod()], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_pods_cannot_borrow_node_identities(world, expected):
    assert evaluate(pods_cannot_borrow_node_identities, world).status is expected


def test_namespaces_are_judged_apart_and_what_opens_them_is_named():
    open_by_rule = network_policy(EVERYWHERE, name="to-everywhere", selector={"app": "web"})
    web = workload(name="web", replicas=3)
    things = [*lending(network_policy(namespace="closed"), pod("x", "closed")), web, open_by_rule]
    verdicts = evaluate_all(pods_cannot_borrow_node_identities, inventory(*things))
    assert {name: str(verdict.status) for name, verdict in verdicts.items()} == {
        "namespace/closed/closed": "pass",
        "namespace/shop/shop": "fail",
    }
    (finding,) = verdicts["namespace/shop/shop"].findings
    assert finding.message == (
        "4 pods can ask for tokens of azureKeyvaultSecretsProvider: no NetworkPolicy restricts egress, "
        "NetworkPolicy to-everywhere admits it"
    )
    assert finding.evidence == {
        "namespace": "shop",
        "pods": 4,
        "admittedBy": ("no NetworkPolicy restricts egress", "NetworkPolicy to-everywhere admits it"),
        "networkProfile.podLinkLocalAccess": "not in the answer",
        "nodeIdentities/azureKeyvaultSecretsProvider": (f"Key Vault Secrets User on {VAULT}",),
    }


def test_one_pod_is_one_and_what_arm_says_is_said():
    world = inventory(*lending(network={"pod_link_local_access": Token("IMDS")}))
    (finding,) = evaluate(pods_cannot_borrow_node_identities, world).findings
    assert finding.message.startswith("1 pod can ask for tokens of azureKeyvaultSecretsProvider: ")
    assert finding.evidence["networkProfile.podLinkLocalAccess"] == "IMDS"


def test_pods_whose_spec_was_dropped_follow_the_newest_of_their_controller():
    pods = workload(name="web", replicas=2, spec=pod_spec(container(), host_network=True))
    old = type(pods[-1])(metadata=pods[-1].metadata, node_name="node-0", status=pods[-1].status)
    world = inventory(with_addon(), *ROLES, READS_VAULT, *pods[:-1], old)
    assert evaluate(pods_cannot_borrow_node_identities, world).status is Status.NOT_APPLICABLE
