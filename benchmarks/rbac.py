"""How the rules on Kubernetes RBAC grow with roles and bindings: ``python benchmarks/rbac.py [ROLES]``.

Four bindings for each role; every tenth role is aggregated into a common one, every fifth grants something that a rule
looks for. Prints seconds per phase and the ratio of the time for n roles to that for n/4 (4 is linear; collections of
garbage come on top), all in one run.
"""

import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from akscan.config import Config, Loaded, select_rules
from akscan.engine import Evaluation
from akscan.model.kubernetes import KubernetesObject, Request
from akscan.model.rbac import Rbac
from akscan.plugins import load_rules
from akscan.results import Report
from akscan.testing import (
    cluster_role,
    cluster_role_binding,
    inventory,
    rbac_rule,
    rbac_subject,
    role,
    role_binding,
    service_account,
)

T = TypeVar("T")
_BINDINGS_PER_ROLE = 4
_LABEL = {"rbac.example/aggregate-to-common": "true"}
_ORDINARY = (
    rbac_rule("get list watch", "pods services configmaps"),
    rbac_rule("get list watch", "deployments statefulsets", group="apps"),
    rbac_rule("create update", "leases", group="coordination.k8s.io"),
)
_REACHING = (
    rbac_rule("get list", "secrets"),
    rbac_rule("bind", "clusterroles", group="rbac.authorization.k8s.io"),
    rbac_rule("get", "nodes/proxy"),
    rbac_rule("*", "deployments", group="apps"),
    rbac_rule("create", "pods/exec"),
)


def main(roles: int) -> None:
    """Measure a quarter and the whole, and print the table."""
    small, large = measure(roles // 4), measure(roles)
    print(f"{'phase':<24}{roles // 4:>10}{roles:>12}{'ratio':>8}")
    for phase, seconds in large.items():
        print(f"{phase:<24}{small[phase]:>8.2f} s{seconds:>10.2f} s{seconds / small[phase]:>8.1f}")
    print(f"{roles} roles, {roles * _BINDINGS_PER_ROLE} bindings")


def measure(roles: int) -> dict[str, float]:
    """Seconds for indexing and for judging one cluster with that many roles."""
    world = inventory(list(objects(roles)))
    (cluster,) = world.clusters
    indexed, _ = timed(lambda: Rbac(cluster.lists).grants(Request("get", "secrets")))
    rules = select_rules(load_rules(), Loaded(Config(), None, {}), ["ACC-009", "ACC-01", "ACC-020"], [])

    def evaluate() -> Report:
        evaluation = Evaluation(rules, world)
        evaluation.add(cluster.id, cluster.lists)
        return evaluation.finish(world.manifest)

    judged, report = timed(evaluate)
    return {"index": indexed, f"judge by {len(report.rules)} rules": judged}


def objects(roles: int) -> Iterator[KubernetesObject]:
    """ClusterRoles and Roles in turn, each with a service account, a user and two groups as holders."""
    yield cluster_role("common", aggregates=[_LABEL])
    for number in range(roles):
        name, space = f"role-{number}", f"team-{number % 200}"
        rules = (*_ORDINARY, _REACHING[number // 5 % len(_REACHING)]) if number % 5 == 0 else _ORDINARY
        wide = number % 2 == 0
        labels = _LABEL if number % 10 == 0 else {}
        yield cluster_role(name, *rules, labels=labels) if wide else role(name, space, *rules)
        yield service_account(f"app-{number}", space)
        holders = (
            rbac_subject("ServiceAccount", f"app-{number}", space),
            rbac_subject("User", f"user-{number}@example.com"),
            rbac_subject("Group", f"00000000-0000-0000-0000-{number:012}"),
            rbac_subject("Group", "00000000-0000-0000-0000-000000000000"),
        )
        for place, holder in enumerate(holders):
            binding = f"{name}-{place}"
            if wide and place % 2 == 0:
                yield cluster_role_binding(binding, holder, role=name)
            else:
                yield role_binding(binding, space, holder, role=name, kind="ClusterRole" if wide else "Role")


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds and the result."""
    started = time.perf_counter()
    result = call()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
