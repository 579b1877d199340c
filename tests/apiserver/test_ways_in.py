"""Every way that a kubeconfig leads to a real API server, and every way to be turned away."""

import json
import os
import subprocess
import sys

import pytest
from akscan.inventory_file import InventoryFile
from akscan.model.gaps import Reason
from akscan.model.needs import Need
from akscan_fixtures.certificates import Authority

pytestmark = pytest.mark.usefixtures("administrator")


def gaps(lists):
    found = {name: getattr(lists, name).gap for name in lists.__struct_fields__}
    return {name: gap for name, gap in found.items() if gap is not None}


def plugin(tmp_path, program):
    """The user entry of a kubeconfig whose credentials come from a program."""
    script = tmp_path / "plugin.py"
    script.write_text(program, encoding="utf-8")
    api_version = "client.authentication.k8s.io/v1"
    command = {"apiVersion": api_version, "command": sys.executable, "args": [str(script)], "interactiveMode": "Never"}
    return {"exec": command}


def answering(status):
    credential = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    return f"print({json.dumps(credential)!r})"


@pytest.mark.parametrize("way", ["token", "certificate", "plugin with token", "plugin with certificate"])
def test_a_way_in(way, server, collect, tmp_path):
    entry = server.certificate_user("scanner")
    certificate, key = server.authority.client("scanner")
    pair = {"clientCertificateData": certificate.decode(), "clientKeyData": key.decode()}
    user = {
        "token": {"token": server.token},
        "certificate": entry,
        "plugin with token": plugin(tmp_path, answering({"token": server.token})),
        "plugin with certificate": plugin(tmp_path, answering(pair)),
    }[way]
    lists = collect(server.kubeconfig({"mine": user}))["mine"]
    assert gaps(lists) == {}
    assert {namespace.name for namespace in lists.namespaces.items} >= {"default", "kube-system"}
    assert "cluster-admin" in {binding.name for binding in lists.cluster_role_bindings.items}


def test_each_context_is_read_as_its_own_user(server, collect):
    users = {
        "token": {"token": server.token},
        "certificate": server.certificate_user("scanner"),
        "wrong token": {"token": "wrong"},
        "a stranger": server.certificate_user("stranger"),
    }
    found = {name: gaps(lists) for name, lists in collect(server.kubeconfig(users)).items()}
    assert found["token"] == found["certificate"] == {}
    assert {gap.reason for gap in found["wrong token"].values()} == {Reason.UNAUTHORIZED}
    assert {gap.reason for gap in found["a stranger"].values()} == {Reason.FORBIDDEN}
    assert 'User "stranger" cannot list resource "pods"' in found["a stranger"]["pods"].detail
    kubernetes_needs = {need for need in Need if need.source == "kubernetes"}
    assert {gap.permission for gap in found["wrong token"].values()} == kubernetes_needs


def test_a_plugin_that_fails_is_nobody(server, collect, tmp_path):
    lists = collect(server.kubeconfig({"mine": plugin(tmp_path, "raise SystemExit(1)")}))["mine"]
    assert {gap.reason for gap in gaps(lists).values()} == {Reason.FORBIDDEN}
    assert "system:anonymous" in lists.pods.gap.detail


def test_another_authority_is_a_readable_gap(server, collect):
    document = server.kubeconfig({"mine": {"token": server.token}}, authority=Authority("stranger").certificate)
    found = gaps(collect(document)["mine"])
    assert {gap.reason for gap in found.values()} == {Reason.TLS}
    told = str(found["pods"])
    assert told == "the TLS connection to the API server of mine failed: unable to get local issuer certificate"


def test_a_program_of_its_own_follows_the_environment(server, use, tmp_path):
    path = use(server.kubeconfig({"mine": plugin(tmp_path, answering({"token": server.token}))}))
    target = tmp_path / "x.akscan"
    subprocess.run(
        [sys.executable, "-m", "akscan", "collect", "--context", "mine", "--quiet", "-o", target],
        env={**os.environ, "KUBECONFIG": str(path)},
        check=True,
        timeout=60,
    )
    with InventoryFile(target) as file:
        (only,) = file.members
        assert gaps(file.cluster(only)) == {}
