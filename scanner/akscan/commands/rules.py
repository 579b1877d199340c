"""``akscan rules``: list and explain rules."""

from __future__ import annotations

import sys

import click
import msgspec

from akscan.errors import AkscanError
from akscan.frameworks import CoveredFramework
from akscan.plugins import load_frameworks, load_rules
from akscan.results import RuleInfo
from akscan.sdk import Rule
from akscan.signatures import signature_of


@click.group(invoke_without_command=True, short_help="List and explain rules.")
@click.option("--format", "form", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option("--framework", metavar="NAME", help="List the controls of a framework, and the rules that cover them.")
@click.pass_context
def rules(ctx: click.Context, form: str, framework: str | None) -> int:
    """List the rules of all packs; `akscan rules show API-001` explains one."""
    if ctx.invoked_subcommand is not None:
        return 0
    if framework is not None:
        return _list_controls(_framework_named(framework), form)
    infos = [_info(rule) for rule in load_rules()]
    if form == "json":
        return _print_json({"rules": [_described(info) for info in infos]})
    width = max((len(info.id) for info in infos), default=0)
    for info in infos:
        click.echo(f"{info.id:<{width}}  {info.severity:<8}  {info.title}")
    click.echo(f"\n{len(infos)} rules. akscan rules show ID explains one.")
    return 0


def _print_json(answer: dict[str, object]) -> int:
    sys.stdout.write(f"{msgspec.json.format(msgspec.json.encode(answer), indent=2).decode()}\n")
    return 0


def _framework_named(name: str) -> CoveredFramework:
    """Raises `AkscanError` for one that no pack brings along."""
    known = {covered.framework.name: covered for covered in load_frameworks()}
    wanted = name.casefold().replace("_", "-")
    if wanted not in known:
        raise AkscanError(f"there is no framework {name!r}", f"frameworks: {', '.join(known) or 'none'}")
    return known[wanted]


def _list_controls(covered: CoveredFramework, form: str) -> int:
    framework = covered.framework
    if form == "json":
        described = {
            "name": framework.name,
            "title": framework.title,
            "version": framework.version,
            "asOf": framework.as_of,
            "sources": framework.sources,
            "controls": [
                {"id": one.id, "title": one.title, "by": one.by, "rules": covered.rules[one.id]}
                for one in framework.controls
            ],
        }
        return _print_json({"framework": described})
    by = {one.id: ", ".join(covered.rules[one.id]) or one.by.status.label for one in framework.controls}
    width = max((len(one.id) for one in framework.controls), default=0)
    room = max((len(one.title) for one in framework.controls), default=0)
    for one in framework.controls:
        click.echo(f"{one.id:<{width}}  {one.title:<{room}}  {by[one.id]}")
    ruled = sum(bool(found) for found in covered.rules.values())
    click.echo(f"\n{framework.title} {framework.version}, as of {framework.as_of}: {ruled} of {len(by)} by rules.")
    click.echo("\n".join(framework.sources))
    return 0


@rules.command()
@click.argument("rule_id")
def show(rule_id: str) -> int:
    """Explain one rule: why, how to fix it, what it needs to read."""
    for rule in load_rules():
        if rule.id.casefold() == rule_id.casefold():
            click.echo(_explained(_info(rule)))
            return 0
    raise AkscanError(f"there is no rule {rule_id!r}", "akscan rules lists them")


def _info(rule: Rule) -> RuleInfo:
    defaults = signature_of(rule).defaults
    return rule.info(defaults)


def _described(info: RuleInfo) -> dict[str, object]:
    return {
        "id": info.id,
        "title": info.title,
        "module": info.module,
        "severity": info.severity,
        "pillar": info.pillar,
        "why": info.why,
        "fix": info.fix,
        "commands": info.commands,
        "disruption": info.disruption,
        "needs": info.needs,
        "optionalNeeds": info.optional_needs,
        "parameters": info.parameters,
        "frameworks": info.frameworks,
        "docs": info.docs,
    }


def _explained(info: RuleInfo) -> str:
    needs = [*info.needs, *(f"{need} (for some cases or evidence)" for need in info.optional_needs)]
    sections = {
        "Fix": info.fix,
        "Commands": info.commands,
        "Disruption": str(info.disruption),
        "Terraform": info.terraform,
        "Needs": "\n".join(needs),
        "Parameters": "\n".join(f"{name}: {value}" for name, value in info.parameters.items()),
        "Frameworks": "\n".join(f"{name}: {', '.join(controls)}" for name, controls in info.frameworks.items()),
        "Documentation": "\n".join(info.docs),
    }
    parts = [f"{info.id}  {info.severity}  {info.pillar}\n{info.title}", info.why]
    parts += [f"{head}:\n{_indented(text)}" for head, text in sections.items() if text]
    return "\n\n".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
