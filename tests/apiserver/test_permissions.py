"""The generated role is enough, and each of its lines is needed: taken away, it is a gap of that name and no other."""

import kubernetes
import pytest
from akscan.model.gaps import Reason
from akscan.model.needs import Need
from akscan.model.permissions import cluster_role
from akscan.model.reads import KUBERNETES_READS
from apiserver.objects import bind_role, definition, installed, wait_for_role

AUDITOR = "auditor"


@pytest.fixture(scope="module")
def custom_resources(administrator):
    """Those of add-ons: where they are not installed, nobody needs a permission."""
    with installed(administrator, *(definition(read.field) for read in KUBERNETES_READS if read.optional)):
        bind_role(administrator, AUDITOR)
        yield


@pytest.fixture
def grant(administrator, custom_resources):
    """Grant the auditor the role for some needs, until the end of the test."""
    rbac = kubernetes.client.RbacAuthorizationV1Api(administrator)

    def replace(needs):
        rbac.replace_cluster_role(AUDITOR, cluster_role(needs, name=AUDITOR))
        wait_for_role(administrator, AUDITOR, needs)

    yield replace
    replace(set(Need))


@pytest.fixture
def read(server, collect):
    return lambda: collect(server.kubeconfig({"mine": server.certificate_user(AUDITOR)}))["mine"]


def test_the_generated_role_reads_every_list(grant, read):
    grant(set(Need))
    lists = read()
    assert {name for name in lists.__struct_fields__ if getattr(lists, name).gap} == set()
    assert lists.custom_resource_definitions.items


@pytest.mark.parametrize("missing", KUBERNETES_READS, ids=lambda found: found.field)
def test_a_permission_that_is_missing_is_one_gap(missing, grant, read):
    before = read()
    grant(set(Need) - {missing.need})
    after = read()
    lost = {read.field for read in KUBERNETES_READS if read.need is missing.need}
    assert {name for name in after.__struct_fields__ if getattr(after, name).gap} == lost
    changed = {name for name in after.__struct_fields__ if getattr(after, name) != getattr(before, name)}
    # the role that the test changes stands in the list of ClusterRoles itself
    assert changed - {"cluster_roles"} == lost - {"cluster_roles"}
    listing = getattr(after, missing.field)
    assert listing.items == ()
    assert (listing.gap.reason, listing.gap.permission) == (Reason.FORBIDDEN, missing.need)
    assert f'User "{AUDITOR}" cannot list resource' in listing.gap.detail
