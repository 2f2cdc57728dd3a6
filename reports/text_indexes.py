"""Index advice in a terminal: what to create and to drop, what stays, what a budget buys, and answers to `--why`."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pgadvisor.model.advice import AdvisedIndex, DroppedIndex, IndexAdvice, StatementEffect, ToldUnit, WhyNot
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import index_words as words
from pgadvisor.reports import labels
from pgadvisor.reports.lookup import Lookup
from pgadvisor.reports.text_sections import FEW_ROWS, MOST_ROWS, heading, item, more
from pgadvisor.reports.text_sql import WholeLines
from pgadvisor.reports.visible_text import folded, visible

WHOLE = 30
"""Indexes told in full; of the rest what is needed to build them and to take that back: nobody reads hundreds, but
anybody may copy them."""
FEW = 3
"""Statements named that an index helps, or hurts."""
LABEL = 40
"""Characters of a statement within a line."""
LONGEST = 600
"""Characters of a clause; what is longer holds a name that somebody made to be too long."""
BAR = 20
"""Columns of the bar that stands for a whole workload."""

Fact = tuple[str, str]


def advice_sections(lookup: Lookup) -> Iterator[RenderableType]:
    """All that the advice says beside its verdict and its doubts; nothing where the report holds none."""
    advice = lookup.report.advice
    if advice is None:
        return
    yield from _create(lookup, advice)
    yield from _drop(advice)
    yield from _changed(lookup, advice)
    yield from _measured(lookup, advice)
    yield from _keep(advice)
    yield from _curve(advice)
    yield from _why(lookup, advice)


def doubts(lookup: Lookup) -> Iterator[RenderableType]:
    """What the advice rests on and is not sure, and the statements that it leaves out."""
    advice = lookup.report.advice
    if advice is None:
        return
    yield from (item(each) for each in advice.doubts)
    told = {each.statement for each in lookup.report.unread}
    left_out = [(key, why) for key, why in advice.left_out if key not in told]
    yield from (item(f"left out: {_label(lookup, key)}: {why}") for key, why in left_out[:FEW_ROWS])
    yield from more(len(left_out), "statement left out", "statements left out", shown=FEW_ROWS)


def first_steps(advice: IndexAdvice, most: int) -> Iterator[RenderableType]:
    """The SQL of the first few steps: what a person sees when the report went to a file."""
    steps = [*((each.name, each.sql) for each in advice.create), *((each.name, each.sql) for each in advice.drop)]
    for _, sql in steps[:most]:
        yield WholeLines(sql)
    if len(steps) > most:
        yield Text(f"and {numbers.plural(len(steps) - most, 'more step')} in the report", style="dim")


def _create(lookup: Lookup, advice: IndexAdvice) -> Iterator[RenderableType]:
    if advice.create:
        yield heading("Create")
    for number, index in enumerate(advice.create, start=1):
        if number > 1:
            yield Text()
        yield _titled(str(number), f"{index.name} on {index.table}")
        yield WholeLines(index.steps)
        yield _facts(_gain(index, advice))
        if number <= WHOLE:
            yield _facts(_about(lookup, index, advice.told_unit))
            yield from _copied("undo", (index.undo,))
            yield from _copied("check", index.checks)
        else:
            yield _facts(iter([("lock", index.lock)]))
            yield from _copied("undo", (index.undo,))
    yield from _elsewhere(len(advice.create), "which statements each helps, and how to check it")


def _gain(index: AdvisedIndex, advice: IndexAdvice) -> Iterator[Fact]:
    gain = abs(index.gain)
    share = f", {numbers.share(gain / advice.before)} of the workload" if advice.before > 0 else ""
    yield "saves" if index.gain >= 0 else "costs", f"{words.amount(gain, advice.told_unit)}{share}"
    build = f", built in about {numbers.duration(max(index.build_s, 1.0))}" if index.build_s is not None else ""
    yield "size", f"{numbers.size(index.size_bytes)}{build}"


def _about(lookup: Lookup, index: AdvisedIndex, unit: ToldUnit) -> Iterator[Fact]:
    if index.upkeep > 0:
        yield "upkeep", f"{words.amount(index.upkeep, unit)}, taken off what it saves"
    yield from _effects(lookup, "helps", index.helps, unit)
    yield from _effects(lookup, "hurts", index.hurts, unit)
    yield "lock", index.lock
    yield from _listed("doubt", index.doubts)


def _drop(advice: IndexAdvice) -> Iterator[RenderableType]:
    if advice.drop:
        yield heading("Drop")
    for number, index in enumerate(advice.drop, start=1):
        if number > 1:
            yield Text()
        yield _titled(str(number), f"{index.name} on {index.table}: {index.why}")
        yield WholeLines(index.sql)
        if number <= WHOLE:
            yield _facts(_dropped(index, advice.told_unit))
        else:
            yield _facts(iter([("lock", index.lock)]))
        yield from _copied("undo", (index.undo,))
    yield from _elsewhere(len(advice.drop), "why, and what to check before")


def _elsewhere(number: int, what: str) -> Iterator[RenderableType]:
    """Where the rest of what is known stands, of those that are not told in full."""
    if number > WHOLE:
        yield Text()
        rest = f"{WHOLE + 1:,}" if number == WHOLE + 1 else f"{WHOLE + 1:,} to {number:,}"
        yield Text(f"Of {rest}, {what}: in the HTML and JSON reports (-o indexes.html)", style="dim")


def _dropped(index: DroppedIndex, unit: ToldUnit) -> Iterator[Fact]:
    yield "because", index.reason
    saved = f"; saves the writes {words.amount(index.gain, unit)}" if index.gain > 0 else ""
    yield "frees", f"{numbers.size(index.size_bytes)}{saved}"
    if index.replaced_by:
        yield "instead", ", ".join(index.replaced_by)
    yield from _listed("caution", index.cautions)
    yield "lock", index.lock


def _changed(lookup: Lookup, advice: IndexAdvice) -> Iterator[RenderableType]:
    """The statements that change most, with all advice followed."""
    if not advice.statements:
        return
    yield heading("Statements, with all of it done")
    yield _effect_rows(lookup, advice.statements[:MOST_ROWS], advice.told_unit)
    yield from more(len(advice.statements), "statement")


def _measured(lookup: Lookup, advice: IndexAdvice) -> Iterator[RenderableType]:
    """The times of single calls on the copy, those that take most of it first."""
    if not advice.measured:
        return
    yield heading("Measured on a copy, a call")
    longest = sorted(advice.measured, key=lambda each: -max(each.before_ms, each.after_ms))
    yield _effect_rows(lookup, [words.measured_change(each) for each in longest[:MOST_ROWS]], None)
    yield from more(len(longest), "statement")


def _effect_rows(lookup: Lookup, effects: Sequence[StatementEffect], unit: ToldUnit | None) -> RenderableType:
    """`unit`: None, milliseconds of a call."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(justify="right", no_wrap=True)
    for each in effects:
        grid.add_row(
            Text(visible(_label(lookup, each.statement))),
            words.call_times(each) if unit is None else words.effect_times(each, unit),
            Text(words.change(each), style="yellow" if each.ratio > 1 + words.HARDLY else ""),
        )
    return grid


def _keep(advice: IndexAdvice) -> Iterator[RenderableType]:
    if not advice.keep:
        return
    yield heading("Keep")
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("size", justify="right", no_wrap=True)
    grid.add_column("index", overflow="fold", ratio=3)
    grid.add_column("because", overflow="fold", ratio=2)
    grid.expand = True
    for each in advice.keep[:MOST_ROWS]:
        name, why = (Text(visible(folded(text, LONGEST))) for text in (each.name, each.why))
        grid.add_row(numbers.size(each.size_bytes), name, why)
    yield grid
    yield from more(len(advice.keep), "index that stays", "indexes that stay")


def _curve(advice: IndexAdvice) -> Iterator[RenderableType]:
    """What each budget buys; the bar is the share of the workload that is saved."""
    if not words.is_choice(advice.curve):
        return
    yield heading("What a budget buys")
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for title in ("budget", "indexes", "size", "saves", "proved within"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("", no_wrap=True)
    for point in advice.curve:
        saved = words.saved(point)
        grid.add_row(
            words.budget(point),
            f"{point.indexes:,}",
            numbers.size(point.size_bytes),
            numbers.share(saved),
            words.proved(point),
            Text(f"{'█' * round(saved * BAR)}{' ◀ knee' if point.is_knee else ''}"),
        )
    yield grid
    if told := words.knee(advice.curve):
        yield Text(told)


def _why(lookup: Lookup, advice: IndexAdvice) -> Iterator[RenderableType]:
    """The answers to what the user asked about."""
    if advice.why:
        yield heading("What you asked about")
    for at, answer in enumerate(advice.why):
        if at:
            yield Text()
        told = answer.verdict if answer.error is None else f"{answer.verdict.rstrip('.')}: {answer.error}"
        yield Text(visible(folded(told, LONGEST)), style="bold")
        yield WholeLines(answer.definition)
        if answer.gain_alone is not None and answer.gain_beside is not None:
            yield _facts(_answer(lookup, answer, advice.told_unit))


def _answer(lookup: Lookup, answer: WhyNot, unit: ToldUnit) -> Iterator[Fact]:
    today, advised = (words.gain(gain or 0.0, unit) for gain in (answer.gain_alone, answer.gain_beside))
    changed = "; without it:" if answer.is_there else ""
    if words.is_same_change(answer):
        yield "today", f"{today}, as beside the advice{changed if answer.alone else ''}"
        yield from _effects(lookup, "", answer.alone, unit)
    else:
        yield "today", f"{today}{changed if answer.alone else ''}"
        yield from _effects(lookup, "", answer.alone, unit)
        yield "then", f"{advised} beside the advice{changed if answer.beside else ''}"
        yield from _effects(lookup, "", answer.beside, unit)
    upkeep = f"; its upkeep: {words.amount(answer.upkeep, unit)}" if answer.upkeep > 0 else ""
    yield "size", f"{numbers.size(answer.size_bytes)}{upkeep}"
    if answer.dominated_by:
        yield "done by", ", ".join(answer.dominated_by)


def _effects(lookup: Lookup, title: str, effects: Sequence[StatementEffect], unit: ToldUnit) -> Iterator[Fact]:
    """The first few statements that change, each with its time or cost before and after."""
    told = [
        f"{_label(lookup, each.statement)}: {words.effect_times(each, unit)}, {words.change(each)}"
        for each in effects[:FEW]
    ]
    if len(effects) > FEW:
        told.append(f"and {numbers.plural(len(effects) - FEW, 'more statement')}")
    yield from _listed(title, told)


def _listed(title: str, texts: Iterable[str]) -> Iterator[Fact]:
    for at, text in enumerate(texts):
        yield "" if at else title, text


def _copied(title: str, texts: Sequence[str]) -> Iterator[RenderableType]:
    """SQL to copy, under its title."""
    if any(texts):
        yield _facts(iter([(title, "")]))
        yield from (WholeLines(each) for each in texts if each)


def _titled(number: str, title: str) -> RenderableType:
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column(no_wrap=True)
    line.add_column(overflow="fold")
    line.add_row(Text(number, style="bold"), Text(visible(folded(title, LONGEST)), style="bold"))
    return line


def _facts(facts: Iterator[Fact]) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=11, no_wrap=True)
    grid.add_column(overflow="fold")
    for title, text in facts:
        grid.add_row(Text(f"    {title}", style="dim"), Text(visible(folded(text, LONGEST))))
    return grid


def _label(lookup: Lookup, key: str) -> str:
    """A statement in a few words, of a file by its name or its line; its key where the report does not hold it."""
    statement = lookup.statements.get(key)
    if statement is None:
        return key
    if statement.name is None and statement.file is not None:
        return folded(f"{PurePath(statement.file).name}:{statement.line or 1}", LABEL)
    return labels.statement_label(statement, LABEL)
