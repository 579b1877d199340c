"""External stores of secrets, and whether they are used."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from akscan.sdk import (
    Cluster,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    PodSpec,
    SecretUse,
    Severity,
    Workload,
    rule,
    secret_uses,
)

from akscan_rules.secrets import OTHER_STORES, WORKLOAD_NEEDS

_NAMES_SHOWN = 10


@rule(
    "SEC-001",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.CSI_DRIVERS, Need.CUSTOM_RESOURCE_DEFINITIONS, Need.SECRETS],
    frameworks={"cis_aks": ["4.5.2"], "mcsb": ["IM-8"], "waf": ["SE:09"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access",
    ],
    fix=Fix(
        """
        az aks enable-addons --resource-group {resource_group} --name {cluster} --addons azure-keyvault-secrets-provider
        az aks addon update --resource-group {resource_group} --name {cluster} --addon azure-keyvault-secrets-provider --enable-secret-rotation
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.key_vault_secrets_provider",
        arm="properties.addonProfiles.azureKeyvaultSecretsProvider.enabled",
    ),
)
def external_secret_store_is_connected(
    cluster: Cluster,
    inventory: Inventory,
    *,
    other_store_crds: tuple[str, ...] = OTHER_STORES,
) -> Iterator[Finding]:
    """An external secret store is connected to the cluster.

    Kubernetes Secrets are base64 text that everyone with read access to the namespace can see, with no expiry, no
    access log and no rotation of their own. Key Vault brings all three.

    **Fix**: enable the Key Vault provider add-on, move the values into a vault, mount them through a
    SecretProviderClass with a workload identity. Enabling disturbs nothing; workloads are changed one by one.
    """
    addon = cluster.key_vault_addon
    if not addon.enabled and not cluster.handmade_secrets:
        raise NotApplicable("no Secret was made by hand")
    if not cluster.secret_stores(other_store_crds):
        secrets = cluster.handmade_secrets
        yield Finding(
            f"no external secret store is connected, and {len(secrets)} Secret(s) were made by hand",
            {
                "addonProfiles.azureKeyvaultSecretsProvider.enabled": addon.enabled,
                "addonProfiles.azureKeyvaultSecretsProvider.identity.resourceId": addon.identity.resource_id or None,
                "csiDrivers": [driver.name for driver in cluster.lists.csi_drivers.complete()],
                "secrets": _by_namespace((secret.namespace, secret.name) for secret in secrets),
            },
        )


def _by_namespace(secrets: Iterable[tuple[str, str]]) -> list[str]:
    """``namespace: number (names)``, long lists of names cut."""
    found: dict[str, list[str]] = defaultdict(list)
    for namespace, name in secrets:
        found[namespace].append(name)
    return [
        f"{namespace}: {len(names)} ({', '.join(sorted(names)[:_NAMES_SHOWN])}{', ...' * (len(names) > _NAMES_SHOWN)})"
        for namespace, names in sorted(found.items())
    ]


@rule(
    "SEC-002",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS],
    frameworks={"mcsb": ["DP-7"], "waf": ["SE:09"]},
    docs=["https://learn.microsoft.com/azure/aks/csi-secrets-store-configuration-options"],
    fix=Fix(
        """
        az aks addon update --resource-group {resource_group} --name {cluster} --addon azure-keyvault-secrets-provider --enable-secret-rotation
        """,  # noqa: E501 a command stands on one line
        Disruption.NONE,
        terraform="azurerm_kubernetes_cluster.key_vault_secrets_provider.secret_rotation_enabled",
        arm="properties.addonProfiles.azureKeyvaultSecretsProvider.config.enableSecretRotation",
    ),
)
def key_vault_provider_rotates_secrets(cluster: Cluster, inventory: Inventory) -> Iterator[Finding]:
    """The Key Vault provider picks up rotated secrets.

    Without polling, a pod keeps the value it got at its start. A password rotated because it leaked stays valid in the
    cluster until the last old pod is gone, and an expired certificate is served although its successor is in the vault.

    **Fix**: turn rotation on; the default interval of two minutes is fine unless the vault is throttled.
    """
    addon = cluster.key_vault_addon
    if not addon.enabled:
        raise NotApplicable("the Key Vault provider add-on is off")
    if addon.config.enable_secret_rotation != "true":  # noqa: S105 a flag
        yield Finding(
            "pods keep the value of a secret that they got at their start",
            {
                "config.enableSecretRotation": addon.config.enable_secret_rotation,
                "config.rotationPollInterval": addon.config.rotation_poll_interval,
            },
        )


@rule(
    "SEC-016",
    Severity.LOW,
    Pillar.SECURITY,
    needs=[
        Need.MANAGED_CLUSTERS,
        Need.SECRETS,
        Need.CSI_DRIVERS,
        Need.CUSTOM_RESOURCE_DEFINITIONS,
        *WORKLOAD_NEEDS,
    ],
    frameworks={"cis_aks": ["4.5.2"], "waf": ["SE:09"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-configuration-options",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
    ],
    fix=Fix(
        """
        az keyvault secret set --vault-name {vault} --name {secret} --file {path}
        kubectl apply --namespace {namespace} -f secretproviderclass.yaml
        kubectl delete secret {secret} --namespace {namespace}
        """,
        Disruption.WORKLOAD_RESTART,
        terraform="kubernetes_deployment_v1.spec.template.spec.volume.secret; kubernetes_secret_v1",
    ),
)
def secrets_come_from_the_store(
    workload: Workload, inventory: Inventory, *, ignore_names: tuple[str, ...] = ()
) -> Iterator[Finding]:
    """Workloads take their secrets from the external store that the cluster has.

    A vault that is connected but bypassed gives the feeling of safety only: the values that matter still lie in Secrets
    that were typed in once and are never rotated.

    **Fix**: move the value into the vault, mount it through a SecretProviderClass (`secretObjects` keeps the Secret's
    name for charts that insist on one), and delete the hand-made Secret last, when no pod names it any more.
    """
    cluster = workload.cluster
    if workload.namespace in cluster.system_namespaces:
        raise NotApplicable("the namespace is the platform's")
    if not cluster.secret_stores(OTHER_STORES):
        raise NotApplicable("no external secret store is connected")
    for spec in workload.each_spec():
        handmade = [use for use in _uses(spec, ignore_names) if (workload.namespace, use.name) in _handmade(workload)]
        if handmade:
            names = list(dict.fromkeys(use.name for use in handmade))
            yield Finding(
                f"Secret {', '.join(names)} was made by hand, beside the store",
                {
                    "secrets": [str(use) for use in handmade],
                    "workloadsWithSecretProviderClass": cluster.secret_mounts.mounting_by_namespace.get(
                        workload.namespace, 0
                    ),
                },
                {"secret": names[0]},
                containers=_reached(handmade),
            )


def _uses(spec: PodSpec, ignored: tuple[str, ...]) -> list[SecretUse]:
    return [use for use in secret_uses(spec, spec.own_containers) if use.name not in ignored]


def _reached(uses: list[SecretUse]) -> list[str]:
    """The containers that Secrets reach; none where a volume of one is mounted by no container."""
    return [name for use in uses for name in use.containers] if all(use.containers for use in uses) else []


def _handmade(workload: Workload) -> frozenset[tuple[str, str]]:
    return workload.cluster.secret_mounts.handmade
