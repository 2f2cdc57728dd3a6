"""Every rule there is: the registry walks the rules' folders, so that a new rule is one new file, and plug-ins."""

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import get_args

import pgadvisor.rules
from pgadvisor.advise.plugins import plugged_in
from pgadvisor.errors import UsageError
from pgadvisor.rule import Rule, RuleKind, RuleMark

GATE_KINDS: frozenset[RuleKind] = frozenset(("migration", "change"))


@cache
def all_rules() -> tuple[Rule, ...]:
    """All rules by kind (query, plan, schema, server, workload, endpoint, migration, change), then by name; those of
    other packages last within their kind. Raises UsageError when a package's rules cannot be used."""
    own = [rule for kind in get_args(RuleKind) for rule in _rules_of(kind)]
    others = [_plugged_in(module, package) for module, package in plugged_in()]
    _check_names([*own, *others])
    order = get_args(RuleKind)
    return tuple(sorted([*own, *others], key=lambda rule: order.index(rule.kind)))


def audit_rules() -> tuple[Rule, ...]:
    """The rules that an audit runs: all but those that the gate runs."""
    return tuple(rule for rule in all_rules() if rule.kind not in GATE_KINDS)


def gate_rules() -> tuple[Rule, ...]:
    """The rules that the gate runs: over the steps of migrations, and over what they do to plans."""
    return tuple(rule for rule in all_rules() if rule.kind in GATE_KINDS)


def find_rule(name: str) -> Rule:
    """The rule of that name or alias. Raises UsageError, naming near ones, when there is none."""
    for rule in all_rules():
        if name == rule.name or name in rule.aliases:
            return rule
    near = [rule.name for rule in all_rules() if any(word in rule.name for word in name.split("-") if len(word) > 3)]
    hint = f"did you mean {', '.join(near[:3])}?" if near else "`pgadvisor rules` lists them"
    raise UsageError(f'there is no rule "{name}": {hint}')


def choose(
    select: Iterable[str] = (), ignore: Iterable[str] = (), among: tuple[Rule, ...] | None = None
) -> tuple[Rule, ...]:
    """The rules named by `select` (all, when it is empty) without those named by `ignore`, of those that an audit runs
    or of `among`."""
    chosen = {find_rule(name).name for name in select} or {rule.name for rule in all_rules()}
    chosen -= {find_rule(name).name for name in ignore}
    return tuple(rule for rule in (audit_rules() if among is None else among) if rule.name in chosen)


def _rules_of(kind: str) -> list[Rule]:
    folder = importlib.import_module(f"{pgadvisor.rules.__name__}.{kind}")
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    return [_own(importlib.import_module(f"{folder.__name__}.{name}"), kind) for name in names]


def _own(module: ModuleType, kind: str) -> Rule:
    rule = _rule(module)
    if rule is None or rule.kind != kind:
        raise TypeError(f"{module.__name__} must hold a check marked with @{kind}_rule")
    return rule


def _plugged_in(module: ModuleType, package: str) -> Rule:
    rule = _rule(module, package)
    if rule is None or not rule.doc:
        raise UsageError(
            f"the package {package} offers {module.__name__} as a rule, and it is none: a rule's file has a docstring "
            f"and a function `check` marked with one of pgadvisor.rule's decorators, such as @query_rule"
        )
    return rule


def _check_names(rules: Iterable[Rule]) -> None:
    """Raises UsageError when two rules share a name or an alias."""
    holders: dict[str, Rule] = {}
    for rule in rules:
        for name in (rule.name, *rule.aliases):
            other = holders.setdefault(name, rule)
            if other is not rule:
                raise UsageError(
                    f'two rules are called "{name}": one of {other.package or "pgadvisor"} and one of '
                    f"{rule.package or 'pgadvisor'}; rename one, or uninstall its package"
                )


def _rule(module: ModuleType, package: str | None = None) -> Rule | None:
    """The rule that the module holds; None: it holds none."""
    mark: RuleMark | None = getattr(getattr(module, "check", None), "__pgadvisor_rule__", None)
    if mark is None:
        return None
    return Rule(
        name=module.__name__.rpartition(".")[2].replace("_", "-"),
        kind=mark.kind,
        severity=mark.severity,
        since=mark.since,
        needs=mark.needs,
        check=module.check,
        doc=(module.__doc__ or "").strip(),
        bad=tuple(getattr(module, "BAD", ())),
        good=tuple(getattr(module, "GOOD", ())),
        aliases=mark.aliases,
        package=package,
    )
