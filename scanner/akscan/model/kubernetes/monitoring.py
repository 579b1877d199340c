"""The ConfigMap with which users set up the agent of Container Insights."""

from __future__ import annotations

import re
import tomllib
from typing import ClassVar, Self

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct
from akscan.model.literals import Classified

_STREAMS = ("stdout", "stderr")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class LogSettings(Classified):
    """What is kept of the agent's settings of logs: the table that they go to, ``v1`` or ``v2``, and which stream of
    which namespace is left out, as ``stderr:shop``. The rest of the settings is dropped.
    """

    __slots__ = ()

    @classmethod
    def of(cls, value: str) -> Self:
        """Keep versions and names of namespaces; of settings that are no TOML the agent heeds none."""
        try:
            found = tomllib.loads(value).get("log_collection_settings")
        except (tomllib.TOMLDecodeError, RecursionError):
            return cls()
        version = str(_at(_at(found, "schema"), "containerlog_schema_version")).casefold()
        kept = [version] if version in ("v1", "v2") else []
        for stream in _STREAMS:
            settings = _at(found, stream)
            names = _at(settings, "exclude_namespaces")
            # the agent reads the list of a stream that is switched on here, and of no other
            if _at(settings, "enabled") is True and isinstance(names, list):
                kept += [f"{stream}:{str(name).strip()}" for name in names if _NAMESPACE.fullmatch(str(name).strip())]
        return cls(" ".join(kept))

    @property
    def schema(self) -> str:
        """``v1`` or ``v2``; empty where they do not say."""
        return next((word for word in str.__str__(self).split() if ":" not in word), "")

    @property
    def excluded(self) -> dict[str, tuple[str, ...]]:
        """The namespaces of which logs are dropped, with the streams that are."""
        pairs = [word.partition(":")[::2] for word in str.__str__(self).split() if ":" in word]
        return {name: tuple(stream for stream, other in pairs if other == name) for _, name in pairs}


def _at(found: object, key: str) -> object:
    return found.get(key) if isinstance(found, dict) else None


class AgentSettingsData(KubernetesStruct, frozen=True, kw_only=True):
    log_data_collection_settings: LogSettings = msgspec.field(
        name="log-data-collection-settings", default=LogSettings()
    )


class AgentSettings(KubernetesObject, frozen=True, kw_only=True):
    """A ConfigMap of kube-system, for one of them: container-azm-ms-agentconfig
    (https://learn.microsoft.com/azure/azure-monitor/containers/container-insights-data-collection-configmap).
    """

    kind: ClassVar[str] = "ConfigMap"
    data: AgentSettingsData | None = None

    @property
    def logs(self) -> LogSettings:
        return self.data.log_data_collection_settings if self.data else LogSettings()
