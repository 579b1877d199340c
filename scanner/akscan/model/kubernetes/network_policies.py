"""Network policies of Kubernetes, and the names of those of other APIs beside them."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from akscan.model.cidr import holds
from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct
from akscan.model.selectors import LabelSelector


class IpBlock(KubernetesStruct, frozen=True, kw_only=True):
    cidr: str = ""
    except_: tuple[str, ...] | None = msgspec.field(name="except", default=None)


class PolicyPeer(KubernetesStruct, frozen=True, kw_only=True):
    """The other side; of pods that selectors name nothing is kept."""

    ip_block: IpBlock | None = None


class PolicyPort(KubernetesStruct, frozen=True, kw_only=True):
    """A port by number or, on the pods of the other side, by name."""

    protocol: str = "TCP"
    port: int | str | None = None
    end_port: int | None = None

    def admits(self, port: int) -> bool:
        """Whether it admits a TCP port."""
        if self.protocol != "TCP" or isinstance(self.port, str):
            return False
        return self.port is None or self.port <= port <= (self.end_port or self.port)


class EgressRule(KubernetesStruct, frozen=True, kw_only=True):
    ports: tuple[PolicyPort, ...] | None = None
    to: tuple[PolicyPeer, ...] | None = None

    def admits(self, address: str, port: int) -> bool:
        """Whether it lets a TCP connection out to an address that belongs to no pod."""
        if self.ports and not any(one.admits(port) for one in self.ports):
            return False
        blocks = (peer.ip_block for peer in self.to or () if peer.ip_block)
        return not self.to or any(holds([b.cidr], address) and not holds(b.except_ or (), address) for b in blocks)


class NetworkPolicySpec(KubernetesStruct, frozen=True, kw_only=True):
    pod_selector: LabelSelector = LabelSelector()
    policy_types: tuple[str, ...] | None = None
    egress: tuple[EgressRule, ...] | None = None


class NetworkPolicy(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "NetworkPolicy"
    spec: NetworkPolicySpec = NetworkPolicySpec()

    @property
    def restricts_egress(self) -> bool:
        """Whether what no policy allows may not leave the pods that it selects; without policyTypes its egress rules
        tell (https://kubernetes.io/docs/concepts/services-networking/network-policies/).
        """
        types = self.spec.policy_types
        return "Egress" in types if types else bool(self.spec.egress)


class CalicoNetworkPolicy(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "NetworkPolicy"


class CalicoGlobalNetworkPolicy(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "GlobalNetworkPolicy"


class AdminNetworkPolicy(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "AdminNetworkPolicy"


class ClusterNetworkPolicy(KubernetesObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "ClusterNetworkPolicy"
