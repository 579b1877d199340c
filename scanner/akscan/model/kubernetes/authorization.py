"""authorization.k8s.io/v1: what an API server says that the caller may do."""

from __future__ import annotations

import msgspec

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


class NonResourceRule(KubernetesStruct, frozen=True, kw_only=True):
    verbs: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = msgspec.field(name="nonResourceURLs", default=())

    def gets(self, url: str) -> bool:
        """Whether it grants a path; an asterisk at the end stands for all that begins so."""
        fitting = (url == own or (own.endswith(_ANY) and url.startswith(own[:-1])) for own in self.non_resource_urls)
        return not {_ANY, "get"}.isdisjoint(self.verbs) and any(fitting)


class RulesReviewStatus(KubernetesStruct, frozen=True, kw_only=True):
    """The rules of one namespace, those of the whole cluster among them. ``incomplete`` where an authorizer cannot
    enumerate its own.
    """

    resource_rules: tuple[ResourceRule, ...] | None = None
    non_resource_rules: tuple[NonResourceRule, ...] | None = None
    incomplete: bool
    evaluation_error: str = ""

    def gets(self, url: str) -> bool:
        """Whether a rule grants a path that is no resource."""
        return any(rule.gets(url) for rule in self.non_resource_rules or ())

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
