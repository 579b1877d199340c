"""The ConfigMap with which users set up the agent of Container Insights."""

from __future__ import annotations

import tomllib
from typing import ClassVar, Self

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct
from akscan.model.literals import Classified


class LogSchema(Classified):
    """The table that container logs go to by the agent's settings, ``v1`` or ``v2``; empty where they do not say. The
    rest of the settings is dropped.
    """

    __slots__ = ()

    @classmethod
    def of(cls, value: str) -> Self:
        """Keep the version of the schema; of settings that are no TOML the agent heeds none."""
        try:
            found: object = tomllib.loads(value)
        except (tomllib.TOMLDecodeError, RecursionError):
            return cls()
        for key in ("log_collection_settings", "schema", "containerlog_schema_version"):
            found = found.get(key) if isinstance(found, dict) else None
        return cls(str(found).casefold() if str(found).casefold() in ("v1", "v2") else "")


class AgentSettingsData(KubernetesStruct, frozen=True, kw_only=True):
    log_data_collection_settings: LogSchema = msgspec.field(name="log-data-collection-settings", default=LogSchema())


class AgentSettings(KubernetesObject, frozen=True, kw_only=True):
    """A ConfigMap of kube-system, for one of them: container-azm-ms-agentconfig
    (https://learn.microsoft.com/azure/azure-monitor/containers/container-insights-data-collection-configmap).
    """

    kind: ClassVar[str] = "ConfigMap"
    data: AgentSettingsData | None = None

    @property
    def log_schema(self) -> LogSchema:
        return self.data.log_data_collection_settings if self.data else LogSchema()
