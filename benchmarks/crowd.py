"""A large cluster as etcd holds it: namespaces, nodes, Deployments with their ReplicaSets, pods of realistic size."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
#: The context of the kubeconfig that leads to it.
CONTEXT = "bench"

_PODS_PER_WORKLOAD = 10
_PODS_PER_NODE = 40
_WORKLOADS_PER_NAMESPACE = 50
_MADE = "2026-11-20T08:00:00Z"


def crowd(pods: int) -> Iterator[tuple[str, bytes]]:
    """Keys and values of etcd for a cluster of so many pods."""
    workloads = max(1, pods // _PODS_PER_WORKLOAD)
    for number in range(workloads // _WORKLOADS_PER_NAMESPACE + 1):
        yield _stored("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"team-{number}"}})
    for number in range(pods // _PODS_PER_NODE + 1):
        yield _stored("minions", _node(number))
    for number in range(workloads):
        yield _stored("deployments", _deployment(number))
        yield _stored("replicasets", _replica_set(number))
        for replica in range(_PODS_PER_WORKLOAD):
            yield _stored("pods", _pod(number, replica))


def _stored(resource: str, item: Json) -> tuple[str, bytes]:
    metadata = item["metadata"]
    place = "/".join(metadata[key] for key in ("namespace", "name") if key in metadata)
    item["metadata"] = {"uid": _uid(resource, place), "creationTimestamp": _MADE, **metadata}
    return f"/registry/{resource}/{place}", json.dumps(item, separators=(",", ":")).encode()


def _uid(resource: str, place: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{resource}/{place}"))


def _names(number: int) -> tuple[str, str]:
    return f"team-{number // _WORKLOADS_PER_NAMESPACE}", f"service-{number}"


def _metadata(number: int, name: str, **more: Any) -> Json:
    namespace, app = _names(number)
    labels = {
        "app.kubernetes.io/name": app,
        "app.kubernetes.io/part-of": namespace,
        "app.kubernetes.io/version": "4.2.1",
    }
    return {"name": name, "namespace": namespace, "labels": labels, "managedFields": [_fields("kubectl")], **more}


def _owned(number: int, name: str, owner: tuple[str, str, str], **more: Any) -> Json:
    kind, resource, owner_name = owner
    reference = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "name": owner_name,
        "uid": _uid(resource, f"{_names(number)[0]}/{owner_name}"),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return _metadata(number, name, ownerReferences=[reference], **more)


def _fields(manager: str) -> Json:
    """What the API server notes of who set which field; a good part of every object."""
    spec = {
        f"f:{field}": {}
        for field in ("dnsPolicy", "enableServiceLinks", "restartPolicy", "schedulerName", "nodeSelector")
    }
    container = {
        f"f:{field}": {} for field in ("image", "imagePullPolicy", "name", "ports", "resources", "livenessProbe")
    }
    spec |= {"f:containers": {f'k:{{"name":"{name}"}}': {".": {}, **container} for name in ("server", "proxy")}}
    status = {f"f:{field}": {".": {}} for field in ("conditions", "containerStatuses", "hostIP", "phase", "podIP")}
    fields = {"f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/name": {}}}, "f:spec": spec, "f:status": status}
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": "v1",
        "time": _MADE,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }


def _template(number: int) -> Json:
    return {"metadata": {"labels": _metadata(number, "")["labels"]}, "spec": _pod_spec(number)}


def _deployment(number: int) -> Json:
    _, app = _names(number)
    labels = {"app.kubernetes.io/name": app}
    spec = {
        "replicas": _PODS_PER_WORKLOAD,
        "selector": {"matchLabels": labels},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "template": _template(number),
    }
    status = {"replicas": _PODS_PER_WORKLOAD, "readyReplicas": _PODS_PER_WORKLOAD, "observedGeneration": 1}
    metadata = _metadata(number, app, generation=1)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


def _replica_set(number: int) -> Json:
    _, app = _names(number)
    metadata = _owned(number, f"{app}-5f7c9d", ("Deployment", "deployments", app), generation=1)
    spec = {
        "replicas": _PODS_PER_WORKLOAD,
        "selector": {"matchLabels": {"app.kubernetes.io/name": app}},
        "template": _template(number),
    }
    status = {"replicas": _PODS_PER_WORKLOAD, "readyReplicas": _PODS_PER_WORKLOAD, "observedGeneration": 1}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec, "status": status}


def _pod(number: int, replica: int) -> Json:
    _, app = _names(number)
    owner = ("ReplicaSet", "replicasets", f"{app}-5f7c9d")
    metadata = _owned(number, f"{app}-5f7c9d-{replica:05x}", owner, generateName=f"{app}-5f7c9d-")
    metadata["managedFields"] = [_fields("kube-controller-manager"), _fields("kubelet")]
    node = f"aks-user-{(number * _PODS_PER_WORKLOAD + replica) // _PODS_PER_NODE}"
    spec = {**_pod_spec(number), "nodeName": node}
    digest = _uid("images", app).replace("-", "") * 2
    status = {
        "phase": "Running",
        "hostIP": "10.224.0.4",
        "podIP": "10.244.1.7",
        "podIPs": [{"ip": "10.244.1.7"}],
        "qosClass": "Burstable",
        "startTime": _MADE,
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": _MADE}
            for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
        ],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": f"{container['image'].partition(':')[0]}@sha256:{digest}",
                "containerID": f"containerd://{digest}",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": _MADE}},
                "lastState": {},
            }
            for container in spec["containers"]
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def _pod_spec(number: int) -> Json:
    namespace, app = _names(number)
    probe = {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10, "timeoutSeconds": 1}
    mounts = [
        {"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True},
        {"name": "settings", "mountPath": "/etc/settings", "readOnly": True},
    ]
    containers = [
        {
            "name": name,
            "image": f"contoso.azurecr.io/{namespace}/{app}-{name}:4.2.1",
            "imagePullPolicy": "IfNotPresent",
            "env": [
                {"name": "LOG_LEVEL", "value": "info"},
                {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": f"{app}-database", "key": "password"}}},
            ],
            "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "livenessProbe": probe,
            "readinessProbe": probe,
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "volumeMounts": mounts,
        }
        for name in ("server", "proxy")
    ]
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
    ]
    return {
        "containers": containers,
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "serviceAccount": app,
        "serviceAccountName": app,
        "terminationGracePeriodSeconds": 30,
        "tolerations": [
            {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("not-ready", "unreachable")
        ],
        "volumes": [
            {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": sources}},
            {"name": "settings", "configMap": {"name": f"{app}-settings", "defaultMode": 420}},
        ],
    }


def _node(number: int) -> Json:
    labels = {
        "kubernetes.azure.com/agentpool": "user",
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": "Standard_D8ds_v5",
        "topology.kubernetes.io/zone": f"westeurope-{number % 3 + 1}",
    }
    allocatable = {"cpu": "7820m", "memory": "28Gi", "pods": "110"}
    status = {
        "allocatable": allocatable,
        "capacity": {**allocatable, "cpu": "8"},
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": _MADE}],
        "nodeInfo": {"kubeletVersion": "v1.35.4", "osImage": "Ubuntu 24.04.3 LTS", "operatingSystem": "linux"},
    }
    metadata = {"name": f"aks-user-{number}", "labels": labels, "managedFields": [_fields("kubelet")]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {}, "status": status}
