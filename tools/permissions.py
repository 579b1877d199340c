"""The page about permissions and what README says of them: around what `akscan doctor` really says of Contoso."""

import os
import subprocess
import sys

from akscan_fixtures.estate import Estate
from akscan_fixtures.simulator import Simulator

_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
#: The first words of the parts that README shows.
_SHOWN = ("Kubernetes API servers", "Permissions that")
_PAGE = """# Permissions

akscan says of everything that it could not read which permission would mend it, and never takes the unread for fine.
`akscan doctor` says so before the scan: it asks Azure (`Microsoft.Authorization/permissions`, of every subscription,
and of the clusters where a role of the subscription does not suffice) and every API server (SelfSubjectRulesReview,
SelfSubjectAccessReview) what your identity may read. The reviews are POSTs that store nothing; no list of a cluster
is read.

| in the answer | means |
|---|---|
| held | Azure or the API server said so |
| missing | it said that the permission is not there |
| unknown | nobody told: the API server does not answer, or Azure refused to tell |

| a rule is | when |
|---|---|
| assessed | everything that it needs is held wherever it was asked for |
| partly | something is missing or unknown in some places, or something that only some of its cases need |
| unknown | something that it needs is held nowhere, and somewhere nobody told |
| cannot | something that it needs is missing everywhere |

Exit codes: 0 when every rule is assessed, 1 when not, 2 when the question could not be asked. `--format json` writes
the same for programs ([formats](formats.md)); `--rule` and `--skip` choose rules as for a scan.

## What it says of the sample estate

One cluster forbids three lists, one is private and out of reach, one is stopped.

```
$ akscan doctor
{doctor}```

Every report of a scan holds the same ledger, drawn from what the scan was told and refused; a scan sends no reviews.

## The smallest roles

Both are computed from what the rules need, so `--rule` and `--skip` make them smaller. Neither needs a network.

```
$ akscan doctor --role azure -s {subscription} > role.json
$ az role definition create --role-definition role.json
```

```json
{azure}```

`--scope` names other assignable scopes: resource groups, management groups. Assign the role where the clusters, their
networks, vaults and virtual hubs are.

```
$ akscan doctor --role kubernetes --group <object id> | kubectl apply -f -
```

```yaml
{kubernetes}```

`--user` and `--service-account NAMESPACE:NAME` bind it to others. The right to list Secrets reaches their values, of
which akscan asks for none: whoever does not want to give it says so, and is told the price. Who has it is a finding of
ACC-015, akscan no less than others; name its group in `allowed_subjects` of that rule.

```
$ akscan doctor --role kubernetes --without secrets | kubectl apply -f -
{price}```
"""


def permissions_page(found: str) -> str:
    """Its text, from the command line as a user calls it."""
    azure, _ = _doctor("--role", "azure", "-s", _SUBSCRIPTION)
    kubernetes, _ = _doctor("--role", "kubernetes")
    _, price = _doctor("--role", "kubernetes", "--without", "secrets")
    return _PAGE.format(doctor=found, azure=azure, kubernetes=kubernetes, price=price, subscription=_SUBSCRIPTION)


def diagnosis_of_contoso() -> str:
    """What doctor says of the sample estate."""
    with Simulator(Estate.shipped("contoso")) as simulator:
        cloud = ["--cloud", "custom", "--arm-endpoint", simulator.arm_endpoint, "--ca-file", str(simulator.ca_file)]
        cloud += ["--arm-audience", simulator.arm_audience, "--auth", "managed-identity", "--quiet"]
        found, _ = _doctor(*cloud, environment=simulator.environment)
    return found


def quoted(readme: str, found: str) -> str:
    """The README with the part of the diagnosis that it shows."""
    head, begin, rest = readme.partition("$ akscan doctor\n")
    _, end, tail = rest.partition("```\n")
    shown = "\n\n".join(part.rstrip("\n") for part in found.split("\n\n") if part.startswith(_SHOWN))
    return f"{head}{begin}{shown}\n{end}{tail}"


def _doctor(*arguments: str, environment: dict[str, str] | None = None) -> tuple[str, str]:
    """What the command writes to stdout and stderr."""
    ended = subprocess.run(
        [sys.executable, "-m", "akscan", "doctor", *arguments],
        env={**os.environ, "NO_PROXY": "127.0.0.1", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "error" in ended.stderr:
        raise RuntimeError(ended.stderr)
    return ended.stdout, ended.stderr
