"""Rule by rule, the objects on a real API server that make it pass, and those that make it fail.

There are two API servers, ``good`` and ``bad``. ``{side}`` in a subject stands for either, ``{cluster}`` for the ARM id
of its cluster, and ``{walled}`` for that of a cluster behind a firewall with the same API server.
"""

import json
from dataclasses import dataclass
from typing import Any

from akscan_fixtures.estate import Estate, Identity, Subscription
from apiserver.objects import definition, manifest

SIDES = ("good", "bad")
SUBSCRIPTION = "22222222-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-prod"
CLUSTERS = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters"
VNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet-prod"
FIREWALL = f"{GROUP}/providers/Microsoft.Network/azureFirewalls/afw-prod"
ROUTES = f"{GROUP}/providers/Microsoft.Network/routeTables/rt-walled"
ASTRAY = f"{GROUP}/providers/Microsoft.Network/routeTables/rt-strayed"
VAULTS = f"{GROUP}/providers/Microsoft.KeyVault/vaults"
ENDPOINTS = f"{GROUP}/providers/Microsoft.Network/privateEndpoints"
ZONE = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.vaultcore.azure.net"
REGISTRIES = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries"
IDENTITIES = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
ROLES = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
#: Lets the policies of Cilium decide EGR-001, the scanner itself list Secrets, every Secret be old, and two nodes be
#: enough for OBS-016.
CONFIG = """
rules:
  EGR-001: {parameters: {accept_fqdn_policies: true}}
  ACC-015: {parameters: {allowed_subjects: ["User:scanner"]}}
  OBS-016: {parameters: {min_nodes: 2}}
  SEC-017: {parameters: {min_age_days: 0}}
"""

SHOP = "{cluster}/namespaces/shop"
IMAGE = "registry.example/app:1.0"
NODE_IMAGE = "AKSUbuntu-2404gen2containerd-202511.12.0"
SPOT = {"key": "kubernetes.azure.com/scalesetpriority", "value": "spot", "effect": "NoSchedule"}
RBAC = "rbac.authorization.k8s.io"
#: Where pods reach the API server; the firewall knows one of both.
API_SERVERS = {"good": "20.50.1.2", "bad": "20.50.1.3"}
#: Service accounts of both sides.
ACCOUNTS = ("deployer", "idle", "reporter", "worker")
Objects = list[dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """A subject on both sides. Nothing is made where Azure alone, which has the sides too, tells them apart."""

    rule: str
    subject: str
    good: Objects
    bad: Objects


# --- the estate: what both clusters have in common, and how Azure tells them apart


def estate() -> Estate:
    """Two clusters and two behind a firewall, each with a subnet of one network, each side with a vault of its own; and
    two behind the firewall whose further nodes stand where a node class says.
    """
    subnets = [
        *(_resource(f"{VNET}/subnets/snet-{side}", addressPrefix=f"10.1.{n}.0/29") for n, side in enumerate(SIDES)),
        *(_walled_subnet(side, f"10.1.{n}.0/29") for n, side in enumerate(SIDES, 2)),
        *(
            _resource(f"{VNET}/subnets/snet-class-{side}", addressPrefix=prefix, routeTable={"id": routes})
            for side, prefix, routes in (("good", "10.1.4.0/29", ROUTES), ("bad", "10.1.5.0/29", ASTRAY))
        ),
        _resource(
            f"{VNET}/subnets/AzureFirewallSubnet",
            addressPrefix="10.1.9.0/26",
            ipConfigurations=[{"id": f"{FIREWALL}/azureFirewallIpConfigurations/ipconfig"}],
        ),
    ]
    resources = [
        _resource(VNET, addressSpace={"addressPrefixes": ["10.1.0.0/16"]}, subnets=subnets),
        *_vaults(),
        *(_cluster(side) for side in SIDES),
        *(_walled(side) for side in SIDES),
        *(_provisioned(side) for side in SIDES),
        *_firewall(),
        *(_resource(f"{REGISTRIES}/acr{side}", **_registry(side)) for side in SIDES),
        *(found for side in SIDES for found in _wired(side)),
        _role("puller", "Microsoft.ContainerRegistry/registries/pull/read"),
        _role("joiner", "Microsoft.Network/virtualNetworks/subnets/*"),
        _assignment("puller", _object_id("kubelet", "good"), f"{REGISTRIES}/acrgood"),
        _role("vault-reader", "Microsoft.KeyVault/vaults/read"),
        _assignment("vault-reader", _object_id("wired", "good"), f"{VAULTS}/kv-good"),
        _assignment("joiner", _object_id("control-plane", "good"), VNET),
        *(_resource(f"{CLUSTERS}/{side}/agentPools/system/upgradeProfiles/default") for side in SIDES),
        _resource(
            f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westeurope"
            "/meshRevisionProfiles/istio",
            meshRevisions=[{"revision": "asm-1-30"}],
        ),
    ]
    return Estate(
        name="real",
        story="Two clusters whose API servers are real.",
        tenant_id="11111111-0000-4000-8000-000000000000",
        identity=Identity(
            name="scanner",
            object_id="33333333-0000-4000-8000-000000000001",
            app_id="33333333-0000-4000-8000-000000000002",
        ),
        subscriptions=[Subscription(subscription_id=SUBSCRIPTION, display_name="production")],
        resources={resource["id"].lower(): resource for resource in resources},
        kubernetes={name: {} for side in SIDES for name in names_of(side)},
    )


def walled(side: str) -> str:
    """The name of the cluster behind the firewall."""
    return f"walled-{side}"


def provisioned(side: str) -> str:
    """The name of the cluster with node auto-provisioning."""
    return f"provisioned-{side}"


def names_of(side: str) -> tuple[str, str, str]:
    """The clusters that share the API server of a side."""
    return side, walled(side), provisioned(side)


def _resource(resource_id: str, **properties: Any) -> dict[str, Any]:
    provider = resource_id.rpartition("/providers/")[2].split("/")
    return {
        "id": resource_id,
        "name": provider[-1],
        "type": f"{provider[0]}/{'/'.join(provider[1::2])}",
        "location": "westeurope",
        "properties": properties,
    }


def _object_id(part: str, side: str) -> str:
    return f"object-id-{part}-{side}"


def _reads_secrets(side: str) -> dict[str, Any]:
    return {"objectId": _object_id("addon", side), "permissions": {"secrets": ["get"]}}


def _vaults() -> Objects:
    """A vault of each side, with a private endpoint and a secret; that of the good side alone by the book."""
    connected = [
        {
            "properties": {
                "privateEndpoint": {"id": f"{ENDPOINTS}/pe-{side}"},
                "privateLinkServiceConnectionState": {"status": "Approved"},
            }
        }
        for side in SIDES
    ]
    wide = {"objectId": _object_id("wired", "bad"), "permissions": {"secrets": ["get", "set"]}}
    good = {"publicNetworkAccess": "Disabled", "enableRbacAuthorization": True, "enablePurgeProtection": True}
    bad = {"publicNetworkAccess": "Enabled", "accessPolicies": [*map(_reads_secrets, SIDES), wide]}
    link = {"virtualNetwork": {"id": VNET}, "virtualNetworkLinkState": "Completed"}
    audit = {"workspaceId": "/subscriptions/s/w", "logs": [{"categoryGroup": "audit", "enabled": True}]}
    return [
        _resource(f"{VAULTS}/kv-good", **good, privateEndpointConnections=connected[:1]),
        _resource(f"{VAULTS}/kv-bad", **bad, privateEndpointConnections=connected[1:]),
        _resource(f"{VAULTS}/kv-good/secrets/db", attributes={"enabled": True}),
        _resource(f"{VAULTS}/kv-bad/secrets/db", attributes={"enabled": True, "exp": 1}),
        *(_resource(f"{ENDPOINTS}/pe-{side}", subnet={"id": f"{VNET}/subnets/snet-good"}) for side in SIDES),
        _resource(ZONE),
        _resource(f"{ZONE}/virtualNetworkLinks/link", **link),
        _resource(f"{ZONE}/A/kv-good", aRecords=[{"ipv4Address": "10.1.0.5"}]),
        _resource(f"{VAULTS}/kv-good/providers/Microsoft.Insights/diagnosticSettings/audit", **audit),
    ]


def _registry(side: str) -> dict[str, Any]:
    return {"loginServer": f"acr{side}.azurecr.io", "adminUserEnabled": side == "bad"}


def _wired(side: str) -> list[dict[str, Any]]:
    """An identity that trusts service account wired of one side."""
    identity = f"{IDENTITIES}/id-wired-{side}"
    audiences = ["api://AzureADTokenExchange"]
    return [
        _resource(identity, clientId=f"client-id-{side}", principalId=_object_id("wired", side)),
        _resource(
            f"{identity}/federatedIdentityCredentials/wired",
            issuer=f"https://oidc.example/{side}/",
            subject="system:serviceaccount:shop:wired",
            audiences=audiences,
        ),
    ]


def _role(name: str, action: str) -> dict[str, Any]:
    scope = f"/subscriptions/{SUBSCRIPTION}"
    permissions = [{"actions": [action], "notActions": [], "dataActions": [], "notDataActions": []}]
    return _resource(
        f"{ROLES}/{name}", roleName=name, type="CustomRole", assignableScopes=[scope], permissions=permissions
    )


def _assignment(role: str, principal: str, scope: str) -> dict[str, Any]:
    return _resource(
        f"{scope}/providers/Microsoft.Authorization/roleAssignments/{role}",
        principalId=principal,
        principalType="ServicePrincipal",
        roleDefinitionId=f"{ROLES}/{role}",
        scope=scope,
    )


def _identity(part: str, side: str) -> dict[str, str]:
    """An identity as AKS makes it, in the node resource group."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_{side}"
    provider = "Microsoft.ManagedIdentity/userAssignedIdentities"
    return {"resourceId": f"{group}/providers/{provider}/{part}", "objectId": _object_id(part, side)}


def _cluster(side: str) -> dict[str, Any]:
    pool = {
        "count": 1,
        "vmSize": "Standard_D4ds_v5",
        "vnetSubnetID": f"{VNET}/subnets/snet-{side}",
        "maxPods": 30,
        "nodeImageVersion": NODE_IMAGE,
    }
    spot = {"scaleSetPriority": "Spot", "nodeTaints": [f"{SPOT['key']}={SPOT['value']}:{SPOT['effect']}"]}
    resource = _resource(
        f"{CLUSTERS}/{side}",
        kubernetesVersion="1.35",
        nodeResourceGroup=f"MC_{side}",
        identityProfile={"kubeletidentity": _identity("kubelet", side)},
        ingressProfile={"webAppRouting": {"enabled": True, "identity": _identity("addon", side)}},
        oidcIssuerProfile={"enabled": True, "issuerURL": f"https://oidc.example/{side}/"},
        securityProfile={"workloadIdentity": {"enabled": True}, "defender": {"securityMonitoring": {"enabled": True}}},
        disableLocalAccounts=True,
        autoUpgradeProfile={"upgradeChannel": "patch", "nodeOSUpgradeChannel": "SecurityPatch"},
        serviceMeshProfile={"mode": "Istio", "istio": {"revisions": ["asm-1-30"]}},
        aadProfile={"managed": True, "enableAzureRBAC": side == "good"},
        networkProfile={
            "networkPlugin": "azure",
            "networkPluginMode": "overlay",
            "networkDataplane": "cilium",
            "outboundType": "loadBalancer",
            "advancedNetworking": {
                "enabled": True,
                "security": {"enabled": True},
                "observability": {"enabled": side == "good"},
            },
        },
        agentPoolProfiles=[
            {"name": "system", "mode": "System", **pool},
            {"name": "spot", "mode": "User", **pool, **spot},
        ],
    )
    return {**resource, "identity": {"type": "SystemAssigned", "principalId": _object_id("control-plane", side)}}


def _walled_subnet(side: str, prefix: str) -> dict[str, Any]:
    return _resource(f"{VNET}/subnets/snet-{walled(side)}", addressPrefix=prefix, routeTable={"id": ROUTES})


def _walled(side: str) -> dict[str, Any]:
    """The cluster once more, sent through the firewall, with an add-on for Key Vault, and scaled by priority."""
    cluster = _cluster(side)
    scaled = {"enableAutoScaling": True, "minCount": 0, "maxCount": 1, "mode": "User"}
    properties = cluster["properties"]
    subnet = f"{VNET}/subnets/snet-{walled(side)}"
    return {
        **cluster,
        "id": f"{CLUSTERS}/{walled(side)}",
        "name": walled(side),
        "properties": {
            **properties,
            "addonProfiles": {
                "azureKeyvaultSecretsProvider": {"enabled": True, "config": {"enableSecretRotation": "true"}}
            },
            "autoUpgradeProfile": {"nodeOSUpgradeChannel": "NodeImage"},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
            "networkProfile": {**properties["networkProfile"], "outboundType": "userDefinedRouting"},
            "autoScalerProfile": {"expander": "priority"},
            "agentPoolProfiles": [
                *({**pool, "vnetSubnetID": subnet, **scaled} for pool in properties["agentPoolProfiles"]),
                {"name": "work", "vmSize": "Standard_D4ds_v5", "vnetSubnetID": subnet, **scaled},
            ],
        },
    }


def _provisioned(side: str) -> dict[str, Any]:
    """The cluster behind the firewall, with node auto-provisioning."""
    cluster = _walled(side)
    properties = {**cluster["properties"], "nodeProvisioningProfile": {"mode": "Auto"}}
    return {**cluster, "id": f"{CLUSTERS}/{provisioned(side)}", "name": provisioned(side), "properties": properties}


def _firewall() -> Objects:
    """A firewall that opens to everybody what AKS needs, and one API server and one vault only."""
    everybody = {"sourceAddresses": ["*"]}
    https = {"protocols": [{"protocolType": "Https", "port": 443}]}
    application = [
        {"name": "aks", **everybody, "fqdnTags": ["AzureKubernetesService"]},
        {"name": "vault", **everybody, **https, "targetFqdns": ["kv-good.vault.azure.net"]},
    ]
    network = [
        {
            "name": "api",
            **everybody,
            "protocols": ["TCP"],
            "destinationAddresses": [API_SERVERS["good"]],
            "destinationPorts": ["443"],
        }
    ]
    address = {"privateIPAddress": "10.1.9.4", "subnet": {"id": f"{VNET}/subnets/AzureFirewallSubnet"}}
    collection = {"priority": 100, "action": {"type": "Allow"}}
    hop = {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.1.9.4"}
    astray = {**hop, "nextHopIpAddress": "10.9.9.9"}
    return [
        _resource(ROUTES, routes=[{"name": "default", "properties": hop}]),
        _resource(ASTRAY, routes=[{"name": "default", "properties": astray}]),
        _resource(
            FIREWALL,
            sku={"name": "AZFW_VNet", "tier": "Standard"},
            ipConfigurations=[{"name": "ipconfig", "properties": address}],
            applicationRuleCollections=[{"name": "names", "properties": {**collection, "rules": application}}],
            networkRuleCollections=[{"name": "addresses", "properties": {**collection, "rules": network}}],
        ),
    ]


#: Custom resources of both.
DEFINITIONS = tuple(
    definition(field)
    for field in (
        "secret_provider_classes",
        "scaled_objects",
        "aks_node_classes",
        "karpenter_node_pools",
        "cilium_policies",
        "cilium_clusterwide_policies",
    )
)


def nodes(side: str) -> Objects:
    """A node of each pool; the bad one's Spot node is bare, and its other one was given up and never patched."""
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    spot = {"kubernetes.azure.com/scalesetpriority": "spot", "kubernetes.azure.com/agentpool": "spot"}
    system = {"kubernetes.azure.com/agentpool": "system"}
    if side == "good":
        system |= {"kubernetes.azure.com/node-image-version": f"{NODE_IMAGE}-2099.01.01"}
    else:
        system |= {"kubernetes.azure.com/upgrade-status": "Quarantined"}
    return [
        manifest("Node", "node-system", labels=system, status=ready),
        manifest("Node", "node-spot", labels=spot, spec={"taints": [SPOT] if side == "good" else []}, status=ready),
    ]


# --- objects


def pod_spec(container: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": "app", "image": IMAGE, **(container or {})}], **fields}


def workload(kind: str, name: str, spec: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A controller, or a bare pod, with a pod spec."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": spec}
    selected = {"selector": {"matchLabels": labels}, "template": template}
    body = {
        "Pod": spec,
        "CronJob": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}},
        "Job": {"template": template},
        "ReplicationController": {"template": template},
        "StatefulSet": {"serviceName": name, **selected},
    }.get(kind, selected)
    return manifest(kind, name, "shop", labels=labels, spec={**body, **fields})


def running(name: str, node: str, *, replicas: int | None = None, pods: int = 1, **spec: Any) -> Objects:
    """A Deployment with the ReplicaSet and the running pods that its controllers would make."""
    replicas = {} if replicas is None else {"replicas": replicas}
    owned = workload("ReplicaSet", name, pod_spec(**spec), **replicas)
    owned["metadata"]["ownerReferences"] = [{"kind": "Deployment", "name": name}]
    made = [workload("Deployment", name, pod_spec(**spec), **replicas), owned]
    for number in range(pods):
        pod = workload("Pod", f"{name}-{number}", pod_spec(**spec, nodeName=node))
        pod["metadata"] |= {"labels": {"app": name}, "ownerReferences": [{"kind": "ReplicaSet", "name": name}]}
        made.append({**pod, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
    return made


def budget(name: str, desired_healthy: int, **spec: Any) -> dict[str, Any]:
    """A budget over two healthy pods, as the disruption controller would count them."""
    status = {"observedGeneration": 1, "expectedPods": 2, "currentHealthy": 2, "desiredHealthy": desired_healthy}
    allowed = {"disruptionsAllowed": 2 - desired_healthy}
    selector = {"matchLabels": {"app": name}}
    return manifest(
        "PodDisruptionBudget", name, "shop", spec={"selector": selector, **spec}, status={**status, **allowed}
    )


def autoscaler(name: str, **spec: Any) -> dict[str, Any]:
    """An autoscaler whose least number of pods the API server fills in where it is not said."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    return manifest("HorizontalPodAutoscaler", name, "shop", spec={"scaleTargetRef": target, "maxReplicas": 5, **spec})


def service(name: str, **more: Any) -> dict[str, Any]:
    spec = {"selector": {"app": name}, "ports": [{"port": 80}], **more.pop("spec", {})}
    return manifest("Service", name, "shop", spec=spec, **more)


def privileged(kind: str) -> Case:
    """The same of every kind of workload."""
    restart = {"restartPolicy": "Never"} if kind in ("Job", "CronJob") else {}
    plural, name = f"{kind.casefold()}s", f"privileged-{kind.casefold()}"
    powers = {"securityContext": {"privileged": True}}
    return Case(
        "WKL-002",
        f"{SHOP}/{plural}/{name}",
        good=[workload(kind, name, pod_spec(**restart))],
        bad=[workload(kind, name, pod_spec(powers, **restart))],
    )


def bound(name: str, role: str, subject: dict[str, str] | None = None) -> dict[str, Any]:
    """A ClusterRoleBinding, of an account of the shop where nobody else is named."""
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    return manifest("ClusterRoleBinding", name, roleRef=reference, subjects=[subject or account("worker")])


def account(name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "namespace": "shop", "name": name}


def group(name: str) -> dict[str, str]:
    return {"apiGroup": RBAC, "kind": "Group", "name": name}


def user(name: str) -> dict[str, str]:
    return {"apiGroup": RBAC, "kind": "User", "name": name}


def role(name: str, verbs: str, resources: str, api_group: str = "") -> Objects:
    """A ClusterRole of one rule, and what puts it to use."""
    rule = {"apiGroups": [api_group], "resources": resources.split(), "verbs": verbs.split()}
    return [manifest("ClusterRole", name, rules=[rule]), bound(name, name)]


def secret(name: str, **fields: Any) -> dict[str, Any]:
    return manifest("Secret", name, "shop", **fields)


def node_pool(*taints: dict[str, str]) -> dict[str, Any]:
    requirement = {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]}
    spec = {"requirements": [requirement], "taints": list(taints)}
    return manifest("NodePool", "default", spec={"template": {"spec": spec}})


SLOW = {"terminationGracePeriodSeconds": 120}


def cache(node: str) -> Objects:
    """A Deployment with an Azure Disk."""
    sized = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    disk = {"driver": "disk.csi.azure.com", "volumeHandle": "cache"}
    volume = {**sized, "capacity": {"storage": "8Gi"}, "csi": disk}
    claim = {**sized, "volumeName": "cache", "resources": {"requests": {"storage": "8Gi"}}}
    return [
        manifest("PersistentVolume", "cache", spec=volume),
        manifest("PersistentVolumeClaim", "cache", "shop", spec=claim),
        *running("cache", node, volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "cache"}}]),
    ]


def served(node: str) -> Objects:
    return [*running("served", node, replicas=2, pods=2), service("served")]


def pausing(seconds: int) -> Objects:
    """A Deployment on Spot whose hook sleeps."""
    command = {"command": ["/bin/sh", "-c", f"sleep {seconds}"]}
    hook = {"name": "app", "image": IMAGE, "lifecycle": {"preStop": {"exec": command}}}
    return running("pausing", "node-spot", containers=[hook])


def gatekeeper(failure_policy: str) -> Objects:
    """A webhook on Spot, for objects that nobody makes."""
    rule = {"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nothings"]}
    webhook = {
        "name": "gatekeeper.shop.example",
        "failurePolicy": failure_policy,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "rules": [rule],
        "clientConfig": {"service": {"namespace": "shop", "name": "gatekeeper"}},
    }
    configuration = manifest("ValidatingWebhookConfiguration", "gatekeeper", webhooks=[webhook])
    return [configuration, *running("gatekeeper", "node-spot"), service("gatekeeper")]


def spot_job(**fields: Any) -> dict[str, Any]:
    return workload("Job", "once", pod_spec(restartPolicy="Never", tolerations=[SPOT]), **fields)


def nightly(cpu: str) -> dict[str, Any]:
    resources = {"resources": {"requests": {"cpu": cpu, "memory": "1Gi"}}}
    return workload("CronJob", "nightly", pod_spec(resources, restartPolicy="Never"))


def expander(*pools: str) -> dict[str, Any]:
    """The list of the priority expander; of the pool without nodes a pattern holds the name."""
    lines = "".join(f"- .*{pool}.*\n" for pool in pools)
    return manifest(
        "ConfigMap", "cluster-autoscaler-priority-expander", "kube-system", data={"priorities": f"10:\n{lines}"}
    )


def daemon(name: str, image: str, available: int) -> dict[str, Any]:
    """A DaemonSet that runs on one node."""
    status = {"currentNumberScheduled": 1, "numberMisscheduled": 0, "desiredNumberScheduled": 1, "numberReady": 1}
    made = workload("DaemonSet", name, pod_spec({"image": image}))
    return {**made, "status": {**status, "numberAvailable": available}}


def defender(ready: int) -> dict[str, Any]:
    """The agent of Defender; the controllers that would make its pods do not run."""
    status = {"currentNumberScheduled": 1, "numberMisscheduled": 0, "desiredNumberScheduled": 1, "numberReady": ready}
    made = workload("DaemonSet", "microsoft-defender-collector-ds", pod_spec())
    made["metadata"]["namespace"] = "kube-system"
    return {**made, "status": status}


def stateful(name: str, image: str, ready: int) -> dict[str, Any]:
    """A StatefulSet of one pod."""
    return {
        **workload("StatefulSet", name, pod_spec({"image": image})),
        "status": {"replicas": 1, "readyReplicas": ready},
    }


def collector(available: int) -> dict[str, Any]:
    return daemon("fluent-bit", "cr.fluentbit.io/fluent/fluent-bit:4.0", available)


def ingress(applied: str) -> dict[str, Any]:
    """An Ingress that kubectl applied from a manifest in some version."""
    head = json.dumps({"apiVersion": applied, "kind": "Ingress", "metadata": {"name": "web"}})
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": head}
    return manifest("Ingress", "web", "shop", annotations=annotations, spec={"defaultBackend": backend})


def webhook(*on_nodes: str) -> Objects:
    """A webhook for pods of a namespace that has none, and what answers for it on these nodes."""
    hooked = {"hooked": "true"}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    endpoints = [
        {"addresses": [f"10.244.0.{place}"], "conditions": {"ready": True}, "nodeName": name}
        for place, name in enumerate(on_nodes, start=1)
    ]
    wanted = {
        "name": "pods.policy.example",
        "clientConfig": {"service": {"namespace": "shop", "name": "policy"}},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": hooked},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    labels = {"kubernetes.io/service-name": "policy"}
    slices = {"addressType": "IPv4", "endpoints": endpoints, "ports": [{"port": 443}]}
    return [
        manifest("Namespace", "hooked", labels=hooked),
        service("policy"),
        manifest("EndpointSlice", "policy-1", "shop", labels=labels, **slices),
        manifest("ValidatingWebhookConfiguration", "policy", webhooks=[wanted]),
    ]


def egress_policy(**selector: Any) -> dict[str, Any]:
    spec = {"endpointSelector": selector, "egress": [{"toFQDNs": [{"matchName": "example.com"}]}]}
    return manifest("CiliumClusterwideNetworkPolicy", "egress", spec=spec)


def node_class(side: str) -> dict[str, Any]:
    return manifest("AKSNodeClass", "elsewhere", spec={"vnetSubnetID": f"{VNET}/subnets/snet-class-{side}"})


def as_identity(name: str) -> dict[str, Any]:
    """A Deployment whose pods ask for the identity that its service account names."""
    made = workload("Deployment", name, pod_spec(serviceAccountName=name))
    made["spec"]["template"]["metadata"]["labels"]["azure.workload.identity/use"] = "true"
    return made


WIRED = manifest("ServiceAccount", "wired", "shop", annotations={"azure.workload.identity/client-id": "client-id-good"})
NO_METADATA = [
    manifest("NetworkPolicy", "nothing-leaves", "shop", spec={"podSelector": {}, "policyTypes": ["Egress"]}),
    manifest(
        "CiliumNetworkPolicy",
        "no-metadata",
        "shop",
        spec={"endpointSelector": {}, "egressDeny": [{"toCIDR": ["169.254.169.254/32"]}]},
    ),
]
NMI = "mcr.microsoft.com/oss/azure/aad-pod-identity/nmi:v1.8.17"


def pulling(side: str) -> Objects:
    return [workload("Pod", "pulling", pod_spec({"image": f"acr{side}.azurecr.io/app:1.0"}))]


def vault_user(side: str) -> Objects:
    parameters = {"keyvaultName": f"kv-{side}", "usePodIdentity": "false"}
    return [manifest("SecretProviderClass", "vault", "shop", spec={"provider": "azure", "parameters": parameters})]


def api_server(side: str) -> Objects:
    """Where the pods reach it, as AKS would write it down."""
    labels = {"kubernetes.io/service-name": "kubernetes"}
    endpoints = [{"addresses": [API_SERVERS[side]], "conditions": {"ready": True}}]
    ports = [{"name": "https", "port": 443, "protocol": "TCP"}]
    fields = {"addressType": "IPv4", "endpoints": endpoints, "ports": ports}
    return [manifest("EndpointSlice", "kubernetes", "default", labels=labels, **fields)]


HANDMADE = manifest("Secret", "password", "shop", data={"key": "Y2FuYXJ5"})
IDLE = manifest("Secret", "idle", "shop", data={"key": "Y2FuYXJ5"})
DRIVER = manifest("CSIDriver", "secrets-store.csi.k8s.io", spec={"attachRequired": False})
LIMITS = manifest(
    "LimitRange",
    "defaults",
    "shop",
    spec={"limits": [{"type": "Container", "default": {"memory": "256Mi"}, "defaultRequest": {"cpu": "100m"}}]},
)
FROM_SECRET = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "password", "key": "key"}}}
TRACES = {"name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://otel.example:4317"}
MOUNTED = {"volumes": [{"name": "password", "secret": {"secretName": "password"}}]}
STATED = {"resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}}
INTERNAL = {"service.beta.kubernetes.io/azure-load-balancer-internal": "true"}


def balancer(name: str, address: str, **fields: Any) -> dict[str, Any]:
    status = {"loadBalancer": {"ingress": [{"ip": address}]}}
    return service(name, spec={"type": "LoadBalancer"}, status=status, **fields)


DB = "array:\n  - |\n    objectName: db\n    objectType: secret\n"


def reader(side: str, name: str = "reader", **more: str) -> Objects:
    """A class that reads the vault of a side as a workload, unless more says as whom."""
    parameters = {"keyvaultName": f"kv-{side}", "clientID": f"client-id-{side}", "objects": DB, **more}
    return [manifest("SecretProviderClass", name, "shop", spec={"provider": "azure", "parameters": parameters})]


def rotated(**mount: Any) -> Objects:
    """A Deployment that mounts that class."""
    attributes = {"secretProviderClass": "reader"}
    volume = {"name": "store", "csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": True}}
    volume["csi"]["volumeAttributes"] = attributes
    mounts = {"volumeMounts": [{"name": "store", "mountPath": "/mnt/store", **mount}]}
    return [workload("Deployment", "rotated", pod_spec(mounts, volumes=[volume]))]


def taking(name: str, secret: str, *, optional: bool = False) -> Objects:
    """A Deployment with a volume from a Secret."""
    volume = {"name": "secret", "secret": {"secretName": secret, "optional": optional}}
    return [workload("Deployment", name, pod_spec(volumes=[volume]))]


def pulled(side: str, *secrets: str) -> Objects:
    """A Deployment of an image of the registry of a side."""
    image = {"image": f"acr{side}.azurecr.io/shop/web:1"}
    references = {"imagePullSecrets": [{"name": name} for name in secrets]}
    return [workload("Deployment", "pulled", pod_spec(image, **references))]


#: The LimitRange of the good side comes first: it fills in what the pods after it leave out.
CASES = [
    Case(
        "WKL-012",
        f"{SHOP}/pods/limited",
        [LIMITS, workload("Pod", "limited", pod_spec())],
        [workload("Pod", "limited", pod_spec())],
    ),
    Case(
        "WKL-012",
        f"{SHOP}/deployments/stated",
        [workload("Deployment", "stated", pod_spec(STATED))],
        [workload("Deployment", "stated", pod_spec())],
    ),
    *map(privileged, ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController")),
    *map(privileged, ("Job", "CronJob", "Pod")),
    Case("SEC-001", "{cluster}", [HANDMADE, DRIVER], [HANDMADE]),
    Case("SEC-005", f"{VAULTS}/kv-{{side}}", vault_user("good"), vault_user("bad")),
    Case(
        "SEC-014",
        f"{SHOP}/statefulsets/database",
        [workload("StatefulSet", "database", pod_spec(**MOUNTED))],
        [workload("StatefulSet", "database", pod_spec({"env": [FROM_SECRET]}))],
    ),
    Case("SEC-003", f"{SHOP}/secretproviderclasses/reader", reader("good"), reader("bad", useVMManagedIdentity="true")),
    Case(
        "SEC-004",
        f"{{cluster}}/identities/vault-reader{IDENTITIES}/id-wired-{{side}}",
        reader("good", "wired"),
        reader("bad", "wired"),
    ),
    *(Case(f"SEC-00{number}", f"{VAULTS}/kv-{{side}}", [], []) for number in (6, 7, 8, 9)),
    Case("SEC-010", f"{SHOP}/secretproviderclasses/reader", [], []),
    Case("SEC-011", "{walled}/namespaces/shop/deployments/rotated", rotated(), rotated(subPath="db")),
    Case(
        "SEC-015",
        f"{SHOP}/configmaps/settings",
        [manifest("ConfigMap", "settings", "shop", data={"password": "/run/secrets/db"})],
        [manifest("ConfigMap", "settings", "shop", data={"password": "hunter22"})],
    ),
    Case(
        "SEC-016",
        "{walled}/namespaces/shop/deployments/taking",
        taking("taking", "absent", optional=True),
        taking("taking", HANDMADE["metadata"]["name"]),
    ),
    Case("SEC-017", f"{SHOP}/secrets/idle", [IDLE, *taking("busy", "idle")], [IDLE]),
    Case(
        "SEC-018",
        f"{SHOP}/deployments/named",
        taking("named", HANDMADE["metadata"]["name"]),
        taking("named", "absent"),
    ),
    Case("SEC-019", f"{SHOP}/deployments/pulled", pulled("good"), pulled("bad", "regcred")),
    Case("ACC-003", "{cluster}", [], []),
    Case(
        "ACC-005",
        "{cluster}",
        [bound("administrators", "cluster-admin", group("5f0c2c64-6f0c-4c5a-9d3a-0a7e1d6a0001"))],
        [bound("administrators", "cluster-admin", group("platform"))],
    ),
    Case(
        "ACC-009",
        "{cluster}/clusterrolebindings/deployer",
        [bound("deployer", "view", account("deployer"))],
        [bound("deployer", "cluster-admin", account("deployer"))],
    ),
    Case(
        "ACC-010",
        "{cluster}/clusterrolebindings/visitors",
        [bound("visitors", "view", user("dave"))],
        [bound("visitors", "view", user("system:anonymous"))],
    ),
    Case(
        "ACC-011",
        "{cluster}/clusterrolebindings/everybody",
        [bound("everybody", "view", group("auditors"))],
        [bound("everybody", "view", group("system:authenticated"))],
    ),
    Case("ACC-012", "{cluster}/clusterroles/maker", role("maker", "get", "pods"), role("maker", "*", "*")),
    Case(
        "ACC-013",
        "{cluster}/clusterroles/grower",
        role("grower", "get", "clusterroles", RBAC),
        role("grower", "escalate", "clusterroles", RBAC),
    ),
    Case(
        "ACC-014",
        "{cluster}/clusterroles/driver",
        role("driver", "get", "nodes"),
        role("driver", "get create", "nodes/proxy"),
    ),
    Case("ACC-015", "{cluster}", [], role("reader", "get list", "secrets")),
    Case(
        "ACC-016",
        "{cluster}/clusterrolebindings/starter",
        role("starter", "get", "pods"),
        role("starter", "create", "pods"),
    ),
    Case(
        "ACC-017",
        "{cluster}/clusterrolebindings/inherited",
        [bound("inherited", "view", account("reporter"))],
        [bound("inherited", "view", account("default"))],
    ),
    Case(
        "ACC-018",
        f"{SHOP}/deployments/tokens",
        [workload("Deployment", "tokens", pod_spec(automountServiceAccountToken=False, serviceAccountName="idle"))],
        [workload("Deployment", "tokens", pod_spec(serviceAccountName="idle"))],
    ),
    Case(
        "ACC-019",
        f"{SHOP}/secrets/token",
        [secret("token")],
        [
            secret(
                "token",
                type="kubernetes.io/service-account-token",
                annotations={"kubernetes.io/service-account.name": "idle"},
            )
        ],
    ),
    Case(
        "ACC-020",
        "{cluster}/clusterrolebindings/target",
        [bound("target", "view", user("dave"))],
        [bound("target", "gone", user("dave"))],
    ),
    Case("SPT-001", "{cluster}/agentpools/spot", [], []),
    Case("SPT-001", "{cluster}/nodepools.karpenter.sh/default", [node_pool(SPOT)], [node_pool()]),
    Case(
        "SPT-005",
        f"{SHOP}/deployments/single",
        [*running("single", "node-system"), service("single")],
        [*running("single", "node-spot"), service("single")],
    ),
    Case("SPT-004", f"{SHOP}/deployments/cache", cache("node-system"), cache("node-spot")),
    Case("SPT-006", f"{SHOP}/deployments/served", served("node-system"), served("node-spot")),
    Case("SPT-007", f"{SHOP}/deployments/slow", running("slow", "node-spot"), running("slow", "node-spot", **SLOW)),
    Case("SPT-007", f"{SHOP}/deployments/pausing", pausing(10), pausing(60)),
    Case("SPT-008", f"{SHOP}/deployments/gatekeeper", gatekeeper("Ignore"), gatekeeper("Fail")),
    Case(
        "SPT-009",
        f"{SHOP}/deployments/anywhere",
        [workload("Deployment", "anywhere", pod_spec(tolerations=[SPOT]))],
        [workload("Deployment", "anywhere", pod_spec(tolerations=[{"operator": "Exists"}]))],
    ),
    Case("SPT-010", f"{SHOP}/jobs/once", [spot_job()], [spot_job(backoffLimit=0)]),
    Case("SPT-011", "{cluster}", [nightly("1")], [nightly("9")]),
    Case("SPT-012", "{walled}", [expander("system", "work", "spot")], [expander("system", "spot")]),
    Case(
        "UPG-016",
        f"{SHOP}/poddisruptionbudgets/pair",
        [*running("pair", "node-system", replicas=2, pods=2), budget("pair", 1, maxUnavailable=1)],
        [*running("pair", "node-system", replicas=2, pods=2), budget("pair", 2, minAvailable="100%")],
    ),
    Case(
        "UPG-016",
        f"{SHOP}/poddisruptionbudgets/scaled",
        [
            *running("scaled", "node-system", pods=2),
            autoscaler("scaled", minReplicas=2),
            budget("scaled", 1, minAvailable=1),
        ],
        [*running("scaled", "node-system", pods=2), autoscaler("scaled"), budget("scaled", 1, minAvailable=1)],
    ),
    Case("UPG-007", "{cluster}", [], [daemon("kured", "ghcr.io/kubereboot/kured:1.20.0", 1)]),
    Case("UPG-008", "{cluster}/agentpools/system", [], []),
    Case("UPG-009", "{cluster}", [], []),
    Case(
        "UPG-014",
        "{cluster}/agentpools/system",
        running("stubborn", "node-system"),
        running("stubborn", "node-system", terminationGracePeriodSeconds=7200),
    ),
    Case(
        "UPG-015",
        f"{SHOP}/deployments/replicated",
        [*running("replicated", "node-system", replicas=2, pods=2), budget("replicated", 1, maxUnavailable=1)],
        running("replicated", "node-system", replicas=2, pods=2),
    ),
    Case("UPG-017", "{cluster}", [ingress("networking.k8s.io/v1")], [ingress("networking.k8s.io/v1beta1")]),
    Case(
        "UPG-019",
        "{cluster}/validatingwebhookconfigurations/policy/webhooks/pods.policy.example",
        webhook("node-system", "node-spot"),
        webhook("node-system", "node-system"),
    ),
    Case(
        "UPG-020",
        "{cluster}",
        [manifest("Namespace", "meshed", labels={"istio.io/rev": "asm-1-30"})],
        [manifest("Namespace", "meshed", labels={"istio-injection": "enabled"})],
    ),
    Case("OBS-001", "{cluster}", [collector(1)], [collector(0)]),
    Case(
        "OBS-006",
        "{cluster}",
        [stateful("prometheus", "quay.io/prometheus/prometheus:v3.5.0", 1)],
        [stateful("prometheus", "quay.io/prometheus/prometheus:v3.5.0", 0)],
    ),
    Case("OBS-007", "{cluster}", [defender(1)], [defender(0)]),
    Case(
        "OBS-013",
        "{cluster}",
        [stateful("alertmanager", "quay.io/prometheus/alertmanager:v0.28.1", 1)],
        [stateful("alertmanager", "quay.io/prometheus/alertmanager:v0.28.1", 0)],
    ),
    Case("OBS-015", "{cluster}", [workload("Deployment", "traced", pod_spec({"env": [TRACES]}))], []),
    Case("OBS-016", "{cluster}", [], []),
    Case("EGR-001", "{cluster}", [egress_policy()], [egress_policy(matchLabels={"app": "one"})]),
    Case("EGR-002", f"{VNET}/subnets/snet-class-{{side}}", [node_class("good")], [node_class("bad")]),
    Case("EGR-004", "{walled}", api_server("good"), api_server("bad")),
    # by the vault of SEC-005
    Case("EGR-005", "{walled}", [], []),
    Case(
        "EGR-008",
        "{walled}/namespaces/shop/services/shop",
        [balancer("shop", "10.1.2.6", annotations=INTERNAL)],
        [balancer("shop", "20.50.1.9")],
    ),
    Case("NET-002", f"{VNET}/subnets/snet-{{side}}", [], [balancer("internal", "10.1.1.6", annotations=INTERNAL)]),
    Case("IDN-004", "{cluster}", pulling("good"), pulling("bad")),
    Case("IDN-006", "{cluster}", [], []),
    Case("IDN-008", SHOP, NO_METADATA, []),
    Case("IDN-010", "{cluster}", [], [workload("DaemonSet", "nmi", pod_spec({"image": NMI}))]),
    Case("IDN-011", f"{SHOP}/deployments/wired", [WIRED, as_identity("wired")], [as_identity("wired")]),
    Case("IDN-012", f"{{cluster}}/identities/federated{IDENTITIES}/id-wired-{{side}}", [], []),
    Case("IDN-014", f"{REGISTRIES}/acr{{side}}", [], []),
]
