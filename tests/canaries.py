"""Recognisable secrets in every place where Azure and Kubernetes can carry one."""

import base64
from collections.abc import Iterator
from itertools import count
from typing import Any

from akscan_fixtures.estate import Estate

Json = dict[str, Any]

MARK = "canary-"


def encoded(text: str) -> Iterator[bytes]:
    """The text in base64, wherever in three bytes it begins: the characters that hang on nothing but it."""
    for shift, start in ((0, 0), (1, 2), (2, 3)):
        yield base64.b64encode(b"\0" * shift + text.encode())[start : (len(text) + shift) * 8 // 6]


def holds(content: bytes, text: str) -> bool:
    """Whether it stands there, in clear or in base64."""
    return any(sign in content for sign in (text.encode(), *encoded(text)))


def alarms(content: bytes) -> list[bytes]:
    """What of the mark stands in some bytes, with what is around it."""
    places = (content.find(sign) for sign in (MARK.encode(), *encoded(MARK)))
    return [content[max(0, at - 60) : at + 60] for at in places if at >= 0]


class Canaries:
    """Makes canaries, and remembers those that may travel and those that may not even do that."""

    def __init__(self) -> None:
        self.travelling: set[str] = set()
        self.withheld: set[str] = set()
        self._numbers = count()

    def travel(self, place: str) -> str:
        """One that an API answers with."""
        return self._new(place, self.travelling)

    def withhold(self, place: str) -> str:
        """One in the data of a Secret."""
        return self._new(place, self.withheld)

    def _new(self, place: str, known: set[str]) -> str:
        canary = f"{MARK}{place}-{next(self._numbers):05}"
        known.add(canary)
        return canary

    # --- Kubernetes

    def plant_in_kubernetes(self, estate: Estate, cluster: str) -> None:
        """In every object of a cluster."""
        for plural, items in estate.kubernetes[cluster].items():
            for item in items:
                self._annotate(item["metadata"], "object")
                for template in _templates(item):
                    self._annotate(template.setdefault("metadata", {}), "template")
                    self._plant_in_pod(template["spec"])
                self._plant_in_kind(plural, item)

    def _annotate(self, metadata: Json, place: str) -> None:
        applied = {"data": {"password": self.travel(f"{place}-applied")}, "spec": {"token": self._encoded(place)}}
        metadata["annotations"] = {
            **(metadata.get("annotations") or {}),
            "kubectl.kubernetes.io/last-applied-configuration": str(applied),
            "example.com/token": self.travel(f"{place}-annotation"),
        }

    def _encoded(self, place: str) -> str:
        return base64.b64encode(self.travel(f"{place}-encoded").encode()).decode()

    def _plant_in_pod(self, spec: Json) -> None:
        for container in (*spec.get("containers", ()), *(spec.get("initContainers") or ())):
            storage = f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={self.travel('storage-key')}"
            container["env"] = [
                *(container.get("env") or ()),
                {"name": "PLAIN", "value": self.travel("env")},
                {"name": "DB_PASSWORD", "value": self.travel("env-password")},
                {"name": "STORAGE", "value": storage},
                {"name": "SQL", "value": f"Server=tcp:x;User ID=sa;Password={self.travel('connection-string')}"},
            ]
            container["command"] = ["/app", f"--token={self.travel('command')}"]
            container["args"] = [*(container.get("args") or ()), self.travel("args"), self._encoded("args")]
            said = ["/bin/sh", "-c", f"curl -H 'key: {self.travel('exec')}' http://x; sleep 5"]
            header = [{"name": "Authorization", "value": f"Bearer {self.travel('probe')}"}]
            container["lifecycle"] = {"preStop": {"exec": {"command": said}}, "postStart": {"exec": {"command": said}}}
            container["livenessProbe"] = {"httpGet": {"path": "/", "port": 1, "httpHeaders": header}}
            container["readinessProbe"] = {"exec": {"command": said}}
        attributes = {"secretProviderClass": "none", "key": self.travel("csi-attribute")}
        csi = {"driver": "example.csi.k8s.io", "volumeAttributes": attributes}
        spec["volumes"] = [*(spec.get("volumes") or ()), {"name": "planted", "csi": csi}]

    def _plant_in_kind(self, plural: str, item: Json) -> None:
        match plural:
            case "secrets":
                data = {"password": base64.b64encode(self.withhold("secret").encode()).decode()}
                item["data"] = {**(item.get("data") or {}), **data}
            case "configmaps":
                values = {"plain": self.travel("config-map"), "DB_PASSWORD": self.travel("config-map-password")}
                item["data"] = {**(item.get("data") or {}), **values}
                item["binaryData"] = {"blob": self._encoded("config-map")}
            case "persistentvolumes":
                item["spec"]["csi"] = {**(item["spec"].get("csi") or {}), "volumeHandle": self.travel("volume-handle")}
                item["spec"]["csi"]["volumeAttributes"] = {"key": self.travel("volume-attribute")}
            case "storageclasses":
                item["parameters"] = {"key": self.travel("class-parameter")}
            case "secretproviderclasses.secrets-store.csi.x-k8s.io":
                item["spec"]["parameters"]["objects"] = self.travel("provider-objects")
                item["spec"]["parameters"]["clientSecret"] = self.travel("provider-parameter")
            case name if name.endswith("webhookconfigurations.admissionregistration.k8s.io"):
                for webhook in item.get("webhooks") or ():
                    webhook["clientConfig"]["caBundle"] = self._encoded("ca-bundle")
                url = {"url": f"https://hooks.example/{self.travel('webhook-url')}"}
                item["webhooks"] = [*(item.get("webhooks") or ()), {"name": "outside", "clientConfig": url}]
            case "pods" | "nodes" | "jobs.batch" | "deployments.apps":
                condition = {"type": "Planted", "status": "True", "message": self.travel("condition")}
                status = item.setdefault("status", {})
                status["conditions"] = [*(status.get("conditions") or ()), condition]
            case _:
                pass

    # --- Azure

    def plant_in_azure(self, estate: Estate) -> None:
        """In every resource."""
        for resource in estate.resources.values():
            resource["tags"] = {**(resource.get("tags") or {}), "note": self.travel("arm-tag")}
            properties = resource.setdefault("properties", {})
            properties["connectionString"] = f"AccountKey={self.travel('arm-property')}"
            properties["keys"] = [{"value": self.travel("arm-key")}]
        for cluster in estate.managed_clusters():
            self._plant_in_cluster(cluster["properties"])

    def _plant_in_cluster(self, properties: Json) -> None:
        principal = properties.setdefault("servicePrincipalProfile", {})
        principal["secret"] = self.travel("service-principal")
        properties["windowsProfile"] = {"adminUsername": "azureuser", "adminPassword": self.travel("admin-password")}
        properties["linuxProfile"] = {"ssh": {"publicKeys": [{"keyData": self.travel("ssh")}]}}
        proxy = f"http://user:{self.travel('proxy')}@proxy.example:3128"
        properties["httpProxyConfig"] = {
            "httpProxy": proxy,
            "httpsProxy": proxy,
            "trustedCa": self._encoded("proxy-ca"),
        }
        for profile in properties.setdefault("addonProfiles", {}).values():
            profile["config"] = {**(profile.get("config") or {}), "workspaceKey": self.travel("add-on-config")}
        planted = {"enabled": True, "config": {"password": self.travel("add-on")}}
        properties["addonProfiles"]["planted"] = planted
        for pool in properties.get("agentPoolProfiles") or ():
            pool["tags"] = {"note": self.travel("pool-tag")}
            pool["kubeletConfig"] = {"allowedUnsafeSysctls": [self.travel("kubelet")]}


def _templates(item: Json) -> Iterator[Json]:
    """The pod templates of an object, and a pod itself."""
    spec = item.get("spec") or {}
    if item.get("kind") == "Pod":
        yield item
    for place in (spec, (spec.get("jobTemplate") or {}).get("spec") or {}):
        if isinstance(place.get("template"), dict) and "containers" in (place["template"].get("spec") or {}):
            yield place["template"]
