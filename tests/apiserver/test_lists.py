"""What a real API server answers to lists: pages, snapshots that expire, Secrets, resources that are not there."""

import base64
import json
import zipfile

import kubernetes
import pytest
from akscan.collect.connection import Connection
from akscan.collect.faults import Refused
from akscan.collect.kubernetes import PAGE_ITEMS, KubernetesCollector
from akscan.collect.limits import Limits
from akscan.model.gaps import Reason
from akscan.model.needs import Need
from apiserver.objects import (
    bind_role,
    create,
    create_namespace,
    definition,
    discovered,
    installed,
    manifest,
    wait_until,
)
from apiserver.server import ApiServer

PAGES = 3
VALUE, ANNOTATION = "canary-of-data", "canary-of-an-annotation"


def in_base64(text):
    return base64.b64encode(text.encode()).decode()


def fill(api, namespace, number):
    """A namespace with so many ConfigMaps."""
    create_namespace(api, namespace)
    names = [f"number-{place:04}" for place in range(number)]
    for name in names:
        create(api, manifest("ConfigMap", name, namespace))
    return names


def config_maps(lists, namespace):
    return [item.name for item in lists.config_maps.complete() if item.namespace == namespace]


def test_pages_hold_each_object_once(server, administrator, collect):
    names = fill(administrator, "paged", PAGE_ITEMS * (PAGES - 1) + 1)
    before = len(server.audited("scanner"))
    lists = collect(server.kubeconfig({"mine": {"token": server.token}}))["mine"]
    assert config_maps(lists, "paged") == names
    asked = [e["requestURI"] for e in server.audited("scanner")[before:] if "/v1/configmaps?" in e["requestURI"]]
    assert len(asked) == PAGES
    assert ["continue=" in uri for uri in asked] == [False, True, True]


class _Compacting(Connection):
    """Something is written, and the store forgets its past, after the first page of ConfigMaps."""

    def __init__(self, api, between):
        super().__init__(lambda: api, Limits().whole)
        self._between = between
        self.asked = []

    def get(self, path, accept="application/json"):
        if not path.startswith("/api/v1/configmaps"):
            return super().get(path, accept)
        try:
            answer = super().get(path, accept)
        except Refused as refused:
            self.asked.append(refused.status)
            raise
        self.asked.append(200)
        if len(self.asked) == 1:
            self._between()
        return answer


@pytest.fixture(scope="module")
def forgetful(binaries):
    """A server that answers from its store: with a watch cache it would go on from a snapshot in memory."""
    with ApiServer("--watch-cache=false") as running:
        yield running


def test_a_list_whose_snapshot_expired_is_read_again_from_its_beginning(forgetful):
    with forgetful.administrator() as api:
        names = fill(api, "expiring", PAGE_ITEMS + 1)

        def between():
            create(api, manifest("ConfigMap", "a-late-one", "expiring"))
            forgetful.compact()

        connection = _Compacting(api, between)
        lists = KubernetesCollector(connection, "real", Limits().whole).collect()
    assert connection.asked == [200, 410, 200, 200]
    assert config_maps(lists, "expiring") == ["a-late-one", *names]


def test_of_the_settings_of_the_log_agent_only_schema_and_namespaces_are_kept(server, administrator, collect, tmp_path):
    text = f"""
[log_collection_settings]
   [log_collection_settings.env_var]
      enabled = true # {VALUE}
   [log_collection_settings.schema]
      # the default of containerlog_schema_version is "v1"
      containerlog_schema_version = "v2"
   [log_collection_settings.stderr]
      enabled = true
      exclude_namespaces = ["kube-system", "{VALUE}!"]
"""
    name, data = "container-azm-ms-agentconfig", {"log-data-collection-settings": text}
    create(administrator, manifest("ConfigMap", name, "kube-system", data=data))
    create(administrator, manifest("ConfigMap", "other-settings", "kube-system", data={"key": VALUE}))
    lists = collect(server.kubeconfig({"mine": {"token": server.token}}))["mine"]
    kept = {settings.name: str(settings.logs) for settings in lists.agent_settings.complete()}
    assert kept[name] == "v2 stderr:kube-system"
    assert kept["other-settings"] == ""
    with zipfile.ZipFile(tmp_path / "x.akscan") as written:
        content = b"".join(written.read(name) for name in written.namelist())
    assert VALUE.encode() not in content


def test_no_value_of_a_secret_is_sent(server, administrator, collect, tmp_path):
    create_namespace(administrator, "secretive")
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"key": in_base64(ANNOTATION)}})}
    for name, more in (("created", {}), ("applied", {"annotations": applied})):
        create(administrator, manifest("Secret", name, "secretive", data={"key": in_base64(VALUE)}, **more))
    before = len(server.audited("scanner"))
    lists = collect(server.kubeconfig({"mine": {"token": server.token}}))["mine"]
    found = {secret.name: secret for secret in lists.secrets.complete() if secret.namespace == "secretive"}
    assert {name: secret.type for name, secret in found.items()} == {"applied": "Opaque", "created": "Opaque"}
    assert found["applied"].annotation_keys == ("kubectl.kubernetes.io/last-applied-configuration",)

    events = server.audited("scanner")[before:]
    assert {event["verb"] for event in events} <= {"get", "list"}
    (answer,) = [event["responseObject"] for event in events if event.get("objectRef", {}).get("resource") == "secrets"]
    assert answer["kind"] == "Table"
    assert "created" in json.dumps(answer)
    assert not any(canary in json.dumps(answer) for canary in (VALUE, in_base64(VALUE)))
    with zipfile.ZipFile(tmp_path / "x.akscan") as written:
        content = b"".join(written.read(name) for name in written.namelist())
    assert b"secretive" in content
    for canary in (VALUE, in_base64(VALUE), ANNOTATION, in_base64(ANNOTATION)):
        assert canary.encode() not in content


def test_the_audit_log_would_show_the_value_of_a_secret(server, administrator):
    """What the test above does not find is found where somebody asks for it."""
    create_namespace(administrator, "open")
    create(administrator, manifest("Secret", "shown", "open", data={"key": in_base64(VALUE)}))
    kubernetes.client.CoreV1Api(administrator).list_namespaced_secret("open")
    lists = [event for event in server.audited("administrator") if event["verb"] == "list"]
    assert in_base64(VALUE) in json.dumps(lists)


# --- resources of add-ons


@pytest.fixture(scope="module")
def narrow(administrator):
    """A user who may list everything but ScaledObjects."""
    bind_role(administrator, "narrow", set(Need) - {Need.SCALED_OBJECTS})
    return "narrow"


@pytest.fixture
def scaled_objects(server, collect, narrow):
    """How the list of ScaledObjects looks to one who may read it, and to one who may not."""

    def read():
        users = {name: server.certificate_user(name) for name in ("scanner", narrow)}
        found = collect(server.kubeconfig(users))
        return found["scanner"].scaled_objects, found[narrow].scaled_objects

    return read


def test_what_is_not_installed_is_absent_with_and_without_the_permission(scaled_objects):
    for listing in scaled_objects():
        assert (listing.items, listing.gap) == ((), None)


def test_what_is_installed_is_found_or_forbidden(administrator, scaled_objects):
    create_namespace(administrator, "scaled")
    with installed(administrator, definition("scaled_objects")):
        spec = {"scaleTargetRef": {"name": "web"}, "minReplicaCount": 0}
        create(administrator, manifest("ScaledObject", "web", "scaled", spec=spec))
        allowed, refused = scaled_objects()
    assert [(item.namespace, item.name) for item in allowed.complete()] == [("scaled", "web")]
    assert refused.gap.reason is Reason.FORBIDDEN


def test_another_version_is_no_absence(administrator, scaled_objects):
    newer = definition("scaled_objects")
    newer["spec"]["versions"][0]["name"] = "v2"
    with installed(administrator, newer):
        allowed, refused = scaled_objects()
    assert allowed.gap.reason is Reason.NOT_READ
    assert "discovery tells of v2" in allowed.gap.detail
    assert refused.gap.reason is Reason.FORBIDDEN


def test_a_group_whose_server_does_not_answer_is_no_absence(administrator, scaled_objects):
    spec = {
        "group": "keda.sh",
        "version": "v1alpha1",
        "service": {"namespace": "default", "name": "nobody"},
        "groupPriorityMinimum": 1000,
        "versionPriority": 10,
    }
    services = kubernetes.client.ApiregistrationV1Api(administrator)
    create(administrator, manifest("APIService", "v1alpha1.keda.sh", spec=spec))

    def freshness():
        return [version["freshness"] for version in discovered(administrator, "keda.sh")]

    try:
        wait_until(lambda: freshness() == ["Stale"], "the group is not stale")
        allowed, refused = scaled_objects()
    finally:
        services.delete_api_service("v1alpha1.keda.sh")
        wait_until(lambda: freshness() == [], "the group is still there")
    assert allowed.gap.reason is Reason.SERVER_ERROR
    assert refused.gap.reason is Reason.FORBIDDEN
