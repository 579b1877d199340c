"""Every rule that looks at Kubernetes, on objects that a real API server admitted and defaulted."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from akscan.plugins import load_rules
from akscan_fixtures.simulator import Simulator
from apiserver.cases import (
    ACCOUNTS,
    CASES,
    CLUSTERS,
    CONFIG,
    DEFINITIONS,
    SIDES,
    estate,
    names_of,
    nodes,
    walled,
)
from apiserver.objects import bind_role, create, create_namespace, install, manifest
from apiserver.server import ApiServer
from support import akscan, azure_options, pairs, report_of

IDS = [f"{case.rule} {case.subject.rpartition('/')[2]}" for case in CASES]
#: Container Insights would collect the logs that OBS-001 misses; its settings are read in test_lists.
OF_CONTAINER_INSIGHTS = {"OBS-004", "OBS-005"}
#: Of Kubernetes these read in which subnets node classes put nodes, as EGR-002 does.
OF_NODE_SUBNETS = {"API-003", "EGR-003", "EGR-006", "EGR-009", "EGR-010"}
RULES = {rule.id: rule for rule in load_rules()}


def needs_kubernetes(rule):
    return [need for need in (*rule.needs, *rule.optional_needs) if need.source == "kubernetes"]


@pytest.fixture(scope="module")
def servers(binaries):
    """A real API server for each side, with the objects of all cases."""
    running = {side: ApiServer() for side in SIDES}
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        list(pool.map(lambda side: fill(stack.enter_context(running[side]), side), SIDES))
        yield running


def fill(server, side):
    with server.administrator() as api:
        bind_role(api, "scanner")
        install(api, *DEFINITIONS)
        create_namespace(api, "shop")
        accounts = [manifest("ServiceAccount", name, "shop") for name in ACCOUNTS]
        for wanted in [*accounts, *nodes(side), *(made for case in CASES for made in getattr(case, side))]:
            create(api, wanted)


def kubeconfig(server, side):
    return server.kubeconfig({side: {"token": server.token}})


@pytest.fixture(scope="module")
def verdicts(servers, tmp_path_factory):
    """(rule, subject) -> status of a scan that finds both clusters in Azure."""
    folder = tmp_path_factory.mktemp("scan")
    (folder / "akscan.yaml").write_text(CONFIG, encoding="utf-8")
    kubeconfigs = {name: kubeconfig(server, side) for side, server in servers.items() for name in names_of(side)}
    with Simulator(estate(), servers=kubeconfigs) as simulator, pytest.MonkeyPatch.context() as patch:
        for name, value in simulator.environment.items():
            patch.setenv(name, value)
        options = ("--config", str(folder / "akscan.yaml"), "--format", "json", "-o", str(folder))
        outcome = akscan("scan", *options, *azure_options(simulator))
    assert outcome.code == 0, outcome.err
    return pairs(report_of(folder))


def verdict_of(case, side, verdicts):
    return verdicts[case.rule, subject_of(case, side, f"{CLUSTERS}/{side}")]


def subject_of(case, side, cluster):
    return case.subject.format(cluster=cluster, walled=f"{CLUSTERS}/{walled(side)}", side=side).casefold()


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_rule_passes_and_fails(case, verdicts):
    assert {side: verdict_of(case, side, verdicts) for side in SIDES} == {"good": "pass", "bad": "fail"}


def test_every_rule_that_looks_at_kubernetes_has_a_case():
    judged = {rule_id for rule_id, rule in RULES.items() if needs_kubernetes(rule)}
    assert {case.rule for case in CASES} == judged - OF_CONTAINER_INSIGHTS - OF_NODE_SUBNETS


def test_no_rule_crashes(verdicts):
    assert "error" not in verdicts.values()


def test_what_the_api_server_itself_binds_is_the_platform_s(verdicts):
    own = f"{CLUSTERS}/good/clusterrolebindings/cluster-admin".casefold()
    assert verdicts["ACC-009", own] == "not_applicable"


@pytest.mark.parametrize("side", SIDES)
def test_a_context_alone_decides_what_kubernetes_alone_tells(side, servers, use, verdicts, tmp_path):
    use(kubeconfig(servers[side], side))
    config = tmp_path / "akscan.yaml"
    config.write_text(CONFIG, encoding="utf-8")
    options = ("--context", side, "--config", str(config), "--format", "json", "-o", str(tmp_path), "--quiet")
    outcome = akscan("scan", *options)
    assert outcome.code == 0, outcome.err
    alone = pairs(report_of(tmp_path))
    decided = set()
    for case in CASES:
        status = alone.get((case.rule, subject_of(case, side, f"/contexts/{side}")), "not_assessed")
        if status != "not_assessed":
            assert status == verdict_of(case, side, verdicts), case
            decided.add(case.rule)
    rbac = {f"ACC-0{number:02}" for number in range(9, 21)}
    # that Azure grants nobody the Secrets either, a kubeconfig does not tell
    undecided = {"ACC-015"} if side == "good" else set()
    # who runs an Alertmanager needs no alert rule of Azure; who names no pull secret, no registry
    proven = {"IDN-010", "IDN-011"} if side == "bad" else {"OBS-013", "SEC-019"}
    spot = {"SPT-001", "SPT-004", "SPT-007", "SPT-008", "SPT-009", "SPT-010"}
    secrets = {"SEC-003", "SEC-014", "SEC-015", "SEC-017", "SEC-018"}
    others = {"WKL-002", "WKL-012", "UPG-016", "UPG-019"}
    assert decided == others | secrets | spot | proven | rbac - undecided
