"""How workloads take their secrets."""

from collections.abc import Iterator

from akscan.sdk import (
    Container,
    Disruption,
    Finding,
    Fix,
    Inventory,
    NotApplicable,
    Pillar,
    PodSpec,
    Severity,
    Workload,
    rule,
)

from akscan_rules.secrets import WORKLOAD_NEEDS


@rule(
    "SEC-014",
    Severity.LOW,
    Pillar.SECURITY,
    needs=WORKLOAD_NEEDS,
    frameworks={"cis_aks": ["4.5.1"]},
    docs=[
        "https://kubernetes.io/docs/concepts/configuration/secret/",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-configuration-options",
    ],
    fix=Fix(
        """
        kubectl set env {kind}/{name} --namespace {namespace} {variable}-
        kubectl edit {kind} {name} --namespace {namespace}
        """,
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_deployment_v1.spec.template.spec.container.env.value_from.secret_key_ref, env_from.secret_ref"
        ),
    ),
)
def secrets_reach_containers_as_files(workload: Workload, inventory: Inventory) -> Iterator[Finding]:
    """Secrets reach containers as files, not as environment variables.

    Variables are inherited by every child process, printed by debug pages and crash dumps, readable in /proc, and do
    not change when the Secret does.

    **Fix**: mount the Secret, or better a SecretProviderClass, as a volume and read the file. The workload rolls once
    (a bare pod or a Job has to be deleted and made anew), and the application must read a file.
    """
    if workload.namespace in workload.cluster.system_namespaces:
        raise NotApplicable("the namespace is the platform's")
    for spec in workload.each_spec():
        keys = list(_secret_key_references(spec))
        whole = [
            f"{container.name}: {source.secret_ref.name}"
            for container in spec.own_containers
            for source in container.env_from or ()
            if source.secret_ref is not None
        ]
        if keys or whole:
            variables = [f"{container.name}: {variable} = {reference}" for container, variable, reference in keys]
            yield Finding(
                f"{len(keys)} variable(s) and {len(whole)} whole Secret(s) reach the environment of containers",
                {"env[].valueFrom.secretKeyRef": variables, "envFrom[].secretRef": whole},
                {"variable": keys[0][1]} if keys else {},
            )


def _secret_key_references(spec: PodSpec) -> Iterator[tuple[Container, str, str]]:
    """Container, variable and ``secret/key`` of each variable that takes its value from a Secret."""
    for container in spec.own_containers:
        for variable in container.env or ():
            reference = variable.value_from.secret_key_ref if variable.value_from else None
            if reference is not None:
                yield container, variable.name, f"{reference.name}/{reference.key}"
