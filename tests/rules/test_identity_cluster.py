"""Workload ID is on, and what came before it is gone."""

import pytest
from akscan.model.azure import OidcIssuerProfile, PodIdentity, PodIdentityProfile, SecurityProfile, Switch
from akscan.model.kubernetes import AzureIdentity, AzureIdentityBinding, AzureIdentityBindingSpec, DaemonSet
from akscan.sdk import Need, Status
from akscan.testing import case, cluster, container, evaluate, inventory, named, pod, pod_spec, workload
from akscan_rules.identity.cluster import pod_managed_identity_is_gone, workload_identity_is_enabled

ISSUER = OidcIssuerProfile(enabled=True, issuer_url="https://oidc.example/aks/")
ON = SecurityProfile(workload_identity=Switch(enabled=True))
OFF = SecurityProfile()


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("both true", [cluster(oidc_issuer_profile=ISSUER, security_profile=ON)], Status.PASS),
        case(
            "issuer true, workloadIdentity absent",
            [cluster(oidc_issuer_profile=ISSUER, security_profile=SecurityProfile(workload_identity=Switch()))],
            Status.FAIL,
        ),
        case(
            "workloadIdentity true, issuer false",
            [cluster(oidc_issuer_profile=OidcIssuerProfile(enabled=False), security_profile=ON)],
            Status.FAIL,
        ),
        case("securityProfile absent", [cluster(oidc_issuer_profile=ISSUER, security_profile=OFF)], Status.FAIL),
        case(
            "both absent",
            [cluster(oidc_issuer_profile=OidcIssuerProfile(), security_profile=OFF)],
            Status.FAIL,
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_workload_identity_is_enabled(world, expected):
    assert evaluate(workload_identity_is_enabled, world).status is expected


def test_what_is_off_is_named():
    world = inventory(cluster(oidc_issuer_profile=OidcIssuerProfile(), security_profile=OFF))
    (finding,) = evaluate(workload_identity_is_enabled, world).findings
    assert finding.message == "the OIDC issuer and Workload ID are off"
    (finding,) = evaluate(workload_identity_is_enabled, inventory(cluster(security_profile=OFF))).findings
    assert finding.message == "Workload ID is off"
    assert finding.evidence["oidcIssuerProfile.issuerURL"] == "https://oidc.example/aks/"


# --- IDN-010

ADDON = PodIdentityProfile(enabled=True, user_assigned_identities=(PodIdentity(name="web", namespace="shop"),))
KUBERNETES = [Need.AZURE_IDENTITIES, Need.AZURE_IDENTITY_BINDINGS, Need.DAEMON_SETS]


def binding(name):
    return named(
        AzureIdentityBinding, name, "shop", spec=AzureIdentityBindingSpec(azure_identity="web", selector="web")
    )


def nmi(image="mcr.microsoft.com/oss/azure/aad-pod-identity/nmi:v1.8.17"):
    return workload(DaemonSet, "nmi", "aad-pod-identity", spec=pod_spec(container(image=image)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("podIdentityProfile absent, no CRD", [], Status.PASS),
        case("podIdentityProfile.enabled true", [cluster(pod_identity_profile=ADDON)], Status.FAIL),
        case(
            "podIdentityProfile.enabled false, two AzureIdentityBinding objects",
            [cluster(pod_identity_profile=PodIdentityProfile(enabled=False)), binding("one"), binding("two")],
            Status.FAIL,
        ),
        case("CRD present without objects, no nmi DaemonSet", [nmi("registry.example/nmi:1.0")], Status.PASS),
        case("nmi DaemonSet installed with Helm", [nmi()], Status.FAIL),
        case("ARM says false, Kubernetes unreadable", [], Status.NOT_ASSESSED, unreadable=KUBERNETES),
        case("one AzureIdentity", [named(AzureIdentity, "web", "shop")], Status.FAIL),
        case("nmi of a mirror", [nmi("acr.azurecr.io/mirror/aad-pod-identity/nmi:v1.8.17")], Status.FAIL),
        case("DaemonSets unreadable, no objects", [], Status.NOT_ASSESSED, unreadable=[Need.DAEMON_SETS]),
        case("identities unreadable", [binding("one")], Status.FAIL, unreadable=[Need.AZURE_IDENTITIES]),
        case("bindings unreadable, nmi there", [nmi()], Status.FAIL, unreadable=[Need.AZURE_IDENTITY_BINDINGS]),
        case(
            "the add-on, Kubernetes unreadable",
            [cluster(pod_identity_profile=ADDON)],
            Status.FAIL,
            unreadable=KUBERNETES,
        ),
        case("cluster unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.MANAGED_CLUSTERS]),
    ],
)
def test_pod_managed_identity_is_gone(world, expected):
    assert evaluate(pod_managed_identity_is_gone, world).status is expected


def test_everything_of_it_is_named():
    bound = pod(labels={"aadpodidbinding": "web"})
    world = inventory(cluster(pod_identity_profile=ADDON), binding("one"), nmi(), bound)
    (finding,) = evaluate(pod_managed_identity_is_gone, world).findings
    assert finding.message == (
        "the add-on for pod-managed identity is on; 0 AzureIdentity and 1 AzureIdentityBinding objects exist; "
        "DaemonSet aad-pod-identity/nmi runs its component on every node"
    )
    assert finding.evidence == {
        "podIdentityProfile.enabled": True,
        "podIdentityProfile.allowNetworkPluginKubenet": False,
        "podIdentityProfile.userAssignedIdentities": ("shop/web",),
        "AzureIdentity": (),
        "AzureIdentityBinding": ("shop/one (selector web)",),
        "podsWithBindingLabel": 1,
        "daemonSets/aad-pod-identity/nmi": "mcr.microsoft.com/oss/azure/aad-pod-identity/nmi:v1.8.17",
    }
