"""Jobs: how often they try again, and what they take for a failure."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from akscan.model.kubernetes.applied import AppliedObject
from akscan.model.kubernetes.base import Condition, KubernetesStruct
from akscan.model.kubernetes.pods import Controller, ControllerSpec, ControllerStatus, PodTemplate

_DEFAULT_BACKOFF_LIMIT = 6


class OnPodCondition(KubernetesStruct, frozen=True, kw_only=True):
    type: str = ""
    status: str = "True"


class PodFailureRule(KubernetesStruct, frozen=True, kw_only=True):
    action: str = ""
    on_pod_conditions: tuple[OnPodCondition, ...] | None = None


class PodFailurePolicy(KubernetesStruct, frozen=True, kw_only=True):
    rules: tuple[PodFailureRule, ...] = ()


class JobSpec(ControllerSpec, frozen=True, kw_only=True):
    backoff_limit: int | None = None
    backoff_limit_per_index: int | None = None
    completions: int | None = None
    parallelism: int | None = None
    pod_failure_policy: PodFailurePolicy | None = None

    @property
    def retries(self) -> int:
        """``backoffLimit``, 6 where it is absent."""
        return _DEFAULT_BACKOFF_LIMIT if self.backoff_limit is None else self.backoff_limit

    @property
    def ignores_disruptions(self) -> bool:
        """Whether evictions do not count as failures."""
        rules = self.pod_failure_policy.rules if self.pod_failure_policy else ()
        return any(
            rule.action == "Ignore"
            and any(c.type == "DisruptionTarget" and c.status == "True" for c in rule.on_pod_conditions or ())
            for rule in rules
        )


class JobStatus(ControllerStatus, frozen=True, kw_only=True):
    start_time: str | None = None
    completion_time: str | None = None
    conditions: tuple[Condition, ...] | None = None


class Job(Controller, frozen=True, kw_only=True):
    kind: ClassVar[str] = "Job"
    spec: JobSpec = JobSpec()
    status: JobStatus = JobStatus()

    @property
    def is_finished(self) -> bool:
        """Complete or Failed."""
        return any(c.type in ("Complete", "Failed") and c.status == "True" for c in self.status.conditions or ())

    @property
    def duration_seconds(self) -> int | None:
        """From its start to its completion; None for one that did not complete."""
        start, end = self.status.start_time, self.status.completion_time
        return (
            int((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
            if start and end
            else None
        )


class JobTemplate(KubernetesStruct, frozen=True, kw_only=True):
    spec: JobSpec = JobSpec()


class CronJobSpec(KubernetesStruct, frozen=True, kw_only=True):
    schedule: str = ""
    suspend: bool | None = None
    job_template: JobTemplate = JobTemplate()


class CronJob(AppliedObject, frozen=True, kw_only=True):
    kind: ClassVar[str] = "CronJob"
    spec: CronJobSpec = CronJobSpec()

    @property
    def template(self) -> PodTemplate:
        return self.spec.job_template.spec.template or PodTemplate()
