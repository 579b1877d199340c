"""What AKS and its features have to reach, by a dated file: the documentation is the only list of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib import resources

import msgspec
import yaml
from akscan.sdk import Cluster, Destination, EvidenceValue, Inventory, Token


class NetworkEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What a network rule has to allow; without a name, to the API server."""

    protocol: str
    port: int
    name: str = ""


class Cloud(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoints of one cloud, whose regions begin with one of ``locations``."""

    api_server: tuple[str, ...]
    names: tuple[str, ...]
    network: tuple[NetworkEndpoint, ...] = ()
    locations: tuple[str, ...] = ()


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """Names that a feature reaches with HTTPS, and with HTTP."""

    names: tuple[str, ...] = ()
    http: tuple[str, ...] = ()


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoints as the documentation of ``as_of`` gave them."""

    as_of: date
    sources: tuple[str, ...]
    stale_after_days: int
    clouds: Mapping[str, Cloud]
    service_tags: Mapping[str, tuple[tuple[str, ...], ...]]
    features: Mapping[str, Feature]
    monitor_names: tuple[str, ...]

    def cloud_of(self, cluster: Cluster) -> Cloud:
        """The cloud that the cluster's region belongs to."""
        here = cluster.location.casefold()
        found = (c for c in self.clouds.values() if here.startswith(c.locations or ("\0",)))
        return next(found, self.clouds["public"])

    def has_features_of(self, cluster: Cluster) -> bool:
        """Whether the names of features are those of the cluster's cloud: the public one."""
        return self.cloud_of(cluster) == self.clouds["public"]

    def tags_of(self, name: str, location: str) -> tuple[frozenset[Token], ...]:
        """The sets of service tags that stand for a name of the file."""
        return tuple(
            frozenset(Token(tag.format(location=location)) for tag in tags) for tags in self.service_tags.get(name, ())
        )

    def is_stale(self, inventory: Inventory) -> bool:
        """Whether newer documentation has probably changed a name."""
        return (inventory.collected_at.date() - self.as_of).days > self.stale_after_days

    def note(self, inventory: Inventory) -> str:
        """What a finding adds when the list is old."""
        return f" (by the list of {self.as_of}, which is stale)" if self.is_stale(inventory) else ""

    def evidence(self, inventory: Inventory) -> dict[str, EvidenceValue]:
        """How old the list is that a finding rests on."""
        return {"endpoints.as_of": str(self.as_of), "endpoints.is_stale": self.is_stale(inventory)}


@cache
def required_endpoints() -> Endpoints:
    """The list that ships with the rules, read on first use."""
    text = resources.files(__package__).joinpath("data", "required_endpoints.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), Endpoints)


def api_server_names(cluster: Cluster) -> tuple[Destination, ...]:
    """The names of a public API server: the cluster's own where it is known and fits, else those of its region."""
    if cluster.is_private or cluster.is_vnet_integrated:
        return ()
    listed, location = required_endpoints(), str(cluster.location).casefold()
    made = []
    for pattern in listed.cloud_of(cluster).api_server:
        wildcard, own = pattern.format(location=location), cluster.properties.fqdn
        name = own if own.casefold().endswith(wildcard[1:]) else wildcard
        made.append(_secure(name, listed.tags_of(pattern, location), keeps_tls=True))
    return tuple(made)


def node_names(cluster: Cluster, extra: Iterable[str]) -> tuple[Destination, ...]:
    """The other names that nodes need, and further ones that the user asks for."""
    listed, location = required_endpoints(), str(cluster.location).casefold()
    named = (_secure(name, listed.tags_of(name, location)) for name in listed.cloud_of(cluster).names)
    return (*named, *(Destination(name) for name in extra))


def azure_cloud_tags(cluster: Cluster) -> tuple[frozenset[Token], ...]:
    """The service tags that hold the public address of an API server."""
    return frozenset({Token(f"AzureCloud.{cluster.location}")}), frozenset({Token("AzureCloud")})


def network_endpoints(cluster: Cluster) -> tuple[Destination, ...]:
    """What network rules have to allow in a sovereign cloud."""
    server = azure_cloud_tags(cluster)
    return tuple(
        Destination(endpoint.name, protocol=endpoint.protocol, port=endpoint.port, tags=() if endpoint.name else server)
        for endpoint in required_endpoints().cloud_of(cluster).network
        if endpoint.name or not cluster.is_private
    )


def _secure(name: str, tags: tuple[frozenset[Token], ...], *, keeps_tls: bool = False) -> Destination:
    return Destination(name, tags=tags, in_aks_tag=True, keeps_tls=keeps_tls)


def is_ignored(wanted: Destination, ignored: Iterable[str]) -> bool:
    """Whether the user left the name out; a wildcard leaves out all that it holds."""
    return wanted.is_named_by(ignored)
