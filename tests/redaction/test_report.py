"""A redacted report: no name and no literal is left in any format, and what it says is still true."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import snapshot_of
from pgadvisor.advise.registry import all_rules
from pgadvisor.model.finding import Severity
from pgadvisor.model.report import Changes, GoneFinding, Report, TriedChange
from pgadvisor.model.snapshot import Gap
from pgadvisor.redaction.pseudonyms import Key
from pgadvisor.redaction.report import redact
from pgadvisor.reports import github, gitlab, html, json, junit, markdown, sarif, text
from pgadvisor.rule import Example, Rule
from pgadvisor.sql.parse import Unread, is_valid, parse_tree
from tests.redaction.leaks import cores, planted_report, planted_words, texts_in
from tests.reports.make_report import NOW, empty_report, hostile_report, shop_report

KEY = Key(secret="7f" * 32)
FORMATS: dict[str, Callable[[Report], str]] = {
    "html": html.render,
    "json": json.render,
    "text": text.render,
    "markdown": markdown.render,
    "sarif": sarif.render,
    "junit": junit.render,
    "gitlab": gitlab.render,
    "github": github.render,
}
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.name}-{number}")
    for rule in all_rules()
    for number, example in enumerate(rule.bad, start=1)
]


@pytest.mark.parametrize("seed", range(40))
def test_no_planted_name_is_left_in_any_format(seed: int) -> None:
    words = planted_words(seed)
    report = planted_report(words)
    assert any(core in json.render(report).lower() for core in cores(words)), "nothing was planted"
    redacted, key = redact(report, KEY)
    rest = {name: render(redacted).lower() for name, render in FORMATS.items()}
    rest["record"] = "\n".join(texts_in(msgspec.to_builtins(redacted))).lower()
    for core in cores(words):
        for name, output in rest.items():
            assert core not in output, f"{core} in {name}: …{output[max(0, output.index(core) - 200) :][:400]}"
    held = "\n".join(key.names.values()).lower()
    assert all(core in held for core in cores(planted_words(seed, 10)))


def test_the_same_name_has_the_same_pseudonym_in_the_next_run() -> None:
    first, key = redact(shop_report(), KEY)
    again, more = redact(shop_report(), Key(secret=KEY.secret))
    assert first == again and key == more
    changed = msgspec.structs.replace(shop_report(), findings=shop_report().findings[3:])
    later, _ = redact(changed, key)
    assert later.findings == first.findings[3:]
    other, _ = redact(shop_report(), Key(secret="00" * 32))
    assert other.tables[0].name != first.tables[0].name


def test_the_key_gives_every_pseudonym_back() -> None:
    report = shop_report()
    redacted, key = redact(report, KEY)
    assert [key.names[table.name] for table in redacted.tables] == [table.name for table in report.tables]
    assert redacted.server and report.server and key.names[redacted.server.database] == report.server.database
    assert list(key.names) == sorted(key.names)
    assert redacted.is_redacted


def test_spans_are_on_the_same_parts() -> None:
    report = shop_report()
    redacted, key = redact(report, KEY)
    texts, new_texts = ({each.key: each.text for each in one.statements} for one in (report, redacted))
    for old, new in zip(report.findings, redacted.findings, strict=True):
        for span, moved in zip(old.spans, new.spans, strict=True):
            part = texts[old.where.statement or ""][span.start : span.end]
            new_part = new_texts[new.where.statement or ""][moved.start : moved.end]
            assert re.sub(r"[a-z]+_[0-9a-f]{6,}", lambda found: key.names[found[0]], new_part) == part


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_what_every_rule_says_keeps_its_words_and_its_sql(rule: Rule, example: Example) -> None:
    report = advise(snapshot_of(example), [rule])
    redacted, key = redact(report, KEY)
    names = {each.name for table in report.tables for each in (table, *table.columns, *table.indexes)}
    for old, new in zip(report.findings, redacted.findings, strict=True):
        for before, after in zip(_sentences(old), _sentences(new), strict=True):
            for name in names:
                assert len(name) < 3 or not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", after), (before, after)
            assert len(after.split()) == len(before.split()) or "`" in before or "'" in before, (before, after)
        for before, after in ((old.remedy.sql, new.remedy.sql), (old.remedy.undo, new.remedy.undo)):
            assert before is None or _shape(before) == _shape(after or ""), (before, after)
    for statement, other in zip(report.statements, redacted.statements, strict=True):
        assert _shape(statement.text) == _shape(other.text), (statement.text, other.text)
    assert key.names


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.name)
def test_no_word_of_a_rule_itself_is_taken_for_a_name(rule: Rule) -> None:
    """A sentence about no table at all stays as it is."""
    for example in rule.bad:
        report = advise(snapshot_of(example), [rule])
        redacted, _ = redact(report, KEY)
        for old, new in zip(report.findings, redacted.findings, strict=True):
            assert new.wrong_if == old.wrong_if or re.search(r"\b(?:[a-z]+)_[0-9a-f]{6}\b", new.wrong_if)
            assert new.rule == old.rule and new.severity == old.severity and new.gain_ms_per_day == old.gain_ms_per_day


def test_remedies_of_the_shop_are_valid_sql() -> None:
    for finding in redact(shop_report(), KEY)[0].findings:
        for sql in (finding.remedy.sql, finding.remedy.undo):
            assert sql is None or is_valid(sql), sql


def test_hostile_texts_are_redacted_as_well() -> None:
    ours = msgspec.structs.replace(
        hostile_report(), rule_pages=(), rules_not_run=(), verdict=shop_report().verdict, server=None
    )
    redacted, _ = redact(ours, KEY)
    for render in FORMATS.values():
        shown = re.sub(r"<script>.*?</script>", "", render(redacted), flags=re.DOTALL)
        for part in ("onerror", "onload", "onfocus", "esrever", "مرحبا", "日本語", "nnnnn", "[31mred"):
            assert part not in shown, shown[shown.index(part) - 200 :][:400]


def read(text: str | None, key: Key) -> str:
    """The text with each pseudonym as `prefix:name`."""
    found = re.sub(r"\b([a-z]+)_[0-9a-f]{6}\b", lambda found: f"{found[1]}:{key.names[found[0]]}", text or "")
    return re.sub(r"\b[19]\d{9}\b", "<number>", found)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("CREATE INDEX a_idx ON hr.sessions (secret) WHERE id IN (4711, 4712) AND note <> 'a; b'; work_mem = 64MB",
         "CREATE INDEX ix:a_idx ON n:hr.t:sessions (c:secret) WHERE c:id IN (<number>, <number>) "
         "AND c:note <> 's:a; b'; work_mem = 64MB"),
        ("without hr.secret", "without sch:hr.t:secret"),
        ("without hr.orders_pkey; without public.Odd Name; enable_seqscan = off",
         "without sch:hr.t:orders_pkey; without public.t:Odd Name; enable_seqscan = off"),
        ("application_name = customer 42; seq_page_cost = 1.1",
         "application_name = s:customer 42; seq_page_cost = 1.1"),
        ("search_path = orders, secret", "search_path = s:orders, secret"),
        ("my.customer = 4711", "n:my.n:customer = s:4711"),
        ("CREATE STATISTICS s1 ON id, note FROM orders", "CREATE STATISTICS st:s1 ON c:id, c:note FROM t:orders"),
    ],
)  # fmt: skip
def test_what_was_tried_is_redacted_part_by_part(change: str, expected: str) -> None:
    tried = (TriedChange(statement="#1", change=change, tried_on="planner twin, PostgreSQL 18.6"),)
    report, key = redact(msgspec.structs.replace(empty_report(), tried=tried), KEY)
    assert read(report.tried[0].change, key) == expected
    assert report.tried[0].tried_on == "planner twin, PostgreSQL 18.6"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("hr.sessions", "sch:hr.t:sessions"),
        ("archive.events.secret", "sch:archive.t:events.c:secret"),
        ("public.orders(integer)", "public.t:orders(integer)"),
        ("secret", "t:secret"),
        ("the previous run", "the previous run"),
        ("3 tables", "3 tables"),
        ("2 statements without text", "2 statements without text"),
        ("2 of kind index", "2 of kind index"),
        ("statements of other roles", "statements of other roles"),
        ("pg_stat_statements.track", "pg_stat_statements.track"),
        ("work_mem", "work_mem"),
        ("extended statistics", "extended statistics"),
    ],
)
def test_what_a_gap_is_of_is_a_name_or_our_own_words(subject: str, expected: str) -> None:
    gap = Gap(area="catalog", subject=subject, reason=f"the values of {subject} could not be read", cure="look again")
    report, key = redact(msgspec.structs.replace(empty_report(), gaps=(gap,)), KEY)
    assert read(report.gaps[0].subject, key) == expected
    if ":" in expected:
        assert not re.search(r"\b(hr|sessions|archive|events|secret|orders)\b", report.gaps[0].reason)


def test_names_of_the_previous_run_alone_go_as_well() -> None:
    gone = GoneFinding(
        rule="unused-index", severity=Severity.INFO, message="index secret of archive.events is never used", key="x:1",
        place="archive.events.secret", applied="archive.orders",
    )  # fmt: skip
    route = msgspec.structs.replace(gone, place="GET /secret/{id}", message="one page", applied=None)
    changes = Changes(previous_at=NOW, fixed=(gone, route))
    report, key = redact(msgspec.structs.replace(empty_report(), changes=changes), KEY)
    assert report.changes
    told, page = report.changes.fixed
    assert read(told.place, key) == "sch:archive.t:events.c:secret"
    assert not re.search(r"\b(archive|events|secret|orders)\b", f"{told.message} {told.place} {told.applied}")
    assert read(page.place, key) == "GET e:/secret/{id}"


def test_an_address_goes_and_a_version_stays() -> None:
    gap = Gap(area="server", reason="PostgreSQL 18.6 at 10.1.2.3 is older than 18.1.2", cure="look at 10.1.2.3.")
    report, key = redact(msgspec.structs.replace(empty_report(), gaps=(gap,)), KEY)
    assert read(report.gaps[0].reason, key) == "PostgreSQL 18.6 at h:10.1.2.3 is older than 18.1.2"
    assert read(report.gaps[0].cure, key) == "look at h:10.1.2.3."


def _sentences(finding: Any) -> list[str]:
    remedy = finding.remedy
    texts = [finding.message, finding.wrong_if, remedy.text, remedy.lock, remedy.cost]
    return [text for text in (*texts, *(each.text for each in finding.evidence)) if text]


def _shape(sql: str) -> object:
    """The tree without names, constants and places."""
    tree = parse_tree(sql)
    return "unread" if isinstance(tree, Unread) else _bare(tree)


def _bare(node: Any) -> Any:
    if isinstance(node, list):
        return [_bare(each) for each in node]
    if isinstance(node, dict):
        return {key: _bare(each) for key, each in node.items() if "location" not in key and not key.startswith("stmt_")}
    return None
