"""Compares the rule pack with the specification of the rules: every case has its test, and the facts agree.

Run as ``python .ci/compare_catalogue.py CATALOGUE``; exits 1 with a line per difference. Rules of the specification
that do not exist yet are counted, not reported.
"""

import importlib.util
import sys
from pathlib import Path

import yaml
from akscan.plugins import load_rules
from akscan.signatures import signature_of

#: (rule, fact) in which the pack knows better -> why.
DEVIATIONS = {
    (
        "ACC-007",
        "commands",
    ): "the specified ones disable local accounts also where there is no Entra ID to sign in with",
    ("ACC-010", "commands"): "the specified command deletes a ClusterRoleBinding whatever the kind of the binding is",
    ("ACC-011", "commands"): "the specified commands would make a binding under the name of the one that is there",
    ("ACC-012", "commands"): "the specified commands name a ClusterRole whatever the kind of the role is",
    ("ACC-013", "commands"): "the specified command names a ClusterRole whatever the kind of the role is",
    ("ACC-014", "commands"): "the specified command names a ClusterRole whatever the kind of the role is",
    ("ACC-015", "commands"): "the specified commands delete a binding under the name of the cluster, and no assignment",
    ("ACC-017", "commands"): "the specified commands would make a binding under the name of the one that is there",
    ("ACC-018", "commands"): "the specified command names a Deployment whatever the kind of the workload is",
    ("ACC-020", "commands"): "the specified commands take every binding for a RoleBinding to a ClusterRole",
    ("SEC-014", "commands"): "the specified commands name a Deployment whatever the kind of the workload is",
    ("SPT-001", "commands"): "the specified commands drop the taints that others set",
    ("SEC-007", "commands"): "the specified ones would switch a vault with the key of etcd off from the API server",
    ("SEC-010", "commands"): "type and name in them are those of the object in the vault, which may be a key",
    ("SEC-011", "commands"): "the specified commands name a Deployment whatever the kind of the workload is",
    ("SEC-013", "commands"): "a remark says that a cluster leaves the legacy form before it takes the current one",
    ("SEC-015", "parameters"): "values are classified while they are decoded, by fixed patterns, and never kept",
    ("SEC-015", "commands"): "the specified commands name a Deployment, also where the value stands in a ConfigMap",
    ("SEC-016", "commands"): "the name in them is that of the Secret, not that of the workload",
    ("SEC-017", "parameters"): "which custom resources are read stands in the table of reads, with the right to each",
    ("SEC-018", "commands"): "the specified commands name a Deployment whatever the kind of the workload is",
    ("SEC-019", "commands"): "the pull role hangs on the registry, what is deleted has the name of the pull secret, and"
    " the specified patch drops the entries for other registries and leaves the template",
    ("SPT-004", "terms"): "an operator's StatefulSet is judged as one, not as the custom resource at the end of the"
    " chain of owners: it makes the pods; findings name the owner, and commands change it",
    ("SPT-005", "terms"): "an operator's Deployment or StatefulSet is judged as one (see SPT-004)",
    ("SPT-006", "terms"): "an operator's Deployment or StatefulSet is judged as one (see SPT-004)",
    ("UPG-015", "terms"): "an operator's Deployment or StatefulSet is judged as one (see SPT-004)",
    ("SPT-005", "commands"): "the specified command names a Deployment whatever the kind of the workload is",
    ("SPT-006", "commands"): "the specified patch drops the spread constraints that are there, and labels are no app",
    ("SPT-007", "commands"): "the specified command names a Deployment whatever the kind of the workload is",
    ("SPT-008", "commands"): "the specified command puts the name of the workload for that of the node",
    ("SPT-008", "needs"): "what a Service selects tells its pods; of slices those of namespace default are read",
    ("SPT-009", "commands"): "the specified commands name a Deployment whatever the kind of the workload is",
    ("SPT-010", "commands"): "the specified command names a Job whatever the kind of the workload is",
    ("SPT-012", "commands"): "the specified order sets the expander before there is a list for it",
    ("SPT-012", "needs"): "a list of ConfigMaps stands in for the get: every read of Kubernetes is a list",
    ("WKL-002", "commands"): "the specified patch names the first container of a template, whichever sets the flag",
    ("WKL-012", "commands"): "the specified quantities would take the place of those that the container states",
    ("EGR-003", "parameters"): "the service tags stand in the dated file of endpoints, data/required_endpoints.yaml",
    ("EGR-004", "commands"): "the specified command names a Deployment whatever the kind of the workload is",
    (
        "EGR-004",
        "needs",
    ): "a list of the slices in namespace default stands in for the get: every read of Kubernetes is a list",
    (
        "EGR-005",
        "needs",
    ): "the agent of extensions, a Deployment, tells whether there is one, without a call per cluster",
    ("OBS-001", "parameters"): "the known stacks stand in a dated file, data/telemetry_stacks.yaml",
    ("OBS-004", "needs"): "a list of the ConfigMaps of kube-system stands in for the get: every read is a list",
    ("OBS-006", "parameters"): "the known stacks stand in a dated file, data/telemetry_stacks.yaml",
    ("OBS-007", "parameters"): "a parameter is flat; what AKS deploys for a profile is a constant of the rule",
    ("OBS-011", "commands"): "the specified command names AKSAuditAdmin whichever table takes in the events",
    ("OBS-012", "commands"): "the specified commands look for the namespace and the private link scope in the group of"
    " the cluster, and take the other exceptions from the firewall of the storage account",
    ("OBS-013", "parameters"): "the known stacks stand in a dated file, data/telemetry_stacks.yaml",
    ("OBS-015", "needs"): "pods tell which namespaces hold applications",
    ("OBS-015", "parameters"): "the known stacks stand in a dated file, data/telemetry_stacks.yaml",
    ("OBS-016", "parameters"): "the known stacks stand in a dated file, data/telemetry_stacks.yaml",
    ("IDN-010", "commands"): "the specified command calls the credential {name}, which is what a subject is called",
    ("IDN-011", "commands"): "the specified patch names a Deployment whatever the kind of the workload is",
    ("IDN-006", "needs"): "userAssignedIdentities/read decides nothing: the cluster names its identities itself",
    ("UPG-001", "commands"): "the specified upgrade of the whole cluster takes Spot pools along, without a drain",
    ("UPG-003", "commands"): "the specified upgrade of the whole cluster takes Spot pools along, without a drain",
    ("UPG-005", "frameworks"): "in MCSB v1 PV-6 is about vulnerabilities; PV-7, as specified, is about red teams",
    ("UPG-009", "commands"): "name is the subject's; the specified commands mean a node",
    ("UPG-020", "commands"): "name is the subject's; the specified command means a Deployment",
    ("UPG-011", "commands"): "the specified command changes the window of the node OS whichever falls short",
    ("UPG-016", "commands"): "the specified command scales a Deployment down to 2, and whatever the kind is",
    ("UPG-019", "commands"): "the specified commands name the Deployment and the configuration alike",
    ("UPG-001", "frameworks"): "in MCSB v1 PV-6 is about vulnerabilities; PV-7, as specified, is about red teams",
    ("IDN-002", "needs"): "userAssignedIdentities/read decides nothing: the cluster names its identities itself",
}

ROOT = Path(__file__).resolve().parent.parent


def main(catalogue: Path) -> int:
    sys.path.append(str(ROOT / "tests"))
    specified = {
        entry["id"]: entry
        for path in sorted(catalogue.glob("*.yaml"))
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))
    }
    rules = {rule.id: rule for rule in load_rules()}
    problems = [f"{rule_id}: not in the specification" for rule_id in rules if rule_id not in specified]
    for rule_id, rule in rules.items():
        if (entry := specified.get(rule_id)) is not None:
            problems += [f"{rule_id}: {problem}" for problem in compare(rule, entry)]
    sys.stdout.write("".join(f"{problem}\n" for problem in problems))
    sys.stdout.write(f"{len(rules)} of {len(specified)} specified rules exist, {len(problems)} differences\n")
    return bool(problems)


def compare(rule, entry):
    """The differences of one rule from its specification, deviations with a reason aside."""
    fix = entry["fix"]["cli"] or ""
    parameters = {name: _plain(value) for name, value in signature_of(rule).defaults.items()}
    named = {str(need) for need in (*rule.needs, *rule.optional_needs)}
    wanted_needs = {need.partition(" (")[0] for need in (*entry["needs"]["arm"], *entry["needs"]["kubernetes"])}
    wanted_cases = {" ".join((test.rpartition(" -> ")[0] or test).split()) for test in entry["tests"]}
    frameworks = {
        name: [str(control) for control in controls] for name, controls in (entry["frameworks"] or {}).items()
    }
    facts = {
        "title": (rule.title, entry["title"].strip().rstrip(".")),
        "severity": (str(rule.severity), entry["severity"]),
        "pillar": (str(rule.pillar), entry["pillar"]),
        "module": (rule.module, entry["module"]),
        "docs": (list(rule.docs), entry["docs"]),
        "frameworks": ({name: list(controls) for name, controls in rule.frameworks.items()}, frameworks),
        "parameters": (parameters, entry["parameters"] or {}),
        "commands": (rule.fix.cli.split(), fix.split()),
        "needs": (wanted_needs - named, set()),
        "cases": (wanted_cases - names_of_cases(rule), set()),
    }
    for name, (ours, specified) in facts.items():
        if ours != specified and (rule.id, name) not in DEVIATIONS:
            yield f"{name}: {ours}, specified {specified}"


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return list(value) if isinstance(value, tuple) else value


def names_of_cases(rule) -> set[str]:
    """The names of the lines of the rule's table."""
    marks = []
    for path in (ROOT / "tests" / "rules").glob(f"test_{rule.module}*.py"):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        marks += getattr(getattr(module, f"test_{rule.function.__name__}", None), "pytestmark", [])
    return {" ".join(str(line.id).split()) for mark in marks if mark.name == "parametrize" for line in mark.args[1]}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
