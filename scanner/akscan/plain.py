"""Names as they may be shown: what a cluster calls its objects is nobody's but its users'."""

from __future__ import annotations

from collections import Counter

from akscan.model.subject import SubjectRef
from akscan.model.text import ArmId
from akscan.results import Report


def plain(text: str, limit: int = 0) -> str:
    """One line without control characters, invisible ones and direction marks; cut to ``limit`` characters."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
        text = " ".join(text.split())
    return f"{text[: limit - 1]}…" if limit and len(text) > limit else text


def subject_label(subject: SubjectRef) -> str:
    """``Deployment shop/web``; of a cluster its kind and name."""
    space = f"{subject.namespace}/" if subject.namespace else ""
    return plain(f"{subject.kind.replace('_', ' ')} {space}{subject.name}", 200)


def cluster_labels(report: Report) -> dict[str, str]:
    """The names of all clusters by id; those of the same name with their resource group, else with their whole id."""
    names = {cluster.id: cluster.name for cluster in report.clusters}
    for subject in report.subjects:
        names.setdefault(subject.cluster, ArmId(subject.cluster).name)
    labels = _told_apart(names, {key: f"{ArmId(key).resource_group}/{name}" for key, name in names.items()})
    labels = _told_apart(labels, {key: key for key in names})
    return {key: plain(label, 200) for key, label in labels.items()}


def _told_apart(labels: dict[str, str], longer: dict[str, str]) -> dict[str, str]:
    uses = Counter(labels.values())
    return {key: label if uses[label] == 1 else longer[key] for key, label in labels.items()}
