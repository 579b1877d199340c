"""Selectors, quantities, scheduling and requests, against references."""

from decimal import Decimal

import pytest
from akscan.model import kubernetes
from akscan.model.kubernetes import Taint, Toleration
from akscan.model.quantities import quantity
from akscan.model.selectors import Expression, LabelSelector
from akscan.testing import container, pod_spec, rbac_subject
from hypothesis import given
from hypothesis import strategies as st

keys, values = st.sampled_from(["app", "tier", "zone"]), st.sampled_from(["a", "b", ""])
labels = st.dictionaries(keys, values)
expressions = st.builds(
    Expression,
    key=keys,
    operator=st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    values=st.lists(values, min_size=1, max_size=2).map(tuple),
)


def holds(expression: Expression, own: dict[str, str]) -> bool:
    """The four sentences of the Kubernetes documentation."""
    inside = expression.key in own and own[expression.key] in expression.values
    return {
        "In": inside,
        "NotIn": not inside,
        "Exists": expression.key in own,
        "DoesNotExist": expression.key not in own,
    }[expression.operator]


@given(labels, st.lists(expressions, max_size=3), labels)
def test_label_selectors_like_the_reference(wanted, more, own):
    selector = LabelSelector(match_labels=wanted, match_expressions=tuple(more))
    expected = set(wanted.items()) <= set(own.items()) and all(holds(expression, own) for expression in more)
    assert selector.matches(own) is expected


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_gt_and_lt_compare_numbers(own, bound):
    assert Expression(key="n", operator="Gt", values=(str(bound),)).matches({"n": str(own)}) is (own > bound)
    assert Expression(key="n", operator="Lt", values=(str(bound),)).matches({"n": str(own)}) is (own < bound)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100m", "0.1"),
        ("1", "1"),
        (2, "2"),
        ("1.5", "1.5"),
        ("1Gi", "1073741824"),
        ("1G", "1000000000"),
        ("128974848", "128974848"),
        ("129e6", "129000000"),
        ("1E", "1000000000000000000"),
        ("2e3", "2000"),
        ("1Ki", "1024"),
        ("500u", "0.0005"),
    ],
)
def test_quantities(text, amount):
    assert quantity(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "1 Gi", "Gi", "1.2.3", "1mi", "abc", "1GiB"])
def test_what_is_no_quantity(text):
    with pytest.raises(ValueError, match="no quantity"):
        quantity(text)


@given(st.integers(0, 10**9), st.sampled_from(["m", "", "k", "M", "G", "Ki", "Mi", "Gi"]), st.integers(0, 10**9))
def test_quantities_keep_order_and_sum(left, suffix, right):
    assert (quantity(f"{left}{suffix}") < quantity(f"{right}{suffix}")) is (left < right)
    assert quantity(f"{left}{suffix}") + quantity(f"{right}{suffix}") == quantity(f"{left + right}{suffix}")


def needs(cpu: str, **fields: object) -> kubernetes.Container:
    return container(resources=kubernetes.ResourceRequirements(requests={"cpu": cpu}), **fields)


def test_requests_of_a_pod():
    sidecar = needs("200m", restart_policy="Always")
    spec = pod_spec(needs("100m"), needs("300m"), init_containers=(sidecar, needs("500m")), overhead={"cpu": "50m"})
    # the init container starts beside the sidecar: 0.2 + 0.5; side by side run 0.1 + 0.3 + 0.2
    assert spec.request("cpu") == Decimal("0.75")
    stated = pod_spec(needs("100m"), resources=kubernetes.ResourceRequirements(requests={"cpu": "2"}))
    assert stated.request("cpu") == 2
    limited = container(resources=kubernetes.ResourceRequirements(limits={"cpu": "1"}))
    assert pod_spec(limited).request("cpu") == 1
    assert pod_spec(limited).request("memory") == 0


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=4),
)
def test_a_pod_requests_what_it_needs_at_its_worst_moment(running, initial):
    """Reference: play the start of the pod and note the highest sum."""
    beside, peak = 0, 0
    for amount, restarts in initial:
        peak = max(peak, beside + amount)
        beside += amount if restarts else 0
    peak = max(peak, beside + sum(running))
    spec = pod_spec(
        *(needs(str(amount)) for amount in running),
        init_containers=tuple(needs(str(a), restart_policy="Always" if restarts else None) for a, restarts in initial),
    )
    assert spec.request("cpu") == peak


@pytest.mark.parametrize(
    ("toleration", "tolerates"),
    [
        (Toleration(key="k", value="v", effect="NoSchedule"), True),
        (Toleration(key="k", value="v"), True),
        (Toleration(key="k", operator="Exists"), True),
        (Toleration(operator="Exists"), True),
        (Toleration(key="k", value="other"), False),
        (Toleration(key="k", value="v", effect="NoExecute"), False),
        (Toleration(value="v"), False),
    ],
)
def test_tolerations(toleration, tolerates):
    assert Taint.parse("k=v:NoSchedule").tolerated_by(toleration) is tolerates


def windows(*, host_process: bool | None) -> kubernetes.WindowsOptions:
    return kubernetes.WindowsOptions(host_process=host_process)


@pytest.mark.parametrize(
    ("own", "pods", "effective"), [(None, None, False), (None, True, True), (False, True, False), (True, False, True)]
)
def test_the_containers_host_process_wins_over_the_pods(own, pods, effective):
    inner = container(security_context=kubernetes.SecurityContext(windows_options=windows(host_process=own)))
    context = kubernetes.PodSecurityContext(windows_options=windows(host_process=pods))
    assert pod_spec(inner, security_context=context).is_host_process(inner) is effective


@pytest.mark.parametrize(
    ("subject", "exempt"),
    [
        (rbac_subject("ServiceAccount", "x", "kube-system"), True),
        (rbac_subject("ServiceAccount", "x", "ci"), False),
        (rbac_subject("User", "system:serviceaccount:kube-system:x"), True),
        (rbac_subject("User", "system:serviceaccount:ci:x"), False),
        (rbac_subject("Group", "system:serviceaccounts:kube-system"), True),
        (rbac_subject("Group", "system:serviceaccounts"), False),
        (rbac_subject("Group", "system:masters"), False),
        (rbac_subject("Group", "system:authenticated"), False),
        (rbac_subject("User", "system:kube-scheduler"), True),
        (rbac_subject("User", "alice@contoso.example"), False),
    ],
)
def test_exempt_subjects(subject, exempt):
    assert subject.is_exempt(frozenset({"kube-system"})) is exempt


def test_allowed_subjects_may_end_in_a_wildcard():
    assert rbac_subject("ServiceAccount", "deployer", "ci").is_in(("ServiceAccount:ci/*",))
    assert not rbac_subject("ServiceAccount", "deployer", "ci-2").is_in(("ServiceAccount:ci/*",))
    assert rbac_subject("User", "a").is_in(("User:a",))
