"""Asks an API server what the identity may list, instead of listing it.

The reviews are POSTs that store nothing (https://kubernetes.io/docs/reference/access-authn-authz/authorization/).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from akscan.collect.connection import ACCESS_REVIEWS, RULES_REVIEWS, Connection
from akscan.collect.discovery import Discovery
from akscan.collect.faults import gap_of
from akscan.collect.limits import Limit
from akscan.model.cluster import missing_lists
from akscan.model.decode import decode
from akscan.model.gaps import Gap, Reason
from akscan.model.kubernetes import KubernetesLists, Listing
from akscan.model.kubernetes.authorization import AccessReview, RulesReview, RulesReviewStatus
from akscan.model.needs import Need
from akscan.model.permissions import kubernetes_resource
from akscan.model.reads import KUBERNETES_READS, KubernetesRead

_REVIEW = "create selfsubjectaccessreviews.authorization.k8s.io"
#: A rules review is asked of a namespace; this one is always there.
_NAMESPACE = "default"


class PermissionReviewer:
    """Finds out which lists one API server would answer: an empty list stands for one that it would, a gap for one
    that it would not, or of which nobody knows.
    """

    def __init__(self, connection: Connection, scope: str, limit: Limit, needs: Collection[Need]) -> None:
        self._connection = connection
        self._discovery = Discovery(connection)
        self._scope = scope
        self._limit = limit
        self._needs = needs

    def collect(self) -> KubernetesLists:
        rules = self._rules()
        wanted = [read for read in KUBERNETES_READS if read.need in self._needs]
        # several lists may hang on one permission, which is asked for once
        gaps = {need: self._gap_of(read, rules) for need, read in {read.need: read for read in wanted}.items()}
        listings: dict[str, Listing[Any]] = {read.field: Listing(gap=gaps[read.need]) for read in wanted}
        return missing_lists(Gap(source="kubernetes", scope=self._scope, reason=Reason.NOT_READ), **listings)

    def _rules(self) -> RulesReviewStatus | None:
        """All rules of the identity in one namespace; None where not every authorizer tells its own (Azure's does
        not).
        """
        try:
            self._limit.check()
            answer = self._connection.post(RULES_REVIEWS, {"spec": {"namespace": _NAMESPACE}})
            status = decode(answer, RulesReview).status
        except Exception:  # noqa: BLE001 the reviews that are asked instead will say what is wrong
            return None
        return None if status.incomplete or status.evaluation_error else status

    def _gap_of(self, read: KubernetesRead, rules: RulesReviewStatus | None) -> Gap | None:
        """None, too, for a resource that is not there: nobody needs to list it."""
        gap = self._gap(read.need, rules)
        if gap is not None and read.optional and self._discovery.versions(*kubernetes_resource(read.need)) == ():
            return None
        return gap

    def _gap(self, need: Need, rules: RulesReviewStatus | None) -> Gap | None:
        """A rule of the namespace may come from a RoleBinding there, which grants no list of all namespaces: that there
        is none proves that the permission is missing, that there is one proves nothing.
        """
        group, plural = kubernetes_resource(need)
        if rules is not None and not rules.lists(group, plural):
            return self._missing(need, "no rule of the identity grants it")
        resource = {"verb": "list", "group": group, "resource": plural}
        try:
            self._limit.check()
            answer = self._connection.post(ACCESS_REVIEWS, {"spec": {"resourceAttributes": resource}})
            status = decode(answer, AccessReview).status
        except Exception as error:  # noqa: BLE001 whatever the client raises means that nobody knows
            return gap_of(error, source="kubernetes", scope=self._scope, need=_REVIEW, ended=self._limit.ended)
        if status.allowed:
            return None
        if status.evaluation_error and not status.denied:
            return Gap(source="kubernetes", scope=self._scope, reason=Reason.UNKNOWN, detail=status.evaluation_error)
        return self._missing(need, status.reason)

    def _missing(self, need: Need, detail: str) -> Gap:
        return Gap(source="kubernetes", scope=self._scope, reason=Reason.FORBIDDEN, permission=need, detail=detail)
