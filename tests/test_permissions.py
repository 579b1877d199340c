"""Unknown is never a pass: whatever cannot be read, no verdict becomes one. In memory, to try many sets of refusals."""

import msgspec
import pytest
from akscan.comparison import compare
from akscan.engine import Evaluation, SelectedRule
from akscan.inventory_file import InventoryFile
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import Azure, Inventory
from akscan.model.kubernetes import Listing
from akscan.model.reads import ARM_READS, KUBERNETES_READS
from akscan.plugins import load_rules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

#: Without its list there are no clusters at all; refusing it is tested against the simulator.
_ARM = [read for read in ARM_READS if read.call not in ("managed_clusters.list", "/subscriptions")]


@pytest.fixture(scope="module")
def estate(saved):
    with InventoryFile(saved) as file:
        return file.manifest, file.azure(), {key: file.cluster(key) for key in file.members}


@pytest.fixture(scope="module")
def rules():
    return [SelectedRule.of(rule) for rule in load_rules()]


def report_of(manifest, azure, kubernetes, rules):
    evaluation = Evaluation(rules, Inventory(manifest, azure))
    for key, lists in kubernetes.items():
        evaluation.add(key, lists)
    report = evaluation.finish(manifest)
    assert report.errors == ()
    return report


def passes(report):
    return {(passed.rule.id, passed.subject.id) for passed in report.passed}


def without_arm(azure, types):
    """The same where the lists of some types were refused."""
    gap = Gap(source="arm", scope="x", reason=Reason.FORBIDDEN)
    return Azure(
        resources={kind: found for kind, found in azure.resources.items() if kind not in types},
        reads=tuple(msgspec.structs.replace(r, gap=gap) if r.type in types else r for r in azure.reads),
    )


def without_lists(lists, fields, *, keep):
    """The same where some lists were refused, or broke off after ``keep`` of their items."""
    gap = Gap(source="kubernetes", scope="x", reason=Reason.FORBIDDEN)
    return msgspec.structs.replace(
        lists, **{name: Listing(items=getattr(lists, name).items[:keep], gap=gap) for name in fields}
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.sampled_from([read.struct.arm_type for read in _ARM]), max_size=4),
    st.sets(st.sampled_from([read.field for read in KUBERNETES_READS]), max_size=4),
    st.sets(st.integers(0, 9), min_size=1),
    st.integers(0, 3),
)
def test_no_set_of_refusals_makes_a_pass_or_a_fix(estate, rules, types, fields, where, keep):
    manifest, azure, kubernetes = estate
    everything = report_of(manifest, azure, kubernetes, rules)
    refused = {
        key: without_lists(lists, fields, keep=keep) if place in where else lists
        for place, (key, lists) in enumerate(sorted(kubernetes.items()))
    }
    less = report_of(manifest, without_arm(azure, types), refused, rules)
    assert passes(less) <= passes(everything)
    assert compare(everything, less).fixed == ()
