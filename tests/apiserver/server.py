"""A real Kubernetes API server with its etcd on loopback, for tests and benchmarks.

`make apiserver` builds both of the sources beside this file.
"""

import base64
import json
import os
import re
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import kubernetes
import urllib3
from akscan_fixtures.certificates import Authority
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_LOOPBACK = "127.0.0.1"
_START_SECONDS = 60
_STOP_SECONDS = 10
_POLL_SECONDS = 0.05
_LOG_CHARACTERS = 2000
#: The member of the group that may do everything.
_ADMINISTRATORS = "system:masters"
_AUDIT_POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: RequestResponse, resources: [{group: "", resources: [secrets]}]}
- {level: Metadata}
"""


def version() -> str:
    """The version of Kubernetes that go.mod pins, such as ``v1.35.4``."""
    text = Path(__file__).with_name("go.mod").read_text(encoding="utf-8")
    return re.search(r"^\tk8s\.io/kubernetes (v\S+)$", text, re.MULTILINE)[1]


def assets() -> Path:
    """The folder with ``etcd`` and ``kube-apiserver``. Raises `FileNotFoundError`."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = os.environ.get("KUBEBUILDER_ASSETS")
    folder = Path(named) if named else cache / "akscan" / "apiserver" / version()
    for binary in ("etcd", "kube-apiserver"):
        if not (folder / binary).is_file():
            raise FileNotFoundError(f"no {binary} in {folder}: run make apiserver, or set KUBEBUILDER_ASSETS")
    return folder


class ApiServer:
    """Runs while its `with` block does. ``flags`` are given to kube-apiserver after those of the harness.

    Whoever has the static token ``token`` is the user ``scanner``, who may do nothing unless a test grants it.
    """

    url: str
    authority: Authority

    def __init__(self, *flags: str, etcd_flags: Sequence[str] = ()) -> None:
        self.token = secrets.token_hex(32)
        self._flags, self._more_etcd_flags = flags, etcd_flags
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        folder = assets()
        with ExitStack() as resources:
            self._directory = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="akscan-apiserver-")))
            client, peer, secure = (resources.enter_context(_reserved_port()) for _ in range(3))
            self._etcd, self.url = f"http://{_LOOPBACK}:{client}", f"https://{_LOOPBACK}:{secure}"
            self.authority = Authority("akscan test CA")
            processes = [
                resources.enter_context(self._running(folder / "etcd", self._etcd_flags(peer))),
                resources.enter_context(self._running(folder / "kube-apiserver", self._server_flags(secure))),
            ]
            self._wait_until_ready(processes)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    # --- ways in

    def kubeconfig(self, users: Mapping[str, Mapping[str, Any]], *, authority: bytes | None = None) -> dict[str, Any]:
        """A kubeconfig with a context for each user entry, of the same name; the first is the current one."""
        data = base64.b64encode(authority or self.authority.certificate).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "real", "cluster": {"server": self.url, "certificate-authority-data": data}}],
            "users": [{"name": name, "user": dict(user)} for name, user in users.items()],
            "contexts": [{"name": name, "context": {"cluster": "real", "user": name}} for name in users],
            "current-context": next(iter(users)),
        }

    def certificate_user(self, name: str, *groups: str) -> dict[str, str]:
        """The user entry of a kubeconfig: a client certificate made for it."""
        certificate, key = (base64.b64encode(pem).decode() for pem in self.authority.client(name, groups))
        return {"client-certificate-data": certificate, "client-key-data": key}

    @contextmanager
    def administrator(self) -> Iterator[kubernetes.client.ApiClient]:
        """The official client as an administrator."""
        document = self.kubeconfig({"administrator": self.certificate_user("administrator", _ADMINISTRATORS)})
        with kubernetes.config.new_client_from_config_dict(document) as api:
            yield api

    # --- behind the scenes

    def compact(self) -> None:
        """Make etcd forget every revision but the newest, through its JSON gateway
        (https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/).
        """
        newest = self._ask_etcd("kv/range", {"key": "AA=="})["header"]["revision"]
        self._ask_etcd("kv/compaction", {"revision": newest, "physical": True})

    def store(self, objects: Mapping[str, bytes]) -> None:
        """Write objects into etcd under their keys, past the API: many at once, and as nobody would admit them."""
        puts = [
            {"requestPut": {"key": base64.b64encode(key.encode()).decode(), "value": base64.b64encode(value).decode()}}
            for key, value in objects.items()
        ]
        self._ask_etcd("kv/txn", {"success": puts})

    def audited(self, user: str) -> list[dict[str, Any]]:
        """What the audit log holds about the requests of a user."""
        events = map(json.loads, (self._directory / "audit.log").read_text(encoding="utf-8").splitlines())
        return [event for event in events if event["user"]["username"] == user]

    def _ask_etcd(self, call: str, body: Mapping[str, Any]) -> dict[str, Any]:
        answer = urllib3.request("POST", f"{self._etcd}/v3/{call}", json=body, timeout=_STOP_SECONDS)
        if answer.status != 200:
            raise RuntimeError(f"etcd answered {call} with {answer.status}: {answer.data!r}")
        return answer.json()

    # --- processes

    def _etcd_flags(self, peer_port: int) -> list[str]:
        peer = f"http://{_LOOPBACK}:{peer_port}"
        return [
            *("--data-dir", str(self._directory / "etcd"), "--unsafe-no-fsync", "--log-level", "warn"),
            *("--listen-client-urls", self._etcd, "--advertise-client-urls", self._etcd),
            *(
                "--listen-peer-urls",
                peer,
                "--initial-advertise-peer-urls",
                peer,
                "--initial-cluster",
                f"default={peer}",
            ),
            "--socket-reuse-port",
            *self._more_etcd_flags,
        ]

    def _server_flags(self, port: int) -> list[str]:
        certificate, key = self.authority.server()
        signer = ec.generate_private_key(ec.SECP256R1())
        accounts = self._file(
            "accounts.key", signer.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        return [
            *("--etcd-servers", self._etcd, "--bind-address", _LOOPBACK, "--secure-port", str(port)),
            *("--permit-port-sharing", "--endpoint-reconciler-type", "none", "--authorization-mode", "RBAC"),
            "--allow-privileged",  # as AKS does
            *("--tls-cert-file", self._file("server.crt", certificate)),
            *("--tls-private-key-file", self._file("server.key", key)),
            *("--client-ca-file", self._file("ca.crt", self.authority.certificate)),
            *("--token-auth-file", self._file("tokens.csv", f"{self.token},scanner,scanner\n".encode())),
            *("--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", accounts),
            *("--service-account-signing-key-file", accounts, "--service-cluster-ip-range", "10.0.0.0/16"),
            *("--audit-policy-file", self._file("audit.yaml", _AUDIT_POLICY.encode()), "--audit-log-mode", "blocking"),
            *("--audit-log-path", str(self._directory / "audit.log"), "--v", "0"),
            *self._flags,
        ]

    def _file(self, name: str, content: bytes) -> str:
        path = self._directory / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return str(path)

    @contextmanager
    def _running(self, binary: Path, flags: list[str]) -> Iterator[subprocess.Popen]:
        with (self._directory / f"{binary.name}.log").open("wb") as log:
            process = subprocess.Popen([binary, *flags], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _wait_until_ready(self, processes: list[subprocess.Popen]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        with urllib3.PoolManager(ca_cert_data=self.authority.certificate.decode(), retries=False, timeout=1) as pool:
            while all(process.poll() is None for process in processes) and time.monotonic() < deadline:
                try:
                    if pool.request("GET", f"{self.url}/readyz").status == 200:
                        return
                except urllib3.exceptions.HTTPError:
                    pass  # not listening yet
                time.sleep(_POLL_SECONDS)
        logs = (
            path.read_text(encoding="utf-8")[-_LOG_CHARACTERS:] for path in sorted(self._directory.glob("*e*r.log"))
        )
        raise RuntimeError("the API server did not become ready:\n" + "\n".join(logs))


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A port that no other program gets; the socket that holds it does not listen, whoever shares the port may."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((_LOOPBACK, 0))
        yield sock.getsockname()[1]
