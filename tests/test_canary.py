"""What an API answers and no rule needs leaves no trace: in reports, in the saved inventory, in logs, in errors."""

import base64
import gzip
import json
import os
import subprocess
import sys
import zipfile

import pytest
from akscan_fixtures.faults import Fault, FaultKind
from canaries import MARK, Canaries, alarms, holds
from support import azure_options

CLUSTERS = ("aks-payments-prod", "aks-legacy-shop", "aks-batch-spot")
FORMATS = [option for name in ("html", "json", "sarif", "text") for option in ("--format", name)]


def parsed(body):
    """The JSON of an answer, if it is any."""
    try:
        return json.loads(body)
    except ValueError:
        return None


class Wire:
    """Everything that the simulator sent."""

    def __init__(self):
        self.bodies = []

    def __call__(self, answer):
        packed = answer.headers.get("Content-Encoding") == "gzip"
        self.bodies.append(gzip.decompress(answer.body) if packed else answer.body)

    def carried(self, canary):
        """Whether it was sent."""
        return any(holds(body, canary) for body in self.bodies)

    @property
    def tokens(self):
        """The tokens of Microsoft Entra ID, and those in kubeconfigs."""
        answers = [found for body in self.bodies if isinstance(found := parsed(body), dict)]
        tokens = {answer["access_token"] for answer in answers if "access_token" in answer}
        for config in (config for answer in answers for config in answer.get("kubeconfigs", ())):
            text = base64.b64decode(config["value"]).decode()
            tokens |= {line.split()[-1] for line in text.splitlines() if line.strip().startswith("token:")}
        return tokens


def run(simulator, *arguments, expected=(0,)):
    """A command in a process of its own, with all logs; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "akscan", "--debug", *arguments],
        env={**os.environ, **simulator.environment},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode in expected, done.stderr[-2000:]
    return {f"stdout of {arguments[0]}": done.stdout, f"stderr of {arguments[0]}": done.stderr}


def contents(folder):
    """The files that were written; of an inventory its members."""
    found = {}
    for path in folder.rglob("*"):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as members:
                found |= {f"{path.name}/{name}": members.read(name) for name in members.namelist()}
        elif path.is_file():
            found[path.name] = path.read_bytes()
    return found


def all_commands(simulator, folder, *, codes):
    """What scan, collect and doctor print and write."""
    options = azure_options(simulator)
    scanned, collected = folder / "scanned", folder / "collected"
    scanned.mkdir()
    collected.mkdir()
    save = ("--save", str(scanned / "saved.akscan"))
    texts = run(simulator, "scan", *FORMATS, "-o", str(scanned), *save, *options, expected=codes)
    texts |= run(simulator, "collect", "-o", str(collected / "estate.akscan"), *options, expected=codes)
    texts |= run(simulator, "doctor", *options, expected=(0, 1, 2))
    told = run(simulator, "doctor", "--format", "json", *options, expected=(0, 1, 2))
    return {**texts, **{f"{name} as JSON": text for name, text in told.items()}, **contents(folder)}


def assert_silent(texts, secrets=()):
    assert {name: found for name, text in texts.items() if (found := alarms(text))} == {}
    for name, text in texts.items():
        assert not any(holds(text, secret) for secret in secrets), name


@pytest.fixture(scope="module")
def planted(contoso):
    estate, canaries = contoso.copy(), Canaries()
    for cluster in CLUSTERS:
        canaries.plant_in_kubernetes(estate, cluster)
    canaries.plant_in_azure(estate)
    return estate, canaries


def place(canary):
    """The kind of place that one was planted in."""
    return canary.removeprefix(MARK).rpartition("-")[0]


def test_what_is_planted_leaves_no_trace(planted, serve, tmp_path):
    estate, canaries = planted
    wire = Wire()
    texts = all_commands(serve(estate, witness=wire), tmp_path, codes=(0,))
    assert_silent(texts, wire.tokens)
    # the alarm would have rung: of each kind of place something was sent
    sent = {place(canary) for canary in canaries.travelling if wire.carried(canary)}
    assert sent == {place(canary) for canary in canaries.travelling}
    assert wire.tokens
    # and the data of Secrets was not even asked for
    assert canaries.withheld
    assert not any(wire.carried(canary) for canary in canaries.withheld)


# --- failing runs


def status(code, canary):
    """A Status of Kubernetes, or an error of ARM, that quotes it."""
    return json.dumps(
        {
            "kind": "Status",
            "message": f"denied the token {canary}",
            "reason": canary,
            "error": {"code": code, "message": f"the key {canary} is wrong", "details": [{"message": canary}]},
        }
    ).encode()


def break_everything(simulator, canaries):
    """Answers that fail, each in another way, and quote what they were asked with."""
    arm, cluster = "(?i)GET /subscriptions/.*/", "GET /clusters/aks-payments-prod/.*/"

    def fail(match, code, body, kind=FaultKind.STATUS):
        simulator.inject(Fault(match=match, times=None, kind=kind, status=code, body=body))

    fail(rf"{arm}virtualNetworks\?", 403, status("AuthorizationFailed", canaries.travel("arm-403")))
    fail(rf"{arm}natGateways\?", 409, status(canaries.travel("arm-code"), canaries.travel("arm-409")))
    fail(rf"{arm}publicIPAddresses\?", 400, canaries.travel("arm-text").encode())
    fail(rf"{arm}vaults\?", 200, json.dumps({"value": [{"id": 1, "x": canaries.travel("arm-shape")}]}).encode())
    fail(rf"{arm}registries\?", 200, f'{{"value": "{canaries.travel("arm-value")}"}}'.encode())
    fail(rf"{arm}routeTables\?", 200, f'{{"value": {canaries.travel("arm-json")}'.encode())
    fail(rf"{arm}azureFirewalls\?", 502, f"<html>{canaries.travel('arm-html')}</html>".encode(), FaultKind.HTML)
    fail(rf"{cluster}pods\?", 403, status("", canaries.travel("kubernetes-403")))
    fail(rf"{cluster}nodes\?", 500, canaries.travel("kubernetes-text").encode())
    fail(rf"{cluster}services\?", 400, f'"{canaries.travel("kubernetes-json")}"'.encode())
    wrong = {"metadata": {"name": "wrong"}, "spec": {"replicas": canaries.travel("kubernetes-shape")}}
    fail(rf"{cluster}deployments\?", 200, json.dumps({"items": [wrong]}).encode())
    fail(rf"{cluster}jobs\?", 200, f'{{"items": [{canaries.travel("kubernetes-broken")}'.encode())
    values = {"items": [{"metadata": {"name": "s"}, "data": {"x": canaries.travel("secret-list")}}]}
    fail(rf"{cluster}secrets\?", 200, json.dumps(values).encode())
    reason = {"allowed": False, "reason": canaries.travel("review"), "evaluationError": canaries.travel("review-error")}
    fail("POST /clusters/aks-batch-spot/.*accessreviews", 201, json.dumps({"status": reason}).encode())
    config = f"users: [{{user: {{token: {canaries.travel('kubeconfig')}}}}}, {{"
    handed = {"kubeconfigs": [{"name": "clusterUser", "value": base64.b64encode(config.encode()).decode()}]}
    fail("(?i)POST .*/aks-legacy-shop/listClusterUserCredential", 200, json.dumps(handed).encode())


def test_errors_quote_nothing_of_an_answer(contoso, serve, tmp_path):
    canaries, wire = Canaries(), Wire()
    simulator = serve(contoso, witness=wire)
    break_everything(simulator, canaries)
    texts = all_commands(simulator, tmp_path, codes=(0, 2))
    assert_silent(texts, wire.tokens)
    assert {canary for canary in canaries.travelling if not wire.carried(canary)} == set()


def test_a_sign_in_that_fails_quotes_nothing_either(contoso, serve, tmp_path):
    canaries, wire = Canaries(), Wire()
    simulator = serve(contoso, witness=wire)
    told = {"error": "invalid_request", "error_description": f"AADSTS70002: {canaries.travel('sign-in')}"}
    body = json.dumps({**told, "statusCode": 400, "message": canaries.travel("sign-in-message")}).encode()
    simulator.inject(Fault(match="/msi/token", times=None, status=400, body=body))
    texts = all_commands(simulator, tmp_path, codes=(2,))
    assert_silent(texts)
    assert {canary for canary in canaries.travelling if not wire.carried(canary)} == set()
