"""Admission webhooks in the way of new pods."""

import pytest
from akscan.model.kubernetes import (
    MutatingWebhookConfiguration,
    Namespace,
    RuleWithOperations,
    ValidatingWebhookConfiguration,
    WebhookAnnotations,
)
from akscan.model.selectors import Expression, LabelSelector
from akscan.sdk import Need, Status
from akscan.testing import case, endpoints_on, evaluate, evaluate_all, inventory, named, service, webhook_configuration
from akscan_rules.upgrades.webhooks import webhooks_do_not_stop_pods

SHOP = named(Namespace, "shop")
ANSWERS = [SHOP, service("webhook", "policy")]
SPREAD = [*ANSWERS, endpoints_on("node-0", "node-1")]
ALONE = [*ANSWERS, endpoints_on("node-0")]
OFF = {"admissions.enforcer/disabled": "true"}
AKS = {"kubernetes.azure.com/managedby": "aks"}


def on(resources="pods", groups="", operations="CREATE"):
    return RuleWithOperations(api_groups=(groups,), operations=(operations,), resources=(resources,))


def selecting(**labels):
    return LabelSelector(match_labels=labels)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case(
            "failurePolicy Fail on pods, 2 ready endpoints on 2 nodes", [*SPREAD, webhook_configuration()], Status.PASS
        ),
        case("failurePolicy absent on pods, 1 ready endpoint", [*ALONE, webhook_configuration()], Status.FAIL),
        case(
            "failurePolicy Ignore, 0 endpoints", [*ANSWERS, webhook_configuration(failure_policy="Ignore")], Status.PASS
        ),
        case(
            "Fail on configmaps only, 1 endpoint",
            [*ALONE, webhook_configuration(rules=(on("configmaps"),))],
            Status.PASS,
        ),
        case("on */*", [*ALONE, webhook_configuration(rules=(on("*/*", "*", "*"),))], Status.FAIL),
        case(
            "on pods of another group",
            [*ALONE, webhook_configuration(rules=(on("pods", "metrics.k8s.io"),))],
            Status.PASS,
        ),
        case("on changes of pods", [*ALONE, webhook_configuration(rules=(on(operations="UPDATE"),))], Status.PASS),
        case("mutating, 1 ready endpoint", [*ALONE, webhook_configuration(MutatingWebhookConfiguration)], Status.FAIL),
        case("service missing", [SHOP, webhook_configuration()], Status.FAIL),
        case(
            "2 endpoints on the same node",
            [*ANSWERS, endpoints_on("node-0", "node-0"), webhook_configuration()],
            Status.FAIL,
        ),
        case(
            "2 endpoints that name no node",
            [*ANSWERS, endpoints_on(None, None), webhook_configuration()],
            Status.NOT_ASSESSED,
        ),
        case(
            "3 endpoints, one of which names no node",
            [*ANSWERS, endpoints_on("node-0", None, "node-1"), webhook_configuration()],
            Status.PASS,
        ),
        case(
            "2 endpoints, one of which names no node",
            [*ANSWERS, endpoints_on("node-0", None), webhook_configuration()],
            Status.NOT_ASSESSED,
        ),
        case(
            "2 endpoints, none ready",
            [*ANSWERS, endpoints_on("n0", "n1", ready=False), webhook_configuration()],
            Status.FAIL,
        ),
        case(
            "readiness not stated",
            [*ANSWERS, endpoints_on("n0", "n1", ready=None), webhook_configuration()],
            Status.PASS,
        ),
        case("min_endpoints 3", [*SPREAD, webhook_configuration()], Status.FAIL, parameters={"min_endpoints": 3}),
        case(
            'admissions.enforcer/disabled "true", 2 endpoints',
            [*SPREAD, webhook_configuration(labels=OFF)],
            Status.FAIL,
        ),
        case(
            "the same by annotation",
            [*SPREAD, webhook_configuration(annotations=WebhookAnnotations(enforcer_disabled="true"))],
            Status.FAIL,
        ),
        case(
            "label kubernetes.azure.com/managedby aks",
            [*ALONE, webhook_configuration(labels=AKS)],
            Status.NOT_APPLICABLE,
        ),
        case("called by URL", [*ALONE, webhook_configuration(service=None)], Status.NOT_APPLICABLE),
        case(
            "selects no namespace",
            [*ALONE, webhook_configuration(namespace_selector=selecting(team="a"))],
            Status.NOT_APPLICABLE,
        ),
        case(
            "selects a namespace",
            [*ALONE, named(Namespace, "b"), webhook_configuration(namespace_selector=LabelSelector())],
            Status.FAIL,
        ),
        case(
            "services unreadable", [*SPREAD, webhook_configuration()], Status.NOT_ASSESSED, unreadable=[Need.SERVICES]
        ),
        case(
            "slices unreadable",
            [*SPREAD, webhook_configuration()],
            Status.NOT_ASSESSED,
            unreadable=[Need.ENDPOINT_SLICES],
        ),
        case(
            "slices unreadable, service missing",
            [SHOP, webhook_configuration()],
            Status.FAIL,
            unreadable=[Need.ENDPOINT_SLICES],
        ),
        case(
            "namespaces unreadable",
            [*ALONE, webhook_configuration()],
            Status.NOT_ASSESSED,
            unreadable=[Need.NAMESPACES],
        ),
        case("webhooks unreadable", [], Status.NOT_ASSESSED, unreadable=[Need.VALIDATING_WEBHOOKS]),
    ],
)
def test_webhooks_do_not_stop_pods(world, expected):
    assert evaluate(webhooks_do_not_stop_pods, world).status is expected


def test_a_webhook_is_named_with_what_it_is_asked():
    selector = LabelSelector(match_expressions=(Expression(key="name", operator="NotIn", values=("a", "b")),))
    world = inventory(*ALONE, webhook_configuration(namespace_selector=selector, labels=OFF, timeout_seconds=10))
    (verdict,) = evaluate_all(webhooks_do_not_stop_pods, world).values()
    assert verdict.findings[0].message == (
        "1 endpoint answers for it; once the drain has evicted all, new pods are refused; "
        "label admissions.enforcer/disabled lets it refuse pods of kube-system, too"
    )
    assert verdict.findings[0].evidence == {
        "configuration": "policy",
        "rules": ['CREATE "" pods'],
        "failurePolicy": "Fail",
        "namespaceSelector": "name NotIn a,b",
        "service": "policy/webhook",
        "readyEndpoints": 1,
        "nodes": ["node-0"],
        "timeoutSeconds": 10,
    }
    assert verdict.findings[0].fill == {"namespace": "policy", "replicas": "2"}


def test_both_kinds_are_judged():
    world = inventory(
        *SPREAD,
        webhook_configuration(MutatingWebhookConfiguration, "defaults"),
        webhook_configuration(ValidatingWebhookConfiguration, "policy"),
    )
    assert set(evaluate_all(webhooks_do_not_stop_pods, world)) == {"webhook/defaults.example", "webhook/policy.example"}
