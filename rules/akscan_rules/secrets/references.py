"""Secrets that workloads name: whether they exist, and whether they are needed."""

from collections.abc import Iterator

from akscan.sdk import (
    ContainerRegistry,
    Disruption,
    Finding,
    Fix,
    Inventory,
    KubeletIdentity,
    Need,
    NotApplicable,
    Pillar,
    PodSpec,
    Severity,
    Workload,
    any_of,
    if_known,
    image_host,
    is_azure_registry,
    read_registry,
    rule,
    secret_uses,
)

from akscan_rules.secrets import WORKLOAD_NEEDS

#: It asks nobody to sign in.
_WITHOUT_LOGIN = "mcr.microsoft.com"
#: AcrPull, and Container Registry Repository Reader where rights are decided by repository: there AcrPull is void
#: (https://learn.microsoft.com/azure/container-registry/container-registry-rbac-abac-repository-permissions).
_ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
_REPOSITORY_READER = "b93aa761-3e63-49ed-ac28-beffa264f7ac"


@rule(
    "SEC-018",
    Severity.MEDIUM,
    Pillar.RELIABILITY,
    needs=[Need.SECRETS, *WORKLOAD_NEEDS],
    optional_needs=[Need.SECRET_PROVIDER_CLASSES, Need.SERVICE_ACCOUNTS],
    docs=[
        "https://kubernetes.io/docs/concepts/configuration/secret/",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
    ],
    fix=Fix(
        """
        kubectl get secret {secret_name} --namespace {namespace}
        kubectl get secretproviderclass --namespace {namespace}
        kubectl edit {kind} {name} --namespace {namespace}
        """,
        Disruption.NONE,
        terraform="kubernetes_deployment_v1.spec.template.spec.volume.secret.secret_name, image_pull_secrets.name",
    ),
)
def named_secrets_exist(workload: Workload, inventory: Inventory) -> Iterator[Finding]:
    """Every Secret and SecretProviderClass that a workload names exists.

    Pods that run today do not notice that their Secret was deleted. The next drain, upgrade or crash does, and then all
    replicas fail together.

    **Fix**: create the missing object, correct the name, or mark the reference optional. Create what is missing before
    the template is edited: the edit rolls the workload.
    """
    if workload.namespace in workload.cluster.system_namespaces:
        raise NotApplicable("the namespace is the platform's")
    if not workload.is_to_run:
        raise NotApplicable("nothing of it is to run")
    for spec in workload.each_spec():
        yield from any_of(
            _missing_secrets(workload, spec), _missing_pull_secrets(workload, spec), _missing_classes(workload, spec)
        )


def _missing_secrets(workload: Workload, spec: PodSpec) -> Iterator[Finding]:
    mounts = workload.cluster.secret_mounts
    named = [use for use in secret_uses(spec, spec.own_containers) if use.name and not use.optional]
    if not named:
        return
    missing = [use for use in named if (workload.namespace, use.name) not in mounts.secrets]
    made = mounts.synced(workload.namespace, spec) if missing else frozenset()
    missing = [use for use in missing if use.name not in made]
    if missing:
        # without a volume no container starts, whichever mounts it
        of_pod = any(use.kind.startswith("volumes") for use in missing)
        yield Finding(
            f"Secret {', '.join(dict.fromkeys(use.name for use in missing))} does not exist",
            {"missingSecrets": [str(use) for use in missing], **_running(workload)},
            {"secret_name": missing[0].name},
            containers=[] if of_pod else [use.place for use in missing],
        )


def _missing_pull_secrets(workload: Workload, spec: PodSpec) -> Iterator[Finding]:
    """The kubelet goes on with those that exist; where none does, it signs in nowhere."""
    mounts = workload.cluster.secret_mounts
    names = mounts.pull_secrets(workload.namespace, spec)
    if names and not any((workload.namespace, name) in mounts.secrets for name in names):
        yield Finding(
            f"none of the Secrets for pulling images exists: {', '.join(names)}",
            {"imagePullSecrets": names, **_running(workload)},
            {"secret_name": names[0]},
        )


def _missing_classes(workload: Workload, spec: PodSpec) -> Iterator[Finding]:
    names = dict.fromkeys(v.provider_class for v in spec.volumes or () if v.provider_class)
    missing = [name for name in names if (workload.namespace, name) not in workload.cluster.provider_classes]
    if missing:
        yield Finding(
            f"SecretProviderClass {', '.join(missing)} does not exist",
            {"missingSecretProviderClasses": missing, **_running(workload)},
        )


def _running(workload: Workload) -> dict[str, int]:
    """Pods that have what they need until they start again."""
    return {"runningPods": sum(pod.status.phase == "Running" for pod in workload.pods_read)}


@rule(
    "SEC-019",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.REGISTRIES, Need.SERVICE_ACCOUNTS, *WORKLOAD_NEEDS],
    optional_needs=[Need.ROLE_ASSIGNMENTS],
    frameworks={"cis_aks": ["5.1.2"], "waf": ["SE:09"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/cluster-container-registry-integration",
        "https://learn.microsoft.com/azure/aks/aks-service-permissions",
    ],
    fix=Fix(
        """
        az role assignment create --assignee-object-id {kubelet_object_id} --assignee-principal-type ServicePrincipal --role {pull_role} --scope {registry_id}
        # take out this entry only: others may be for other registries
        kubectl edit {pod_template} --namespace {namespace}
        kubectl edit serviceaccount {service_account} --namespace {namespace}
        kubectl delete secret {pull_secret} --namespace {namespace}
        """,  # noqa: E501 a command stands on one line
        Disruption.WORKLOAD_RESTART,
        terraform=(
            "kubernetes_deployment_v1.spec.template.spec.image_pull_secrets, "
            "kubernetes_service_account_v1.image_pull_secret"
        ),
    ),
)
def images_are_pulled_as_the_kubelet(workload: Workload, inventory: Inventory) -> Iterator[Finding]:
    """Images from Azure registries are pulled with the kubelet identity, not with a pull secret.

    Behind such a Secret stands a password of the registry: its admin account, a token or a service principal. It is
    readable in every namespace it was copied to and does not expire with the job; the kubelet identity needs no
    password at all.

    **Fix**: in this order: give the kubelet identity the pull role, and wait until it counts; take the Secret out of
    `imagePullSecrets` of the template and of the service account (a command whose placeholder stays open has nothing to
    change), and leave those for other registries; see a new pod start; delete the Secrets that nobody else names, then
    revoke the password.
    """
    if workload.namespace in workload.cluster.system_namespaces:
        raise NotApplicable("the namespace is the platform's")
    for spec in workload.each_spec():
        names = workload.cluster.secret_mounts.pull_secrets(workload.namespace, spec)
        hosts = {image_host(container.image) for container in spec.own_containers} - {_WITHOUT_LOGIN}
        foreign = [host for host in hosts if not is_azure_registry(host) and not inventory.registries.at(host)]
        if names and foreign:
            raise NotApplicable(f"images of {', '.join(sorted(foreign))} may need the pull secret")
        if names and hosts:
            yield from _needless(workload, spec, names, sorted(hosts), inventory)


def _needless(
    workload: Workload, spec: PodSpec, names: tuple[str, ...], hosts: list[str], inventory: Inventory
) -> Iterator[Finding]:
    """Raises `NotCollected` for a host behind which no registry was read: another tenant's needs the pull secret."""
    registries = [read_registry(inventory, host) for host in hosts]
    account = spec.service_account_name or "default"
    holders = _holders(workload, account)
    for host, registry in zip(hosts, registries, strict=True):
        yield Finding(
            f"images of {host} are pulled with {', '.join(names)}",
            {
                "imagePullSecrets": names,
                "heldBy": list(holders.values()),
                "serviceAccountName": account,
                "imageHosts": hosts,
                "kubeletPulls": if_known(lambda registry=registry: _pulls(workload, registry, inventory)),  # type: ignore[misc]
                "adminUserEnabled": [f"{registry.name}: {registry.properties.admin_user_enabled}"],
            },
            {
                **({"service_account": account} if "service_account" in holders else {}),
                **({"pod_template": holders["pod_template"]} if "pod_template" in holders else {}),
                # of several, what they hold would tell which is for this registry
                **({"pull_secret": names[0]} if len(names) == 1 else {}),
                "registry_id": str(registry.id),
                "pull_role": _REPOSITORY_READER if registry.has_repository_permissions else _ACR_PULL,
                "kubelet_object_id": _kubelet_id(workload),
            },
            part=f"registries/{host.casefold()}",
            containers=[container.name for container in spec.own_containers if image_host(container.image) == host],
        )


def _holders(workload: Workload, account: str) -> dict[str, str]:
    """The placeholders of what names pull secrets for the workload: its template, its service account, as far as that
    was read, or both.
    """
    found: dict[str, str] = {}
    # a pod shows what admission copied, and its own cannot be changed
    declared = workload.template.spec if workload.template and workload.kind != "Pod" else None
    if declared is not None and declared.image_pull_secrets:
        made_from = workload.placeholders()
        found["pod_template"] = f"{made_from['kind']}/{made_from['name']}"
    own = if_known(lambda: workload.cluster.service_accounts.get((workload.namespace, account)))
    if own is not None and not isinstance(own, str) and own.image_pull_secrets:
        found["service_account"] = f"serviceaccount/{account}"
    return found


def _kubelet_id(workload: Workload) -> str:
    """The principal of the kubelet identity; empty where nobody knows."""
    found = if_known(lambda: workload.cluster.kubelet_identity)
    return "" if found is None or isinstance(found, str) else found.object_id


def _kubelet(workload: Workload) -> KubeletIdentity:
    return KubeletIdentity(workload.cluster, KubeletIdentity.of(workload.cluster))


def _pulls(workload: Workload, registry: ContainerRegistry, inventory: Inventory) -> list[str]:
    """The roles with which the kubelet identity pulls from a registry already."""
    void = [_ACR_PULL] if registry.has_repository_permissions else []
    held = inventory.known_assignments(_kubelet(workload).object_id)
    reaching = (one for one in held if one.assignment.reaches(registry.id) and not one.is_one_of(void))
    return [one.role_name for one in reaching if one.only_pulls()]
