"""Azure clouds: where ARM and Microsoft Entra ID answer, and whom a client trusts there."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from akscan.errors import AkscanError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport

#: The Microsoft Entra server application of AKS, the same in every cloud
#: (https://learn.microsoft.com/azure/aks/kubelogin-authentication).
AKS_SERVER_APPLICATION = "6dae42f8-4368-4678-94ff-3960e28e3630"

AUTHENTICATION = ("default", "cli", "managed-identity", "workload-identity", "environment")


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud. ``ca_file`` holds certificates (PEM) that are trusted beside the public ones."""

    name: str
    arm_endpoint: str
    arm_audience: str
    authority: str
    ca_file: str = ""

    @property
    def arm_scope(self) -> str:
        """The scope of a token for ARM."""
        return f"{self.arm_audience.rstrip('/')}/.default"


#: https://learn.microsoft.com/azure/azure-government/compare-azure-government-global-azure and
#: https://learn.microsoft.com/azure/china/resources-developer-guide
CLOUDS = {
    "public": Cloud(
        "public", "https://management.azure.com", "https://management.azure.com", "login.microsoftonline.com"
    ),
    "usgov": Cloud(
        "usgov",
        "https://management.usgovcloudapi.net",
        "https://management.usgovcloudapi.net",
        "login.microsoftonline.us",
    ),
    "china": Cloud(
        "china",
        "https://management.chinacloudapi.cn",
        "https://management.chinacloudapi.cn",
        "login.chinacloudapi.cn",
    ),
}


def cloud_named(name: str, *, arm_endpoint: str, arm_audience: str, authority: str, ca_file: str) -> Cloud:
    """A known cloud, or the one behind ``arm_endpoint`` when the name is ``custom``. Raises `AkscanError`."""
    if ca_file:
        _check_certificates(ca_file)
    if name != "custom":
        if arm_endpoint:
            raise AkscanError("--arm-endpoint goes with --cloud custom", "name the cloud, or leave the endpoint out")
        return replace(CLOUDS[name], ca_file=ca_file)
    if urlsplit(arm_endpoint).scheme != "https":
        raise AkscanError("--cloud custom needs --arm-endpoint https://...", "bearer tokens travel over TLS only")
    return Cloud(
        "custom",
        arm_endpoint.rstrip("/"),
        arm_audience or arm_endpoint.rstrip("/"),
        authority or CLOUDS["public"].authority,
        ca_file,
    )


def _check_certificates(ca_file: str) -> None:
    try:
        ssl.create_default_context().load_verify_locations(ca_file)
    except (OSError, ssl.SSLError) as error:
        raise AkscanError(f"{ca_file}: no certificates in PEM form: {error}") from None


@contextmanager
def trust_of(cloud: Cloud) -> Iterator[str | bool]:
    """What a client verifies servers with: True for the defaults (which honour REQUESTS_CA_BUNDLE), or a bundle of the
    public certificates and the cloud's own.
    """
    if not cloud.ca_file:
        yield True
        return
    import certifi  # noqa: PLC0415 only where a bundle is made

    parts = [Path(certifi.where()).read_text(encoding="ascii"), Path(cloud.ca_file).read_text(encoding="utf-8")]
    with tempfile.TemporaryDirectory(prefix="akscan-") as folder:
        bundle = Path(folder) / "ca.pem"
        bundle.write_text("\n".join(parts), encoding="utf-8")
        yield str(bundle)


def credential_for(cloud: Cloud, authentication: str, transport: RequestsTransport) -> TokenCredential:
    """A credential of azure-identity by the name of ``--auth``; its requests take the given way."""
    import os  # noqa: PLC0415

    from azure import identity  # noqa: PLC0415 0.1 s that only a live scan pays

    options: dict[str, Any] = {"authority": cloud.authority, "transport": transport}
    match authentication:
        case "cli":
            return identity.AzureCliCredential()
        case "managed-identity":
            return identity.ManagedIdentityCredential(client_id=os.environ.get("AZURE_CLIENT_ID"), transport=transport)
        case "workload-identity":
            return identity.WorkloadIdentityCredential(**options)
        case "environment":
            return identity.EnvironmentCredential(**options)
        case _:
            return identity.DefaultAzureCredential(**options)
