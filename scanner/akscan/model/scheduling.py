"""Where the scheduler may put a pod: one predicate over taints, tolerations, node selectors and required node affinity.

Preferences, spread constraints, pod affinity and resources do not count
(https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/,
https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from akscan.model.kubernetes import SPOT_LABELS, Node, PodSpec, Taint
from akscan.model.selectors import Expression, NodeSelectorTerm

_NODE_NAME = "metadata.name"
#: What the control plane puts on a cordoned node
#: (https://kubernetes.io/docs/reference/labels-annotations-taints/#node-kubernetes-io-unschedulable).
_CORDON = "node.kubernetes.io/unschedulable"
#: No value of a label is spelled like this.
_UNHEARD_OF = "?"


@dataclass(frozen=True, slots=True)
class Place:
    """A node, or what is known of all nodes that a pool has or makes.

    Of the labels in ``open`` (of all but ``labels``, where it is None) only that they meet ``requirements`` is known;
    a label that is neither there nor open is absent. ``name`` is None where it is not known.
    """

    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    name: str | None = None
    requirements: tuple[Expression, ...] = ()
    open: frozenset[str] | None = frozenset()

    def admits(self, spec: PodSpec) -> bool:
        """Whether a pod may run here: every repelling taint is tolerated, the labels are those that it requires."""
        return all(spec.tolerates(taint) for taint in self.taints if taint.repels) and self.is_selected_by(spec)

    def is_selected_by(self, spec: PodSpec) -> bool:
        """The same, taints aside: nodeSelector, and one whole term of the required affinity; an empty term selects
        nothing.
        """
        selector = tuple(
            Expression(key=key, operator="In", values=(value,)) for key, value in (spec.node_selector or {}).items()
        )
        required = spec.required_affinity
        if required is None:
            return self._meets(selector, ())
        return any(self.fits(term, selector) for term in required.node_selector_terms)

    def fits(self, term: NodeSelectorTerm, also: Sequence[Expression] = ()) -> bool:
        """Whether it meets a term, and further expressions."""
        return not term.is_empty and self._meets((*also, *(term.match_expressions or ())), term.match_fields or ())

    @property
    def is_possible(self) -> bool:
        """Whether any node at all can meet what is known of it."""
        return self._meets((), ())

    def that_is(self, *requirements: Expression) -> Place:
        """The same where more is known of the labels."""
        return replace(self, requirements=(*self.requirements, *requirements))

    def _meets(self, expressions: Sequence[Expression], fields: Sequence[Expression]) -> bool:
        by_key: dict[str, list[Expression]] = defaultdict(list)
        for expression in (*self.requirements, *expressions):
            by_key[expression.key].append(expression)
        return all(self._meets_for_key(key, found) for key, found in by_key.items()) and self._is_named_by(fields)

    def _meets_for_key(self, key: str, expressions: Sequence[Expression]) -> bool:
        if key in self.labels or (self.open is not None and key not in self.open):
            return all(expression.matches(self.labels) for expression in expressions)
        return _satisfiable(key, expressions)

    def _is_named_by(self, fields: Sequence[Expression]) -> bool:
        """``matchFields`` know the name of the node only."""
        if not fields or self.name is not None:
            return all(f.key == _NODE_NAME and f.matches({_NODE_NAME: self.name or ""}) for f in fields)
        # every node has a name
        named = Expression(key=_NODE_NAME, operator="Exists")
        return all(f.key == _NODE_NAME for f in fields) and _satisfiable(_NODE_NAME, (named, *fields))


def _satisfiable(key: str, expressions: Sequence[Expression]) -> bool:
    """Whether one value of a label, or its absence, meets all expressions on it."""
    return any(
        all(expression.matches({} if value is None else {key: value}) for expression in expressions)
        for value in _candidates(expressions)
    )


def _candidates(expressions: Sequence[Expression]) -> Iterator[str | None]:
    """Values of which one meets the expressions, where any does: what they name, what none names, and as many numbers
    next to a bound as they can exclude.
    """
    named = [value for expression in expressions for value in expression.values or ()]
    yield from (None, _UNHEARD_OF, *named)
    for expression in expressions:
        if expression.operator in ("Gt", "Lt") and re.fullmatch(r"[+-]?[0-9]+", (expression.values or ("",))[0]):
            step = 1 if expression.operator == "Gt" else -1
            bound = int((expression.values or ("",))[0])
            near = (bound + step * distance for distance in range(1, len(named) + 2))
            # a label value begins with a letter or digit, so there are no negative ones
            yield from (str(number) for number in near if number >= 0)


def place_of(node: Node, *, cordons: bool = True) -> Place:
    """A node as it is, its cordon left aside unless ``cordons``."""
    taints = node.taints if cordons else tuple(taint for taint in node.taints if taint.key != _CORDON)
    return Place(labels=node.metadata.labels or {}, taints=taints, name=node.name)


def may_run_on(spec: PodSpec, node: Node, *, cordons: bool = True) -> bool:
    """Whether a pod may run on a node now: Ready, not cordoned (unless ``cordons`` is false), and it admits the pod."""
    return node.is_ready and not (cordons and node.spec.unschedulable) and place_of(node, cordons=cordons).admits(spec)


def common_place(nodes: Iterable[Node]) -> Place:
    """What nodes have in common; labels that differ are open."""
    places = [place_of(node, cordons=False) for node in nodes]
    keys = {key for place in places for key in place.labels}
    first = places[0]
    same = {key for key in keys if all(place.labels.get(key) == first.labels.get(key) for place in places)}
    return Place(
        labels={key: value for key, value in first.labels.items() if key in same},
        taints=tuple(taint for taint in first.taints if all(taint in place.taints for place in places)),
        open=frozenset(keys - same),
    )


# --- Spot


#: What every regular node meets.
NOT_SPOT = tuple(Expression(key=key, operator="NotIn", values=("spot",)) for key in SPOT_LABELS)
_REGULAR = Place(open=None, requirements=NOT_SPOT)
_SPOT = tuple(Place(labels={key: "spot"}, open=None) for key in SPOT_LABELS)


def requires_spot(spec: PodSpec) -> bool:
    """Whether node selector and required affinity let a pod run on Spot nodes only, in whatever cluster."""
    return not _REGULAR.is_selected_by(spec) and any(place.is_selected_by(spec) for place in _SPOT)


def prefers_spot(spec: PodSpec) -> bool:
    """Whether a preference of its node affinity is met by Spot nodes only."""
    return any(not _REGULAR.fits(term) and any(place.fits(term) for place in _SPOT) for term in spec.preferred_affinity)
