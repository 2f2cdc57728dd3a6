"""Why an index that the user asks about was, or was not, chosen."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec.structs import replace

from pgadvisor.candidates.candidate import Candidate
from pgadvisor.candidates.merging import is_covered
from pgadvisor.candidates.reading import read_candidate
from pgadvisor.facts import Facts
from pgadvisor.model.advice import StatementEffect, WhyNot
from pgadvisor.selection.effects import Effects
from pgadvisor.selection.existing import as_index, does_work_of, unexplained_scans
from pgadvisor.selection.matrix import Matrix, Set
from pgadvisor.selection.terms import Terms
from pgadvisor.selection.wishes import Wishes
from pgadvisor.sql.index_ddl import read_create_index
from pgadvisor.sql.parse import Unread


class Asked(NamedTuple):
    """What the answers rest on."""

    facts: Facts
    matrix: Matrix
    terms: Terms
    effects: Effects
    wishes: Wishes
    chosen: Set
    """What the advice is."""
    names: Mapping[str, str]
    """Of choices on the planner, with the names under which they are advised."""


def why(asked: Asked) -> tuple[WhyNot, ...]:
    """An answer for each index asked about, in their order."""
    return tuple(_why(asked, text) for text in asked.wishes.why)


def _why(asked: Asked, text: str) -> WhyNot:
    if isinstance(read_create_index(text), Unread):
        return _existing(asked, text)
    candidate = read_candidate(asked.facts, text)
    if isinstance(candidate, Unread):
        return WhyNot(definition=text, is_chosen=False, verdict="It cannot be tried.", error=candidate.reason)
    if (same := _same_there(asked.facts, candidate)) is not None:
        return WhyNot(
            definition=text, is_chosen=False, verdict=f"{same} is the same index, and is there: ask about it."
        )
    asked.matrix.add_candidates([candidate])
    number = asked.matrix.number_of(candidate)
    if number is None:
        return WhyNot(definition=text, is_chosen=False, verdict="It cannot be tried.",
                      error=asked.matrix.refusals.get(candidate, "the planner could not make it"))  # fmt: skip
    return _tried(asked, text, number, candidate)


def _same_there(facts: Facts, candidate: Candidate) -> str | None:
    table = facts.table(candidate.table)
    own = as_index(candidate, "asked")
    found = table.indexes if table else ()
    alike = (each for each in found if each.is_unique or not own.is_unique)
    return next((each.name for each in alike if each.is_valid and does_work_of(facts, each, own)
                 and does_work_of(facts, own, each)), None)  # fmt: skip


def _tried(asked: Asked, text: str, number: int, candidate: Candidate) -> WhyNot:
    """The answer for an index that is not there: planned alone beside what is there, and beside the advice."""
    today, chosen = asked.matrix.today, asked.chosen
    effects = asked.effects.with_upkeep(asked.terms.upkeep())
    effects.plan_changes([(today, today | {number}), (chosen - {number}, chosen | {number})])
    alone = effects.between(today, today | {number})
    beside = effects.between(chosen - {number}, chosen | {number})
    is_used = bool(effects.users(number, today | {number}))
    is_chosen = number in chosen
    answer = WhyNot(
        definition=text,
        is_chosen=is_chosen,
        verdict="",
        alone=alone,
        beside=beside,
        size_bytes=asked.matrix.items[number].size.size_bytes,
        upkeep=effects.upkeep(number, chosen),
        gain_alone=effects.saved(today, today | {number}),
        gain_beside=effects.saved(chosen - {number}, chosen | {number}),
        dominated_by=_rivals(asked, number, candidate, alone) if is_used and not is_chosen else (),
    )
    return replace(answer, verdict=_verdict(asked, answer, candidate.schema, is_used=is_used))


def _rivals(asked: Asked, number: int, candidate: Candidate, alone: tuple[StatementEffect, ...]) -> tuple[str, ...]:
    """Advised or existing choices that serve the statements that it would, or that hold all that it holds."""
    helped = [each.statement for each in alone if each.ratio < 1.0]
    used = asked.effects.used_by_those(helped, asked.chosen - {number}, asked.names)
    covering = []
    for each in sorted(asked.chosen - {number}):
        item = asked.matrix.items[each]
        if item.candidate is not None and item.made is not None and is_covered(candidate, item.candidate):
            covering.append(f"{item.made.schema}.{asked.names.get(item.made.name, item.made.name)}")
    schema = candidate.schema
    return tuple(dict.fromkeys(name for name in (*covering, *used) if name.startswith(f"{schema}.")))


def _verdict(asked: Asked, answer: WhyNot, schema: str, *, is_used: bool) -> str:
    budget, size = asked.wishes.budget_bytes, answer.size_bytes or 0
    gain_alone, gain_beside = answer.gain_alone or 0.0, answer.gain_beside or 0.0
    worst = max((each.ratio for each in answer.alone), default=1.0)
    rivals = ", ".join(name.removeprefix(f"{schema}.") for name in answer.dominated_by)
    if answer.is_chosen:
        return "It is part of the advice."
    if not is_used:
        return "No plan of the workload uses it."
    if budget is not None and size > budget:
        return "It alone is larger than the budget."
    if gain_alone <= 0:
        return "Its upkeep costs the writes more than it saves."
    if gain_beside <= 0 and rivals:
        verb = "does" if len(answer.dominated_by) == 1 else "do"
        return f"It would help, but beside the advice it saves nothing more: {rivals} {verb} the work."
    if gain_beside <= 0:
        return "It would help, but beside the advice its upkeep costs more than it still saves."
    if worst > 1.0 + asked.wishes.most_worse:
        return "It would make a statement dearer than you allow."
    if budget is not None:
        return "It would help, but within the budget other indexes save more for their size."
    return "It would save so little beside the advice that it is left out."


def _existing(asked: Asked, name: str) -> WhyNot:
    """The answer for an index that is there: what taking it away would change."""
    number = asked.matrix.numbered(name)
    if number is None:
        fixed = next((each for each in asked.terms.fixed if each.name == name), None)
        if fixed is None:
            return WhyNot(definition=name, is_chosen=False, verdict="It cannot be tried.",
                          error=f"there is no index {name} on a table that the workload reads")  # fmt: skip
        return WhyNot(definition=fixed.index.definition, is_chosen=True, is_there=True, size_bytes=fixed.size_bytes,
                      verdict=f"It stays, whatever it serves: {fixed.fixed}.")  # fmt: skip
    existing, today, chosen = asked.terms.existing[number], asked.matrix.today, asked.chosen
    effects = asked.effects
    effects.plan_changes([(today - {number}, today), (chosen - {number}, chosen | {number})])
    unexplained = unexplained_scans(
        asked.facts, existing, is_used=number in asked.terms.used_today(), is_given=asked.wishes.workload_is_given
    )
    if number not in chosen:
        verdict = "The advice drops it: without it the workload costs no more."
    elif users := effects.users(number, chosen):
        count = (
            "1 statement of the workload uses" if len(users) == 1 else f"{len(users):,} statements of the workload use"
        )
        verdict = f"It stays: {count} it."
    else:
        verdict = f"It stays: {unexplained or 'dropping it would change next to nothing'}."
    return WhyNot(
        definition=existing.index.definition,
        is_chosen=number in chosen,
        is_there=True,
        verdict=verdict,
        alone=effects.between(today, today - {number}),
        beside=effects.between(chosen | {number}, chosen - {number}),
        size_bytes=existing.size_bytes,
        upkeep=effects.upkeep(number, chosen),
        gain_alone=effects.saved(today - {number}, today),
        gain_beside=effects.saved(chosen - {number}, chosen | {number}),
    )
