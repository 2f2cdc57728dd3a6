"""Index advice in Markdown: what it gives, what to create and to drop, the SQL; cut, and then counted."""

from collections.abc import Iterator

from pgadvisor.model.advice import AdvisedIndex, DroppedIndex, IndexAdvice, StatementEffect, WhyNot
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import index_words as words
from pgadvisor.reports import labels
from pgadvisor.reports.lookup import Lookup
from pgadvisor.reports.markdown_blocks import disclosed, fitting, listed, table
from pgadvisor.reports.markdown_text import code, fenced, inline, line

TABLE_BYTES = 3_000
SQL_BYTES = 3_500
PART_BYTES = 800
"""Of answers to what was asked, of budgets, of times, of doubts, of what was left out: each."""
NAME = 90
KEYS = 140
CLAUSE = 200
LABEL = 60


def index_blocks(lookup: Lookup) -> Iterator[str]:
    """The section of the indexes, block by block; nothing where the report has no advice."""
    advice = lookup.report.advice
    if advice is None:
        return
    yield "### Indexes"
    yield " ".join(line(text) for text in _sentences(advice))
    yield from _answers(lookup, advice)
    yield from _table(advice)
    yield from _sql(advice)
    yield from _budgets(advice)
    yield from _measured(lookup, advice)
    yield from _doubts(lookup, advice)


def _sentences(advice: IndexAdvice) -> Iterator[str]:
    """What it gives and costs, and how sure that is."""
    saving = words.saving(advice)
    yield f"{saving.removesuffix('.')} (estimated)." if words.is_advised(advice) else saving
    if built := words.measured(advice):
        yield f"{built.removesuffix('.')} (measured)."
    for text in (
        words.low_confidence(advice),
        words.helped(advice),
        words.proof(advice),
        words.price(advice),
        words.trial(advice),
    ):
        if text:
            yield text


def _answers(lookup: Lookup, advice: IndexAdvice) -> Iterator[str]:
    if advice.why:
        yield "**What you asked about**"
        yield listed([_answer(lookup, advice, each) for each in advice.why], "index", room=2 * PART_BYTES)


def _answer(lookup: Lookup, advice: IndexAdvice, why: WhyNot) -> str:
    told = f"- {code(why.definition, KEYS)}, {words.standing(why)}: {inline(why.verdict)}"
    if why.error is not None:
        return f"{told} Reason: {inline(why.error, CLAUSE)}"
    if why.gain_alone is None or why.gain_beside is None:
        return told
    told += f" {numbers.size(why.size_bytes)}; {words.gain(why.gain_alone, advice.told_unit)} today"
    told += f", {words.gain(why.gain_beside, advice.told_unit)} beside the advice"
    if why.dominated_by:
        told += f"; its work is done by {', '.join(code(name, NAME) for name in why.dominated_by[:3])}"
    if why.alone:
        told += f"; most changed{' without it' if why.is_there else ''}: {_effect(lookup, advice, why.alone[0])}"
    return told


def _effect(lookup: Lookup, advice: IndexAdvice, effect: StatementEffect) -> str:
    return f"{_statement(lookup, effect.statement)} {words.effect_times(effect, advice.told_unit)}"


def _statement(lookup: Lookup, key: str) -> str:
    found = lookup.statements.get(key)
    return code(key if found is None else labels.statement_label(found, LABEL), LABEL)


def _table(advice: IndexAdvice) -> Iterator[str]:
    """A row an index; of those that stay their number."""
    if words.is_advised(advice):
        rows = [*(_created(advice, each) for each in advice.create), *(_dropped(advice, each) for each in advice.drop)]
        shown = list(fitting(rows, TABLE_BYTES))
        yield table(("Do", "Index", "What", "Saves", "Size", "Helps", "Hurts"), shown,
                    right=("Saves", "Size", "Helps", "Hurts"))  # fmt: skip
        if left := len(rows) - len(shown):
            yield f"And {numbers.plural(left, 'more index', 'more indexes')}: the HTML and JSON reports have them."
    if advice.keep:
        yield f"{numbers.plural(len(advice.keep), 'index stays', 'indexes stay')}."


def _created(advice: IndexAdvice, index: AdvisedIndex) -> str:
    what = index.definition.partition(" ON ")[2] or index.definition
    cells = (
        "create",
        code(index.name, NAME),
        code(what, KEYS),
        words.amount(index.gain, advice.told_unit),
        numbers.size(index.size_bytes),
        numbers.count(len(index.helps)),
        numbers.count(len(index.hurts)),
    )
    return f"| {' | '.join(cells)} |"


def _dropped(advice: IndexAdvice, index: DroppedIndex) -> str:
    cells = (
        f"**{words.action(index)}**",
        code(index.name, NAME),
        f"{index.why}: {inline(index.reason, CLAUSE)}",
        words.amount(index.gain, advice.told_unit) if index.gain > 0 else "",
        numbers.size(index.size_bytes),
        "",
        "",
    )
    return f"| {' | '.join(cells)} |"


def _sql(advice: IndexAdvice) -> Iterator[str]:
    """The changes in the order in which to make them, each whole or not at all, with what to check before a drop."""
    changes = [fenced(each.steps) for each in advice.create]
    for each in advice.drop:
        cautions = "".join(f"\n- {inline(text, CLAUSE)}" for text in each.cautions[:5])
        before = f"Before dropping {code(each.name, NAME)}:\n{cautions}\n\n" if cautions else ""
        changes.append(f"{before}{fenced(each.sql)}")
    if not changes:
        return
    shown = list(fitting(changes, SQL_BYTES))
    if left := len(changes) - len(shown):
        left_out = numbers.plural(left, "index", "indexes")
        shown.append(f"The SQL of {left_out} is left out: the HTML and JSON reports have it.")
    yield disclosed("SQL, in the order to run it", shown)


def _budgets(advice: IndexAdvice) -> Iterator[str]:
    if not words.is_choice(advice.curve):
        return
    rows = [
        f"| {words.budget(point)}{' (the knee)' if point.is_knee else ''} | {point.indexes:,} "
        f"| {numbers.size(point.size_bytes)} | {numbers.share(words.saved(point))} | {words.proved(point)} |"
        for point in advice.curve
    ]
    titles = ("Budget", "Indexes", "Size", "Saves", "Best within")
    shown = list(fitting(rows, PART_BYTES))
    more = [f"And {len(rows) - len(shown):,} more."] if len(shown) < len(rows) else []
    yield disclosed("What more room saves", [table(titles, shown, right=titles[1:]), *more])


def _measured(lookup: Lookup, advice: IndexAdvice) -> Iterator[str]:
    if not advice.measured:
        return
    timed = [words.measured_change(each) for each in advice.measured]
    rows = [
        f"- {_statement(lookup, each.statement)}: {words.call_times(each)} a call, {words.change(each)}"
        for each in timed
    ]
    yield disclosed("Measured on a copy, without and with the advice", [listed(rows, "statement", room=PART_BYTES)])


def _doubts(lookup: Lookup, advice: IndexAdvice) -> Iterator[str]:
    told = [f"- {inline(each, 2 * CLAUSE)}" for each in advice.doubts]
    if told:
        yield listed(told, "doubt", room=PART_BYTES)
    left = [f"- {_statement(lookup, key)}: {inline(why, CLAUSE)}" for key, why in advice.left_out]
    if left:
        yield disclosed("What could not be planned, and is left out", [listed(left, "statement", room=PART_BYTES)])
