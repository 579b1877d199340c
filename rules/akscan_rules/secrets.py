"""Secrets: where they are kept and how they reach containers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from akscan.sdk import (
    Cluster,
    ClusterVault,
    Container,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    PodSpec,
    Severity,
    Workload,
    rule,
)

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
    other_store_crds: tuple[str, ...] = (
        "externalsecrets.external-secrets.io",
        "vaultstaticsecrets.secrets.hashicorp.com",
        "vaultauths.secrets.hashicorp.com",
    ),
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
    "SEC-005",
    Severity.MEDIUM,
    Pillar.SECURITY,
    needs=[Need.MANAGED_CLUSTERS, Need.VAULTS, Need.SECRET_PROVIDER_CLASSES],
    frameworks={"mcsb": ["NS-2", "DP-8"], "nist_800_53": ["AC-4", "SC-7", "SC-7(3)"]},
    docs=[
        "https://learn.microsoft.com/azure/key-vault/general/network-security",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
    ],
    fix=Fix(
        """
        az network private-endpoint create --resource-group {resource_group} --name pe-{vault} --subnet {subnet_id} --private-connection-resource-id {vault_id} --group-id vault --connection-name {vault}
        # never for a vault with a legacy KMS key in public mode
        az keyvault update --name {vault} --resource-group {resource_group} --public-network-access Disabled --bypass AzureServices
        """,  # noqa: E501 a command stands on one line
        Disruption.CONTROL_PLANE,
        terraform="azurerm_key_vault.public_network_access_enabled and network_acls.default_action",
        arm="Microsoft.KeyVault/vaults properties.publicNetworkAccess, networkAcls.defaultAction",
    ),
)
def vaults_are_closed_to_the_internet(vault: ClusterVault, inventory: Inventory) -> Iterator[Finding]:
    """Vaults that the cluster depends on are closed to the public internet.

    A stolen token is enough to read an open vault from anywhere. A firewall or private endpoint forces the thief to be
    inside the network first.

    **Fix**: create a private endpoint in a subnet that the cluster reaches, link the DNS zone, then close public
    access. Nothing is disturbed when private access works first; otherwise mounts fail. The API server reaches a KMS
    vault through the trusted services exception: keep that open. A vault with a legacy KMS key (identifier with
    version) and `keyVaultNetworkAccess` Public has to stay open until the cluster has left that mode; closing it stops
    the API server.
    """
    found = vault.resource(inventory)
    if found.is_public:
        acls = found.network_acls
        users = [f"{user.cluster.name}: {user.by}" for user in vault.users]
        yield Finding(
            f"{found.name} answers every address of the internet; it is used by {', '.join(users)}",
            {
                "id": found.id,
                "publicNetworkAccess": found.properties.public_network_access,
                "networkAcls.defaultAction": acls.default_action or None,
                "networkAcls.bypass": acls.bypass or None,
                "networkAcls.ipRules": [allowed.get("value", "") for allowed in acls.ip_rules],
                "networkAcls.virtualNetworkRules": [allowed.id for allowed in acls.virtual_network_rules],
                "approvedPrivateEndpointConnections": len(found.approved_private_endpoints),
                "usedBy": users,
            },
        )


@rule(
    "SEC-014",
    Severity.LOW,
    Pillar.SECURITY,
    needs=[
        Need.DEPLOYMENTS,
        Need.STATEFUL_SETS,
        Need.DAEMON_SETS,
        Need.REPLICA_SETS,
        Need.JOBS,
        Need.CRON_JOBS,
        Need.REPLICATION_CONTROLLERS,
        Need.PODS,
    ],
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
            (container, source.secret_ref.name)
            for container in _own_containers(spec)
            for source in container.env_from or ()
            if source.secret_ref is not None
        ]
        if keys or whole:
            variables = [f"{container.name}: {variable} = {reference}" for container, variable, reference in keys]
            secrets = [f"{container.name}: {name}" for container, name in whole]
            yield Finding(
                f"{len(keys)} variable(s) and {len(whole)} whole Secret(s) reach the environment of containers",
                {"env[].valueFrom.secretKeyRef": variables, "envFrom[].secretRef": secrets},
                {"variable": keys[0][1]} if keys else {},
                containers=[*(container.name for container, *_ in keys), *(container.name for container, _ in whole)],
            )


def _own_containers(spec: PodSpec) -> tuple[Container, ...]:
    """Those that the workload declares; a debugging session adds ephemeral ones."""
    return (*spec.containers, *(spec.init_containers or ()))


def _secret_key_references(spec: PodSpec) -> Iterator[tuple[Container, str, str]]:
    """Container, variable and ``secret/key`` of each variable that takes its value from a Secret."""
    for container in _own_containers(spec):
        for variable in container.env or ():
            reference = variable.value_from.secret_key_ref if variable.value_from else None
            if reference is not None:
                yield container, variable.name, f"{reference.name}/{reference.key}"
