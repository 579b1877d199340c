"""Credentials in clear text."""

import json

import pytest
from akscan.model.decode import decode_answer, encode
from akscan.model.kubernetes import ConfigMap, CronJob, Deployment, EnvVar, EnvVarSource, KeyReference, Pod
from akscan.model.literals import Literal
from akscan.sdk import Need, Status
from akscan.testing import case, container, evaluate, evaluate_all, inventory, pod, pod_spec, workload
from akscan_rules.secrets.clear_text import no_credential_stands_in_clear_text
from msgspec.structs import replace

ACCOUNT_KEY = "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=" + "a" * 86 + "==;EndpointSuffix=x"
INSIGHTS = (
    "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://westeurope.in.example/;"
    "LiveEndpoint=https://westeurope.live.example/"
)
ENTRA = "Server=tcp:db.example,1433;Database=shop;Authentication=Active Directory Default"


def template(*, kind=Deployment, namespace="shop", init=False, **fields):
    """A workload as decoded from an answer of the API server; ``fields`` are those of its container."""
    pod = {"initContainers" if init else "containers": [{"name": "app", "image": "x", **fields}]}
    spec = {"template": {"spec": pod}}
    answer = {
        "metadata": {"name": "app", "namespace": namespace, "uid": "u"},
        "spec": {"jobTemplate": {"spec": spec}} if kind is CronJob else spec,
    }
    return decode_answer(json.dumps(answer).encode(), kind)


def env(name, value, **fields):
    return template(env=[{"name": name, "value": value}], **fields)


def config_map(name="web", namespace="shop", **data):
    """A ConfigMap as decoded from an answer; ``__`` in a key stands for a dot."""
    data = {key.replace("__", "."): value for key, value in data.items()}
    return decode_answer(
        json.dumps({"metadata": {"name": name, "namespace": namespace}, "data": data}).encode(), ConfigMap
    )


FROM_SECRET = EnvVar(
    name="DB_PASSWORD", value_from=EnvVarSource(secret_key_ref=KeyReference(name="db", key="password"))
)
MATCHES = {
    "private_key": "-----BEGIN PRIVATE KEY-----",
    "storage_account_key": ACCOUNT_KEY,
    "shared_access_key": "Endpoint=sb://x/;SharedAccessKeyName=n;SharedAccessKey=" + "b" * 43 + "=",
    "sas_signature": "https://shop.example/c?sv=2024&sig=" + "c" * 43,
    "entra_client_secret": "abc8Q~" + "d" * 33,
    "connection_string_password": "Server=db;Pwd=hunter22",
    "assigned_secret": "{'client_secret': 'hunter2hunter2'}",
    "url_with_password": "amqp://app:hunter2x@mq/",
    "jwt": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhYmMifQ.c2lnbmF0dXJlMTIz",
    "github_token": "ghp_" + "e" * 36,
    "aws_access_key": "AKIA" + "F" * 16,
    "slack_token": "xoxb-0123456789",
}


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        case("env DB_PASSWORD with a literal", [env("DB_PASSWORD", "hunter22")], Status.FAIL),
        case(
            "env DB_PASSWORD from secretKeyRef", [workload(spec=pod_spec(container(env=(FROM_SECRET,))))], Status.PASS
        ),
        case(
            "env DB_PASSWORD_FILE /run/secrets/db",
            [env("DB_PASSWORD_FILE", "/run/secrets/db")],
            Status.PASS,
        ),
        case("env DB_PASSWORD with a path", [env("DB_PASSWORD", "/run/secrets/db")], Status.PASS),
        case("env DB_PASSWORD_FILE with no path", [env("DB_PASSWORD_FILE", "run-secrets-db")], Status.PASS),
        case("env TOKEN_TTL 3600", [env("TOKEN_TTL", "3600")], Status.PASS),
        case("env dbPassword with a literal", [env("dbPassword", "hunter22")], Status.FAIL),
        case("env PASSWORD_POLICY strict-12", [env("PASSWORD_POLICY", "strict-12")], Status.PASS),
        case("env PASSWORD of five characters", [env("PASSWORD", "abcde")], Status.PASS),
        case("env PASSWORD of six characters", [env("PASSWORD", "abcdef")], Status.FAIL),
        case("env PASSWORD empty", [env("PASSWORD", "")], Status.PASS),
        case("env PASSWORD of several lines", [env("PASSWORD", "hunter22\nhunter23")], Status.FAIL),
        case("env COMPASSWORDS with a literal", [env("COMPASSWORDS", "north-west")], Status.PASS),
        case(
            "env APPLICATIONINSIGHTS_CONNECTION_STRING with InstrumentationKey and endpoints",
            [env("APPLICATIONINSIGHTS_CONNECTION_STRING", INSIGHTS)],
            Status.PASS,
        ),
        case(
            "env CONNECTION_STRING with Authentication=Active Directory Default",
            [env("CONNECTION_STRING", ENTRA)],
            Status.PASS,
        ),
        case("env CONNECTION_STRING with Password=hunter22", [env("CONNECTION_STRING", "P=1;Password=hunter22")],
             Status.FAIL),
        case("env PASSWORD $(OTHER)", [env("PASSWORD", "$(OTHER)")], Status.PASS),
        case("in an init container", [env("DB_PASSWORD", "hunter22", init=True)], Status.FAIL),
        case("in a CronJob", [env("DB_PASSWORD", "hunter22", kind=CronJob)], Status.FAIL),
        case("ConfigMap value with an AccountKey", [config_map(storage=ACCOUNT_KEY)], Status.FAIL),
        case(
            "ConfigMap with BEGIN CERTIFICATE only",
            [config_map(ca__crt="-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n")],
            Status.PASS,
        ),
        case(
            "ConfigMap with BEGIN RSA PRIVATE KEY",
            [config_map(tls__key="-----BEGIN RSA PRIVATE KEY-----\nMIIE\n")],
            Status.FAIL,
        ),
        case("ConfigMap key with a telling name", [config_map(api_key="hunter22\n")], Status.FAIL),
        case("ConfigMap key with a telling name, several lines", [config_map(api_key="a: b\nc: dd")], Status.PASS),
        case("ConfigMap without data", [config_map()], Status.PASS),
        case("argument --dsn=postgres://app:hunter2x@db", [template(args=["--dsn=postgres://app:hunter2x@db"])],
             Status.FAIL),
        case("argument --dsn=postgres://app:$(PW)@db", [template(args=["--dsn=postgres://app:$(PW)@db"])],
             Status.PASS),
        case("URL with a password and no user", [env("REDIS_URL", "redis://:hunter2x@redis:6379/0")], Status.FAIL),
        case("URL with a port and no host", [env("LISTEN", "tcp://:6379")], Status.PASS),
        case("in the command", [template(command=["sh", "-c", "PGPASSWORD=hunter22 psql"])], Status.FAIL),
        # the value of this case is looked for in test_nothing_of_a_value_is_kept
        case("output contains no character of the value", [config_map(api_key="canary-api-key")], Status.FAIL),
        case(
            "listing configmaps forbidden, no hit in templates",
            [env("MODE", "fast")],
            Status.NOT_ASSESSED,
            subject="aks",
            unreadable=[Need.CONFIG_MAPS],
        ),
        case(
            "listing configmaps forbidden, hit in a template",
            [env("DB_PASSWORD", "hunter22")],
            Status.FAIL,
            subject="app",
            unreadable=[Need.CONFIG_MAPS],
        ),
        case(
            "pods unreadable, no hit in the template",
            [env("MODE", "fast")],
            Status.NOT_ASSESSED,
            subject="app",
            unreadable=[Need.PODS],
        ),
        case(
            "added by admission",
            [workload(admitted=pod_spec(container(env=(EnvVar(name="API_KEY", value=Literal("plain")),))))],
            Status.FAIL,
        ),
        case("in a pod that has ended",
             [pod(spec=pod_spec(container(env=(EnvVar(name="API_KEY", value=Literal("plain")),))), phase="Succeeded")],
             Status.FAIL),
        case("workload of the platform", [env("DB_PASSWORD", "hunter22", namespace="kube-system")],
             Status.NOT_APPLICABLE),
        case("ConfigMap of the platform", [config_map(namespace="kube-system", api_key="hunter22")],
             Status.NOT_APPLICABLE),
        case("kube-root-ca.crt", [config_map("kube-root-ca.crt", ca__crt="x")], Status.NOT_APPLICABLE),
        case("ignored by name", [config_map(api_key="hunter22")], Status.NOT_APPLICABLE,
             parameters={"ignore": ("web",)}),
        case("ignored with its namespace", [config_map(api_key="hunter22")], Status.NOT_APPLICABLE,
             parameters={"ignore": ("shop/web",)}),
        case("another namespace ignored", [config_map(api_key="hunter22")], Status.FAIL,
             parameters={"ignore": ("blog/web",)}),
        case("name that only the parameter tells", [env("CREDIT", "hunter22")], Status.FAIL,
             parameters={"name_pattern": "CREDIT"}),
    ],
)  # fmt: skip
def test_no_credential_stands_in_clear_text(world, expected):
    assert evaluate(no_credential_stands_in_clear_text, world).status is expected


@pytest.mark.parametrize(("kind", "value"), MATCHES.items())
def test_every_kind_of_credential_is_known_and_not_kept(kind, value):
    literal = Literal.of(f"first\nx {value} y\n")
    assert (kind, 2) in literal.hits
    assert {hit.kind for hit in literal.hits} <= {kind, "connection_string_password", "url_with_password"}
    assert str(literal).startswith("credential ")
    assert not any(part in literal for part in ("hunter", "dddd", "aaaa", "eyJ", "AKIA", "xoxb"))


def test_the_evidence_names_places_and_no_value():
    many = "\n".join(f"p{n}.password = canary-{n:06}" for n in range(30))
    world = inventory(
        template(args=["run", "--dsn=amqp://app:canary-1@mq"], env=[{"name": "API_KEY", "value": "canary-2"}]),
        config_map(app__properties="mode=1\npassword=canary-3\n", many=many),
    )
    verdicts = evaluate_all(no_credential_stands_in_clear_text, world)
    told = verdicts["deployment/shop/app"].findings[0]
    assert told.evidence == {
        "credentials": [
            "spec.template.spec.containers[0].env[0].value API_KEY: telling name",
            "spec.template.spec.containers[0].args[1]: url_with_password",
        ]
    }
    stored = verdicts["config_map/shop/web"].findings[0]
    assert stored.evidence["credentials"][0] == 'data["app.properties"] line 2: connection_string_password'
    assert stored.evidence["credentials"][-1] == "and 11 more"
    assert "canary" not in repr(verdicts)


def test_what_pods_share_with_the_template_is_told_of_the_template():
    plain = EnvVar(name="API_KEY", value=Literal("plain"))
    own, sidecar = container(env=(plain,)), container("proxy", env=(plain,))
    in_template = "spec.template.spec.containers[0].env[0].value API_KEY: telling name"
    found = [
        evaluate(
            no_credential_stands_in_clear_text, inventory(workload(spec=pod_spec(own), admitted=admitted))
        ).findings
        for admitted in (pod_spec(own, node_name="n"), pod_spec(sidecar, own))
    ]
    assert [finding.evidence["credentials"] for (finding,) in found] == [
        [in_template],
        [in_template, "pod spec.containers[0].env[0].value API_KEY: telling name"],
    ]


def test_the_containers_are_named_that_hold_a_credential():
    secret, plain = (EnvVar(name=name, value=Literal("plain")) for name in ("API_KEY", "MODE"))
    template = pod_spec(container(env=(plain,)), container("web", env=(secret,)))
    admitted = replace(
        template,
        init_containers=(container("setup", args=(Literal.of("https://user:canary@shop.example"),)),),
        ephemeral_containers=(container("debugger", env=(secret,)),),
    )
    world = inventory(workload(spec=template, admitted=admitted))
    (finding,) = evaluate(no_credential_stands_in_clear_text, world).findings
    assert finding.containers == ("web", "setup")


def test_what_is_cut_is_told_of_template_and_pods():
    own, sidecar = (
        container(name, env=tuple(EnvVar(name=f"KEY_{place}_PASSWORD", value=Literal("plain")) for place in range(11)))
        for name in ("app", "proxy")
    )
    (finding,) = evaluate(
        no_credential_stands_in_clear_text,
        inventory(workload(spec=pod_spec(own), admitted=pod_spec(own, sidecar))),
    ).findings
    credentials = finding.evidence["credentials"]
    assert (len(credentials), credentials[10], credentials[-1]) == (22, "and 1 more", "and 1 more in its pods alone")
    assert finding.message == (
        "11 value(s) in clear text are credentials by what they look like (telling name); "
        "11 value(s) in clear text in its pods alone are credentials by what they look like (telling name)"
    )


def test_nothing_of_a_value_is_kept():
    objects = (
        template(
            command=["canary-command"],
            args=["--password=canary-argument"],
            env=[{"name": "A", "value": "canary-value"}],
        ),
        config_map(api_key="canary-api-key", file="password: canary-in-file-1"),
        decode_answer(
            b'{"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "canary-annotation"}},'
            b' "spec": {"template": {"metadata": {"annotations": {"checksum/config": "canary-checksum"}}}}}',
            Deployment,
        ),
        decode_answer(b'{"metadata": {"annotations": {"a": "canary-pod"}}, "spec": {"containers": []}}', Pod),
    )
    assert not any(b"canary" in encode(one) for one in objects)


def test_hostile_values_cost_linear_time():
    """A million characters that make a careless pattern start again at every one of them."""
    for piece in ("password:", "eyJaaaaaaaaaaaa", "a", "pwd ", "-----BEGIN AAAA ", "a://b:", "x", "ghp_", "\n", "/"):
        assert Literal.of(piece * (10**6 // len(piece))) in {"plain", "lines", "harmless"} or piece == "password:"
