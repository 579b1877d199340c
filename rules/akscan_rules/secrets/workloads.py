"""How workloads take their secrets."""

from collections.abc import Iterator

from akscan.sdk import (
    Container,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Need,
    NotApplicable,
    Pillar,
    PodSpec,
    SecretProviderClass,
    Severity,
    Workload,
    any_of,
    rule,
    secret_uses,
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
            (container, source.secret_ref.name)
            for container in spec.own_containers
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


def _secret_key_references(spec: PodSpec) -> Iterator[tuple[Container, str, str]]:
    """Container, variable and ``secret/key`` of each variable that takes its value from a Secret."""
    for container in spec.own_containers:
        for variable in container.env or ():
            reference = variable.value_from.secret_key_ref if variable.value_from else None
            if reference is not None:
                yield container, variable.name, f"{reference.name}/{reference.key}"


@rule(
    "SEC-011",
    Severity.LOW,
    Pillar.RELIABILITY,
    needs=[Need.MANAGED_CLUSTERS, Need.SECRET_PROVIDER_CLASSES, *WORKLOAD_NEEDS],
    docs=[
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-configuration-options",
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
    ],
    fix=Fix(
        """
        kubectl annotate {kind} {name} --namespace {namespace} reloader.stakater.com/auto=true
        kubectl edit secretproviderclass {secret_provider_class} --namespace {namespace}
        """,
        Disruption.WORKLOAD_RESTART,
        terraform="kubernetes_deployment_v1.spec.template.spec.container.volume_mount.sub_path",
    ),
)
def rotated_secrets_reach_containers(
    workload: Workload,
    inventory: Inventory,
    *,
    reload_annotation_prefixes: tuple[str, ...] = ("reloader.stakater.com/", "secret.reloader.stakater.com/"),
) -> Iterator[Finding]:
    """Rotated secrets reach the containers.

    Rotation changes the mounted file and the synced Secret, but a subPath mount is a copy made at start, an environment
    variable never changes, and a pinned version is never replaced. The team believes in a rotation that does not take
    place.

    **Fix**: mount the whole directory, read the file again when it changes, or restart the pods on change (the
    annotation does nothing without Reloader in the cluster); leave `objectVersion` empty.
    """
    if workload.namespace in workload.cluster.system_namespaces:
        raise NotApplicable("the namespace is the platform's")
    addon = workload.cluster.key_vault_addon
    if not addon.enabled or addon.config.enable_secret_rotation != "true":  # noqa: S105 a flag
        raise NotApplicable("the Key Vault provider add-on does not rotate")
    reloads = any(key.startswith(reload_annotation_prefixes) for key in workload.annotation_keys)
    mounts = False
    for spec in workload.each_spec():
        mounts = mounts or any(volume.provider_class for volume in spec.volumes or ())
        mounted = _mounted(workload, spec)
        yield from any_of(
            _copies(spec, mounted), *([] if reloads else [_variables(spec, mounted)]), _pinned(spec, mounted)
        )
    if not mounts:
        raise NotApplicable("it mounts no SecretProviderClass")


def _mounted(workload: Workload, spec: PodSpec) -> dict[str, SecretProviderClass]:
    """Volumes -> the classes on Azure vaults that fill them. Raises `NotCollected` where classes were not read."""
    known = workload.cluster.provider_classes
    named = ((volume.name, volume.provider_class) for volume in spec.volumes or () if volume.provider_class)
    found = ((volume, known.get((workload.namespace, name))) for volume, name in named)
    return {volume: one for volume, one in found if one is not None and one.is_azure}


def _copies(spec: PodSpec, mounted: dict[str, SecretProviderClass]) -> Iterator[Finding]:
    copies = [
        (container.name, mount.mount_path, mounted[mount.name].name)
        for container in spec.own_containers
        for mount in container.volume_mounts or ()
        if mount.is_copy and mount.name in mounted
    ]
    if copies:
        yield Finding(
            f"(a) {len(copies)} mount(s) are copies made at the start of the container",
            {"subPath": [f"{container}: {path} of {name}" for container, path, name in copies]},
            {"secret_provider_class": copies[0][2]},
            containers=[container for container, *_ in copies],
        )


def _variables(spec: PodSpec, mounted: dict[str, SecretProviderClass]) -> Iterator[Finding]:
    synced = {secret: one.name for one in mounted.values() for secret in one.synced_secrets}
    uses = [use for use in secret_uses(spec, spec.own_containers) if use.name in synced and use.kind.startswith("env")]
    if uses:
        yield Finding(
            f"(b) {len(uses)} variable(s) keep the value that they got at the start of the container",
            {"environment": [str(use) for use in uses]},
            {"secret_provider_class": synced[uses[0].name]},
            containers=[use.place for use in uses],
        )


def _pinned(spec: PodSpec, mounted: dict[str, SecretProviderClass]) -> Iterator[Finding]:
    objects = {volume: found.azure_parameters.objects.each for volume, found in mounted.items()}
    pinned = [(str(one), mounted[volume].name) for volume, each in objects.items() for one in each if one.version]
    if pinned:
        volumes = [volume for volume, each in objects.items() if any(one.version for one in each)]
        readers = [[c.name for c in spec.own_containers if c.mounts(volume)] for volume in volumes]
        yield Finding(
            f"(c) {len(pinned)} object(s) are mounted in one version for good",
            {"objectVersion": [f"{one} in {name}" for one, name in pinned]},
            {"secret_provider_class": pinned[0][1]},
            containers=[name for names in readers for name in names] if all(readers) else [],
        )
    for found in mounted.values():
        found.require_objects()
