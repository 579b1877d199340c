"""``akscan doctor``: what the identity may read, what that costs, and the smallest roles that would mend it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from akscan.commands import roles
from akscan.commands.options import Live, live_options, read_live, rule_options
from akscan.engine import SelectedRule
from akscan.errors import EXIT_FAILED, AkscanError
from akscan.model.ledger import Assessability
from akscan.model.permissions import asked

_EXIT_LACKING = 1


@click.command(short_help="What you may read, what that costs, and the smallest roles that would mend it.")
@live_options
@rule_options
@click.option(
    "--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True, help="On stdout."
)
@click.option("--role", type=click.Choice(("azure", "kubernetes")), help="Print the smallest role instead; no network.")
@roles.options
def doctor(live: Live, selected: Sequence[SelectedRule], form: str, role: str | None, wishes: roles.Wishes) -> int:
    """Ask Azure and every cluster what your identity may read, and tell which rules that is enough for.

    Reads only, and nothing but permissions. Exit codes: 0 every rule can be assessed on everything in scope; 1 some
    cannot, or not everywhere; 2 the question could not be asked.

    \b
    akscan doctor -s my-subscription
    akscan doctor --role azure -s 00000000-0000-0000-0000-000000000000 > role.json
    akscan doctor --role kubernetes --without secrets --group OBJECT-ID | kubectl apply -f -
    """  # noqa: D301 click wants the character
    if not selected:
        raise AkscanError("no rule is on, so no permission is needed")
    wishes.check(role)
    if role is not None:
        sys.stdout.write(wishes.role(role, selected, live))
        return 0
    from akscan.commands.doctor_text import print_diagnosis  # noqa: PLC0415 keeps the start of --role short
    from akscan.diagnosis import DiagnosingSink, encode_diagnosis  # noqa: PLC0415

    needs = asked(need for one in selected for need in (*one.rule.needs, *one.rule.optional_needs))
    sink = DiagnosingSink(selected)
    read_live(live, sink, needs)
    diagnosis = sink.diagnosis()
    if form == "json":
        sys.stdout.write(encode_diagnosis(diagnosis).decode())
    else:
        print_diagnosis(diagnosis, sys.stdout)
    if diagnosis.manifest.interrupted:
        sys.stderr.write("akscan: interrupted; what was not asked by then is unknown\n")
        return EXIT_FAILED
    if not diagnosis.clusters:
        sys.stderr.write("akscan: no AKS cluster in scope, so nothing can be assessed\n")
        return _EXIT_LACKING
    everything = len(diagnosis.rules_that_are(Assessability.ASSESSED)) == len(diagnosis.rules)
    return 0 if everything else _EXIT_LACKING
