"""The ConfigMap with which users set up the agent of Container Insights."""

from __future__ import annotations

import re
from typing import ClassVar, Self

import msgspec

from akscan.model.kubernetes.base import KubernetesObject, KubernetesStruct
from akscan.model.literals import Classified

_SCHEMA_SECTION = re.compile(
    r"""^\s*\[log_collection_settings\.schema\][^\S\n]*(?:\#.*)?\n   # its table, as far as
        (?:(?!\s*\[).*\n?)*?                                          # the next one
        \s*containerlog_schema_version\s*=\s*["']?(v[12])\b""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


class LogSchema(Classified):
    """The table that container logs go to by the agent's settings, ``v1`` or ``v2``; empty where they do not say. The
    rest of the settings is dropped.
    """

    __slots__ = ()

    @classmethod
    def of(cls, value: str) -> Self:
        """Keep the version of the schema."""
        found = _SCHEMA_SECTION.search(value)
        return cls(found[1] if found else "")


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
