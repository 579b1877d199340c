"""The ledger of permissions, against a slow and obviously right reference, and how it shrinks."""

import msgspec
import pytest
from akscan.engine import Evaluation, SelectedRule
from akscan.inventory_file import InventoryFile
from akscan.model.gaps import Gap, Reason
from akscan.model.inventory import Azure
from akscan.model.kubernetes import Listing
from akscan.model.kubernetes.authorization import ResourceRule
from akscan.model.ledger import Assessability, Ledger, LedgerEntry, LedgerScope, PermissionStatus, Wants, places
from akscan.model.needs import Need
from akscan.model.permissions import asked
from akscan.model.reads import KUBERNETES_READS
from akscan.model.roles import HeldPermissions, Permission
from akscan.model.text import Token
from akscan.plugins import load_rules
from akscan.report_file import encode_report
from akscan.testing import cluster, inventory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WANTS = {rule.id: Wants(rule.needs, rule.optional_needs) for rule in load_rules()}
NEEDS = asked(need for want in WANTS.values() for need in (*want.needs, *want.optional))
ACTIONS = [need for need in NEEDS if need.source == "arm"]
LISTS = [need for need in NEEDS if need.source == "kubernetes"]
SUBSCRIPTIONS, CLUSTERS = 3, 7
#: A cluster may need none of them, and was not asked then.
NOT_ALWAYS_ASKED = (
    Need.CLUSTER_USER_CREDENTIAL,
    Need.UPGRADE_PROFILES,
    Need.EXTENSIONS,
    Need.DATA_COLLECTION_RULE_ASSOCIATIONS,
)
RANKS = list(Assessability)


@pytest.fixture(scope="module")
def estate(saved):
    with InventoryFile(saved) as file:
        return file.manifest, file.azure(), {key: file.cluster(key) for key in file.members}


def ledger(estate, taken):
    """That of Contoso where permissions were taken away, each at a subscription or a cluster by number."""
    manifest, azure, kubernetes = estate
    held = HeldPermissions.arm_type
    answers = tuple(
        msgspec.structs.replace(answer, permissions=(without(taken, number),))
        for number, answer in enumerate(azure.resources[held])
    )
    found = Ledger(WANTS, manifest, Azure(resources={**azure.resources, held: answers}, reads=azure.reads))
    for number, key in enumerate(sorted(kubernetes)):
        found.add(key, forbidden(kubernetes[key], {need for need, place in taken if place == number}))
    return found


def without(taken, number):
    away = tuple(Token(need) for need, place in sorted(taken) if place == number and need in ACTIONS)
    return Permission(actions=(Token("*"),), not_actions=away)


def forbidden(lists, needs):
    changes = {}
    for read in KUBERNETES_READS:
        before = getattr(lists, read.field).gap
        if read.need in needs and (before is None or before.reason is Reason.FORBIDDEN):
            gap = Gap(source="kubernetes", scope="x", reason=Reason.FORBIDDEN, permission=read.need)
            changes[read.field] = Listing(gap=gap)
    return msgspec.structs.replace(lists, **changes)


takings = st.frozensets(
    st.one_of(
        st.tuples(st.sampled_from(ACTIONS), st.integers(0, SUBSCRIPTIONS - 1)),
        st.tuples(st.sampled_from(LISTS), st.integers(0, CLUSTERS - 1)),
    ),
    max_size=30,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(takings, takings)
def test_taking_permissions_away_never_makes_a_rule_more_assessable(estate, taken, more):
    before, after = ledger(estate, taken), ledger(estate, taken | more)
    later = after.assessability()
    for rule, status in before.assessability().items():
        assert RANKS.index(later[rule]) >= RANKS.index(status), rule
    for old, new in zip(before.entries(), after.entries(), strict=True):
        assert new.held <= old.held
        assert new.missing >= old.missing
        assert new.unknown == old.unknown or old.permission in NOT_ALWAYS_ASKED


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(takings)
def test_a_rule_is_assessed_where_everything_it_needs_is_held_and_only_there(estate, taken):
    found = ledger(estate, taken)
    not_held = {entry.permission for entry in found.entries() if not entry.is_held}
    for rule, status in found.assessability().items():
        wanted = set(asked((*WANTS[rule].needs, *WANTS[rule].optional))) - {Need.PERMISSIONS}
        assert (status is Assessability.ASSESSED) is wanted.isdisjoint(not_held), rule


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(takings)
def test_azure_lacks_what_was_taken_at_the_subscriptions_that_are_asked(estate, taken):
    manifest, azure, _ = estate
    places_of = [answer.id.parent.casefold() for answer in azure.resources[HeldPermissions.arm_type]]
    names = {s.id.casefold(): s.name for s in manifest.scope.subscriptions}
    with_clusters = {c.id.subscription_scope.casefold() for c in manifest.scope.clusters}
    for entry in ledger(estate, taken).entries():
        need = Need(entry.permission)
        if need in (Need.ROUTE_TABLES, Need.VAULTS):
            expected = {
                places_of[place]
                for taken_need, place in taken
                if taken_need is need and (need is Need.VAULTS or places_of[place] in with_clusters)
            }
            assert {(s.id, s.name, s.status) for s in entry.scopes} == {
                (place, names[place], PermissionStatus.MISSING) for place in expected
            }


words = st.sampled_from(["pods", "secrets", "*", "apps", "", "list", "get", "list secrets"])


@given(*(st.lists(words, max_size=3).map(tuple) for _ in range(4)), words, words)
def test_a_rule_of_kubernetes_grants_lists_like_the_reference(verbs, groups, resources, names, group, plural):
    rule = ResourceRule(verbs=verbs, api_groups=groups, resources=resources, resource_names=names)
    expected = False
    for verb in verbs:
        for one_group in groups:
            for resource in resources:
                fits = verb in ("*", "list") and one_group in ("*", group) and resource in ("*", plural)
                expected = expected or (fits and len(names) == 0)
    assert rule.lists(group, plural) is expected


# --- compactness


def test_a_thousand_clusters_do_not_blow_up_a_report():
    clusters = [cluster(f"aks-{number:04}") for number in range(1000)]
    world = inventory(*clusters, unreadable=[Need.SECRETS, Need.NODES])
    rules = [SelectedRule.of(rule) for rule in load_rules() if rule.id in ("SEC-001", "UPG-016")]
    report = Evaluation(rules, world).finish(world.manifest)
    secrets = next(entry for entry in report.ledger if entry.permission == "list secrets")
    assert (secrets.held, secrets.missing, secrets.unknown) == (0, 1000, 0)
    assert [scope.name for scope in secrets.scopes] == [f"aks-{number:04}" for number in range(10)]
    assert secrets.rules == ("SEC-001",)
    with_ledger = encode_report(report)
    assert len(with_ledger) - len(encode_report(msgspec.structs.replace(report, ledger=()))) < 20_000


def test_exported_files_say_nothing_of_permissions():
    world = inventory(cluster())
    manifest = msgspec.structs.replace(world.manifest, source="import")
    rules = [SelectedRule.of(rule) for rule in load_rules()]
    assert Evaluation(rules, world).finish(manifest).ledger == ()
    assert Evaluation(rules, world).finish(world.manifest).ledger != ()


def test_clusters_of_one_name_are_told_apart():
    world = inventory(cluster("aks"), cluster("aks", resource_group="rg-other"), unreadable=[Need.SECRETS])
    found = Ledger({"SEC-001": WANTS["SEC-001"]}, world.manifest, world.azure)
    for one in world.clusters:
        found.add(one.id, one.lists)
    secrets = next(entry for entry in found.entries() if entry.permission == "list secrets")
    assert [scope.name for scope in secrets.scopes] == ["rg-other/aks", "rg-test/aks"]


def scope(name, status=PermissionStatus.UNKNOWN, detail=""):
    return LedgerScope(id=f"/{name}", name=name, status=status, detail=detail)


def test_scopes_that_lack_the_same_stand_together():
    missing = PermissionStatus.MISSING
    entries = (
        LedgerEntry(
            permission="a", scopes=(scope("one"), scope("two"), scope("three", missing, "x")), rules=("A", "B")
        ),
        LedgerEntry(
            permission="b", scopes=(scope("one", detail="d"), scope("two", detail="d")), optional_rules=("B", "C")
        ),
        LedgerEntry(permission="c", scopes=()),
    )
    found = [(place.status, place.names, [e.permission for e in place.entries]) for place in places(entries)]
    assert found == [(missing, ("three",), ["a"]), (PermissionStatus.UNKNOWN, ("one", "two"), ["a", "b"])]
    third, others = places(entries)
    assert (third.rules, third.optional_rules, third.details) == (("A", "B"), (), ())
    assert (others.rules, others.optional_rules, others.details) == (("A", "B"), ("C",), ())
    assert places(entries[1:])[0].details == ("d",)
    only = places(entries, lambda entry, scope: entry.permission == "a" or scope.name == "one")
    assert [place.names for place in only] == [("two",)]
