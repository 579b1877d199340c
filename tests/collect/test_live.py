"""A live collection as a whole: proxies, certificates, contexts beside ARM, progress."""

import base64
import contextlib
import datetime as dt
import gc
import logging
import os
import pty
import select
import socket
import socketserver
import subprocess
import sys
import threading
import weakref

import pytest
import yaml
from akscan.collect.azure import Selection
from akscan.collect.cloud import cloud_named
from akscan.collect.live import Target, collect
from akscan.collect.progress import Progress
from akscan.commands.sinks import EvaluatingSink
from akscan.engine import SelectedRule
from akscan.inventory_file import InventoryFile
from akscan.model.gaps import Reason
from akscan.model.inventory import SYSTEM_NAMESPACES
from akscan.plugins import load_rules
from akscan_fixtures.certificates import make_certificates
from support import akscan, azure_options


class _Tunnel(socketserver.BaseRequestHandler):
    """One CONNECT and the bytes behind it."""

    def handle(self):
        request = b""
        while b"\r\n\r\n" not in request:
            request += self.request.recv(4096)
        target = request.split()[1].decode()
        self.server.targets.append(target)
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as upstream:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ends = {self.request: upstream, upstream: self.request}
            while True:
                ready, _, _ = select.select(list(ends), [], [], 10)
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    ends[end].sendall(data)
                if not ready:
                    return


class _Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.targets = []


@pytest.fixture
def proxy():
    with _Proxy() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_both_clients_go_through_the_proxy(proxy, serve, contoso, tmp_path):
    simulator = serve(contoso)
    environment = {key: value for key, value in os.environ.items() if key.casefold() not in ("no_proxy", "http_proxy")}
    environment |= {**simulator.environment, "HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}"}
    target = tmp_path / "x.akscan"
    subprocess.run(
        [sys.executable, "-m", "akscan", "collect", "-o", target, *azure_options(simulator), "-n", "aks-payments-prod"],
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    )
    with InventoryFile(target) as file:
        (only,) = file.members
        assert file.cluster(only).pods.gap is None
    api_server = simulator.kubeconfig("aks-payments-prod")["clusters"][0]["cluster"]["server"]
    assert simulator.arm_endpoint.removeprefix("https://") in proxy.targets
    assert api_server.removeprefix("https://").partition("/")[0] in proxy.targets


@contextlib.contextmanager
def expired_server(folder):
    """A server on loopback whose certificate is no longer valid: its port and authority."""
    certificates = make_certificates(folder, valid=-dt.timedelta(minutes=1))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet():
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    with plain, contextlib.suppress(OSError):
                        certificates.server.wrap_socket(plain, server_side=True).close()

        thread = threading.Thread(target=greet)
        thread.start()
        yield listener.getsockname()[1], certificates.authority
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def kubeconfig(folder, monkeypatch, port, authority):
    """A kubeconfig with one context named ``mine``; its path is the default one."""
    cluster = {
        "server": f"https://127.0.0.1:{port}",
        "certificate-authority-data": base64.b64encode(authority).decode(),
    }
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "mine", "context": {"cluster": "c", "user": "u"}}],
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))


def test_an_expired_certificate_says_so(tmp_path, monkeypatch):
    with expired_server(tmp_path) as (port, authority):
        kubeconfig(tmp_path, monkeypatch, port, authority)
        target = tmp_path / "x.akscan"
        outcome = akscan("collect", "-o", str(target), "--context", "mine", "--quiet")
    assert outcome.code == 0, outcome.err
    with InventoryFile(target) as file:
        (only,) = file.members
        gap = file.cluster(only).pods.gap
    assert gap.reason is Reason.TLS
    assert "expired" in gap.detail


def test_a_context_joins_the_cluster_that_arm_knows_by_its_host(serve, contoso, tmp_path, monkeypatch):
    estate = contoso.copy()
    resource = next(r for r in estate.resources.values() if r["name"] == "aks-legacy-shop")
    resource["properties"]["fqdn"] = "127.0.0.1"
    simulator = serve(estate)
    document = simulator.kubeconfig("aks-legacy-shop")
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    target = tmp_path / "x.akscan"
    context = document["contexts"][0]["name"]
    options = ["-n", "aks-legacy-shop", "--context", context]
    assert akscan("collect", "-o", str(target), *azure_options(simulator), *options).code == 0
    with InventoryFile(target) as file:
        (only,) = file.members
        assert only == resource["id"]
        assert file.cluster(only).pods.items
    assert not [request for request in simulator.requests if request.method == "POST"]


def test_progress_is_plain_lines_where_there_is_no_terminal(serve, contoso, tmp_path):
    simulator = serve(contoso)
    options = [option for option in azure_options(simulator) if option != "--quiet"]
    loud = akscan("collect", "-o", str(tmp_path / "x.akscan"), *options)
    assert f"Azure: {len(contoso.clusters)} clusters in 3 subscriptions" in loud.err.splitlines()
    assert "\x1b" not in loud.err
    assert loud.out == ""
    quiet = akscan("collect", "-o", str(tmp_path / "x.akscan"), *options, "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_progress_moves_on_a_terminal(serve, contoso, tmp_path):
    simulator = serve(contoso, latency_seconds=0.05)
    options = [option for option in azure_options(simulator) if option != "--quiet"]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "akscan", "collect", "-o", tmp_path / "x.akscan", *options],
        env={**os.environ, **simulator.environment, "TERM": "xterm-256color"},
        stderr=follower,
    )
    os.close(follower)
    shown = b""
    with contextlib.suppress(OSError):
        while part := os.read(leader, 65536):
            shown += part
    os.close(leader)
    assert process.wait(timeout=60) == 0
    assert b"Kubernetes" in shown
    assert b"\x1b[" in shown


class Watching(EvaluatingSink):
    """Counts, as each cluster comes in, those before it whose lists are still in memory."""

    def __init__(self):
        super().__init__([SelectedRule.of(rule) for rule in load_rules()], SYSTEM_NAMESPACES)
        self.taken = []
        self.kept = []

    def add(self, cluster_id, lists):
        gc.collect()  # subjects and their cluster refer to each other
        self.kept.append(sum(reference() is not None for reference in self.taken))
        self.taken.append(weakref.ref(lists))
        super().add(cluster_id, lists)


def test_the_lists_of_an_evaluated_cluster_are_freed(serve, contoso, caplog):
    caplog.set_level(logging.CRITICAL, "urllib3")  # a record of a refused connection keeps the frames behind it
    simulator = serve(contoso)
    cloud = cloud_named(
        "custom",
        arm_endpoint=simulator.arm_endpoint,
        arm_audience=simulator.arm_audience,
        authority="",
        ca_file=str(simulator.ca_file),
    )
    sink = Watching()
    with Progress(quiet=True) as progress:
        collect(Target(cloud, "managed-identity", Selection()), sink, progress)
    assert sink.kept == [0] * len(list(contoso.managed_clusters()))
    assert sink.report().findings
