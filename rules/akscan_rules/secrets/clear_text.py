"""Credentials that stand where everybody may read them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from akscan.sdk import (
    ConfigMapSubject,
    Container,
    Disruption,
    Finding,
    Fix,
    Inventory,
    Literal,
    Need,
    NotApplicable,
    Pillar,
    PodSpec,
    Severity,
    Workload,
    rule,
)

from akscan_rules.secrets import WORKLOAD_NEEDS

_SHOWN = 10
#: The API server puts it into every namespace.
_CLUSTER_CERTIFICATE = "kube-root-ca.crt"


@rule(
    "SEC-015",
    Severity.HIGH,
    Pillar.SECURITY,
    needs=[*WORKLOAD_NEEDS, Need.CONFIG_MAPS],
    frameworks={"waf": ["SE:09"], "nsa_cisa": ["C-0012"], "mitre": ["Credential access", "Lateral Movement"]},
    docs=[
        "https://learn.microsoft.com/azure/aks/csi-secrets-store-driver",
        "https://kubernetes.io/docs/concepts/configuration/secret/",
    ],
    fix=Fix(
        """
        az keyvault secret set --vault-name {vault} --name {secret} --file {path}
        kubectl edit {kind} {name} --namespace {namespace}
        """,
        Disruption.WORKLOAD_RESTART,
        terraform="kubernetes_deployment_v1.spec.template.spec.container.env.value; kubernetes_config_map_v1.data",
    ),
    of_ended=True,
)
def no_credential_stands_in_clear_text(
    subject: Workload | ConfigMapSubject,
    inventory: Inventory,
    *,
    name_pattern: str = r"(^|[_.\-]|(?<=[a-z0-9])(?=[A-Z]))(?i:password|passwd|pwd|passphrase|secret|token|api[_.\-]?key|access[_.\-]?key|account[_.\-]?key|client[_.\-]?secret|private[_.\-]?key|sas|bearer|credentials?)($|[_.\-])",  # noqa: E501
    name_exceptions: str = r"(?i)(_|\.|-)(file|path|dir|name|id|url|uri|host|port|address|endpoint|region|namespace|issuer|audience|scopes?|claim|ttl|lifetime|timeout|expiry|expiration|interval|seconds|minutes|hours|days|enabled|required|reset|mode|method|policy|rules?|type|class|format|algorithm|header|prefix|length|size|limit|count|ref|version|provider|backend|store|manager|service)$",  # noqa: E501
    ignore: tuple[str, ...] = (),
) -> Iterator[Finding]:
    """No credential stands in clear text in a pod template or ConfigMap.

    Everyone who may read the workload or the ConfigMap reads the credential, and so do its Git history, backups and
    dashboards; a Job or pod that is over holds it until it is deleted. It cannot be revoked without a new deployment.
    akscan keeps no value: what a literal looks like is decided while it is decoded, and only the kind of credential and
    its place are kept. `ignore` takes names of objects, with or without their namespace.

    **Fix**: treat the credential as leaked: replace it at its source, store the new one in Key Vault, mount it through
    a SecretProviderClass, or do without it by using a workload identity. Mount the new one before the old one is
    revoked; then take the value out of the template or ConfigMap, which rolls the workload once.
    """
    if subject.namespace in subject.cluster.system_namespaces:
        raise NotApplicable("the namespace is the platform's")
    if {subject.name, f"{subject.namespace}/{subject.name}"}.intersection(ignore):
        raise NotApplicable("parameter ignore names it")
    names = _Names(re.compile(name_pattern), re.compile(name_exceptions))
    if isinstance(subject, ConfigMapSubject):
        if subject.name == _CLUSTER_CERTIFICATE:
            raise NotApplicable("it holds the certificate authority of the cluster")
        yield from _told(tuple(_in_config_map(subject, names)))
    else:
        known: tuple[_Place, ...] = ()
        for spec in subject.each_spec():
            found = dict.fromkeys(_in_spec(spec, subject.field_of(spec), names))
            places = tuple(place for place in found if place not in known)
            yield from _told(places, " in its pods alone" if known else "")
            known += places


@dataclass(frozen=True)
class _Names:
    telling: re.Pattern[str]
    exceptions: re.Pattern[str]

    def suggest(self, name: str) -> bool:
        """Whether a value of that name would be a credential."""
        return _suggests(self.telling, self.exceptions, name)


@lru_cache(maxsize=4096)
def _suggests(telling: re.Pattern[str], exceptions: re.Pattern[str], name: str) -> bool:
    """Remembered, since most workloads have the same variables."""
    return bool(telling.search(name)) and not exceptions.search(name)


@dataclass(frozen=True)
class _Place:
    """Where a credential stands, under which name, and by what it was known. ``holder`` is the path of the container,
    which admission may shift: by its name it is the same in template and pod.
    """

    part: str
    name: str
    kind: str
    container: str = ""
    holder: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.holder}{self.part}{f' {self.name}' * bool(self.name)}: {self.kind}"


def _told(places: tuple[_Place, ...], where: str = "") -> Iterator[Finding]:
    if places:
        kinds = ", ".join(dict.fromkeys(place.kind for place in places))
        shown = [str(place) for place in places[:_SHOWN]]
        more = [f"and {len(places) - _SHOWN} more{where}"] if len(places) > _SHOWN else []
        yield Finding(
            f"{len(places)} value(s) in clear text{where} are credentials by what they look like ({kinds})",
            {"credentials": [*shown, *more]},
            containers=list(dict.fromkeys(place.container for place in places if place.container)),
        )


def _in_config_map(subject: ConfigMapSubject, names: _Names) -> Iterator[_Place]:
    for key, value in (subject.object.data or {}).items():
        if value.hits:
            yield from (_Place(f'data["{key}"] line {hit.line}', "", hit.kind) for hit in value.hits)
        elif value.is_plain and names.suggest(key):
            yield _Place(f'data["{key}"]', "", "telling name")


def _in_spec(spec: PodSpec, path: str, names: _Names) -> Iterator[_Place]:
    for kind, containers in (("containers", spec.containers), ("initContainers", spec.init_containers or ())):
        for number, container in enumerate(containers):
            for place in _in_container(container, names):
                yield replace(place, container=container.name, holder=f"{path}.{kind}[{number}].")


def _in_container(container: Container, names: _Names) -> Iterator[_Place]:
    for number, variable in enumerate(container.env or ()):
        if variable.value is None:
            continue
        if variable.value.hits:
            yield from _hits([variable.value], "env", variable.name, first=number, suffix=".value")
        elif variable.value.is_telling and names.suggest(variable.name):
            yield _Place(f"env[{number}].value", variable.name, "telling name")
    yield from _hits(container.command or (), "command")
    yield from _hits(container.args or (), "args")


def _hits(
    values: Iterable[Literal], part: str, name: str = "", *, first: int = 0, suffix: str = ""
) -> Iterator[_Place]:
    for number, value in enumerate(values, start=first):
        for hit in value.hits:
            yield _Place(f"{part}[{number}]{suffix}", name, hit.kind)
