"""authorization.k8s.io/v1: what an API server says that the caller may do."""

from __future__ import annotations

from akscan.model.kubernetes.base import KubernetesStruct

_ANY = "*"


class ResourceRule(KubernetesStruct, frozen=True, kw_only=True):
    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()

    def lists(self, group: str, plural: str) -> bool:
        """Whether it grants the list of a resource: one that names objects grants no list of all of them."""
        return (
            not self.resource_names
            and not {_ANY, "list"}.isdisjoint(self.verbs)
            and not {_ANY, group}.isdisjoint(self.api_groups)
            and not {_ANY, plural}.isdisjoint(self.resources)
        )


class RulesReviewStatus(KubernetesStruct, frozen=True, kw_only=True):
    """The rules of one namespace, those of the whole cluster among them. ``incomplete`` where an authorizer cannot
    enumerate its own.
    """

    resource_rules: tuple[ResourceRule, ...] | None = None
    incomplete: bool
    evaluation_error: str = ""

    def lists(self, group: str, plural: str) -> bool:
        """Whether a rule grants the list of a resource, perhaps in this namespace only."""
        return any(rule.lists(group, plural) for rule in self.resource_rules or ())


class RulesReview(KubernetesStruct, frozen=True, kw_only=True):
    """A SelfSubjectRulesReview as it is answered."""

    status: RulesReviewStatus


class AccessReviewStatus(KubernetesStruct, frozen=True, kw_only=True):
    allowed: bool
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""


class AccessReview(KubernetesStruct, frozen=True, kw_only=True):
    """A SelfSubjectAccessReview as it is answered."""

    status: AccessReviewStatus
