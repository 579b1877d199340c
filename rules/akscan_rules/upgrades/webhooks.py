"""Admission webhooks in the way of new pods."""

from collections.abc import Iterator

from akscan.sdk import (
    AdmissionWebhook,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    Severity,
    any_of,
    emptied_by_one_node,
    if_known,
    rule,
)


@rule(
    "UPG-019",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[
        Need.VALIDATING_WEBHOOKS,
        Need.MUTATING_WEBHOOKS,
        Need.SERVICES,
        Need.ENDPOINT_SLICES,
        Need.NAMESPACES,
    ],
    docs=[
        "https://learn.microsoft.com/azure/aks/faq",
        "https://learn.microsoft.com/azure/aks/start-stop-cluster",
    ],
    fix=Fix(
        """
        kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations
        kubectl scale deployment {deployment} --namespace {namespace} --replicas {replicas}
        # (b), whichever of the two it is
        kubectl label {kind} {name} admissions.enforcer/disabled-
        kubectl annotate {kind} {name} admissions.enforcer/disabled-
        """,
        Disruption.NONE,
        terraform=(
            "kubernetes_validating_webhook_configuration_v1.webhook.failure_policy (manifest: webhooks[].failurePolicy)"
        ),
    ),
)
def webhooks_do_not_stop_pods(
    webhook: AdmissionWebhook, inventory: Inventory, *, min_endpoints: int = 2
) -> Iterator[Finding]:
    """Admission webhooks that fail closed cannot stop pods from starting during a drain.

    When the only webhook pod is evicted, the API server refuses every new pod that matches, including the replacement
    of that pod: the drain turns into an outage. Opting out of the admissions enforcer extends the risk to kube-system.

    **Fix**: run the webhook with two or more replicas spread over nodes and a PDB, exclude its own namespace and the
    namespaces with the control-plane label, or set failurePolicy Ignore where the policy allows it. Where no pod of the
    webhook runs any more, set Ignore or delete the configuration first: it would refuse the new pods of the webhook.
    """
    configuration, item = webhook.configuration, webhook.webhook
    if configuration.metadata.is_marked_by_aks:
        raise NotApplicable("the configuration is the platform's")
    if item.client_config.service is None:
        raise NotApplicable("the webhook is called by its URL, outside the cluster")
    if not item.can_stop_pods:
        return
    if not webhook.namespaces:
        raise NotApplicable("no namespace matches its selector")
    reference = item.client_config.service
    endpoints = if_known(lambda: webhook.ready_endpoints)
    evidence = {
        "configuration": configuration.name,
        "rules": [str(entry) for entry in item.rules or ()],
        "failurePolicy": item.failure_policy,
        "namespaceSelector": str(item.namespace_selector) if item.namespace_selector else None,
        "service": f"{reference.namespace}/{reference.name}",
        "readyEndpoints": endpoints if isinstance(endpoints, str) else len(endpoints),
        "nodes": endpoints if isinstance(endpoints, str) else sorted({e.node_name or "" for e in endpoints}),
        "timeoutSeconds": item.timeout_seconds,
    }
    fill = {"namespace": reference.namespace, "replicas": str(max(2, min_endpoints))}
    for finding in any_of(_answers_from_few(webhook, min_endpoints), _opts_out(webhook)):
        yield Finding(finding.message, evidence, fill)


def _answers_from_few(webhook: AdmissionWebhook, min_endpoints: int) -> Iterator[Finding]:
    if webhook.service is None:
        yield Finding("the Service that answers for it does not exist, so new pods are refused now")
        return
    endpoints = webhook.ready_endpoints
    if not endpoints:
        yield Finding("nothing answers for it, so new pods are refused now")
    elif len(endpoints) < min_endpoints:
        noun = "endpoint answers" if len(endpoints) == 1 else "endpoints answer"
        yield Finding(f"{len(endpoints)} {noun} for it; once the drain has evicted all, new pods are refused")
    elif emptied_by_one_node(endpoints):
        yield Finding(
            f"all {len(endpoints)} endpoints are on node {endpoints[0].node_name}; its drain takes all of them"
        )


def _opts_out(webhook: AdmissionWebhook) -> Iterator[Finding]:
    if how := webhook.configuration.enforcer_opt_out:
        yield Finding(f"{how} admissions.enforcer/disabled lets it refuse pods of kube-system, too")
