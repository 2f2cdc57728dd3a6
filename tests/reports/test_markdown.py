"""The report as a comment: golden files, its length whatever the report, and nothing that a text of others could do."""

import re
from collections.abc import Callable
from functools import partial

import msgspec
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pgadvisor.model.catalog import Server
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Span, Where
from pgadvisor.model.report import (
    GoneFinding,
    RejectedRemedy,
    Report,
    RuleNotRun,
    Trials,
    TriedChange,
    TriedIndex,
    UnplannedStatement,
    Verdict,
)
from pgadvisor.model.snapshot import Gap
from pgadvisor.reports.lookup import lookup_of
from pgadvisor.reports.markdown import render
from pgadvisor.reports.markdown_finding import finding_blocks
from pgadvisor.reports.markdown_text import code, fenced, in_html, inline
from pgadvisor.reports.visible_text import UNSEEN
from tests.golden import assert_golden
from tests.reports.make_changed_report import changed_report, hostile_changed_report
from tests.reports.make_migration_report import FILE, many, migration_report
from tests.reports.make_report import empty_report, file_report, hostile_report, large_report, shop_report, statement

ACTING = (
    "@octocat @org/team a@b.example",
    'fixes #12, org/repo#3, GH-4 and !5 &6 $7 ~8 ~bug %9 %"v 1" ^10 JIRA-11',
    "https://evil.example www.evil.example xmpp:a@b.example [x](https://evil.example) ![i](//evil.example/p.png)",
    "<https://evil.example> <img src=x> <!-- hidden </details></summary></code> &lt;b&gt; &#64;octocat",
    "**bold** __bold__ _it_ ~~gone~~ `tick ``two`` ``` three ````four",
    "# title\n- item\n1. one\n> quote\n```\nfence\n~~~\n/close\n---\n| a | b |\n| --- | --- |\n[r]: https://evil.example",
    "0123456789abcdef0123456789abcdef01234567 deadbee :smile: [issue:1] *iteration:2 $`a`$ [^1] a\\|b \\` \\",
    "# x",
    "1. x",
    "/close @octocat",
)
"""Texts of which a forge would make links, mentions, commands or markup."""
OURS = re.compile(r"</?(details|summary|b|code|sub)>|<br>")
WORDS_THAT_ACT = re.compile(r"[@#$~^]|[!%&][^\s.,;:)]|://|www\.|:[\w+-]+:|[\[*]\w+:|[0-9A-Fa-f]{7}|[A-Z]-\d")


def acting_report(texts: tuple[str, ...] = ACTING) -> Report:
    """Such texts in every place that a comment shows."""
    base = hostile_changed_report()
    changes = base.changes
    assert changes is not None
    return msgspec.structs.replace(
        base,
        verdict=Verdict(headline=" ".join(texts[:3]), text=texts[-3], severity=Severity.ERROR),
        server=Server(version_num=150_018, version=texts[0], database=texts[1], host=texts[2]),
        findings=tuple(_acting(at, text) for at, text in enumerate(texts, start=1)),
        statements=tuple(statement(f"#{at}", text, name=text) for at, text in enumerate(texts, start=1)),
        gaps=tuple(Gap(area="plans", reason=text, cure=text, subject=text) for text in texts),
        rules_not_run=tuple(RuleNotRun(rule=text, reason=text, cure=text) for text in texts),
        rule_pages=tuple((text, f"# {text}\n\nx\n\n## Why it matters\n\n{text}\n") for text in texts),
        endpoints=tuple(
            msgspec.structs.replace(each, name=text) for each, text in zip(base.endpoints, texts, strict=False)
        ),
        changes=msgspec.structs.replace(
            changes,
            fixed=tuple(GoneFinding(rule=text, severity=Severity.INFO, message=text, key=text) for text in texts),
        ),
        trials=Trials(
            planner=texts[0],
            not_planned=tuple(
                UnplannedStatement(statement=f"#{at}", reason=text) for at, text in enumerate(texts, start=1)
            ),
            rejected=tuple(RejectedRemedy(rule=text, change=text, reason=text) for text in texts),
        ),
    )


def _acting(number: int, text: str) -> Finding:
    return Finding(
        where=Where(table=text, column=text, endpoint=text, statement=f"#{number}"),
        message=f"{text} and `{text}`",
        evidence=(Evidence(rung=Rung.MEASURED, text=text),),
        remedy=Remedy(text=text, sql=f'DROP INDEX "{text}";', undo=text, lock=text, cost=text),
        wrong_if=text,
        severity=Severity.WARNING,
        gain_ms_per_day=1e7,
        spans=(Span(start=0, end=5), Span(start=3, end=50)),
        rule=text,
        key=text,
        statements=(f"#{number}",),
    )


def findings_of(report: Report) -> list[str]:
    """Each finding by itself, also those that a whole comment has no room for."""
    lookup = lookup_of(report)
    return ["\n\n".join(finding_blocks(lookup, each)) for each in report.findings]


def tokens_of(markdown: str) -> list[Token]:
    """Every token, those within lines as well."""
    parsed = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(markdown)
    return [inner for token in parsed for inner in (token, *(token.children or ()))]


def test_golden() -> None:
    assert_golden("report/shop.md", render(shop_report()))
    assert_golden("report/changed.md", render(changed_report()))
    assert_golden("report/empty.md", render(empty_report()))
    assert_golden("report/file.md", render(file_report()))
    assert_golden("report/hostile.md", render(acting_report()))


@pytest.mark.parametrize("report", [shop_report(), acting_report(), hostile_report(), large_report(40)])
def test_no_text_acts(report: Report) -> None:
    for markdown in (render(report), *findings_of(report)):
        in_code = False
        for token in tokens_of(markdown):
            assert token.type not in ("link_open", "image", "em_open", "s_open", "blockquote_open", "hr"), token
            if token.type in ("html_inline", "html_block"):
                assert not re.search(r"<[^>]*>", OURS.sub("", token.content)), token.content
            if token.type == "html_inline":
                in_code = {"<code>": True, "</code>": False}.get(token.content, in_code)
            if token.type == "html_block":
                assert not WORDS_THAT_ACT.search(_words(token.content)), token.content
            if token.type == "text" and not in_code and not report.verdict.headline.startswith("Three"):
                assert not WORDS_THAT_ACT.search(token.content), token.content


def _words(html: str) -> str:
    """What a forge reads in a block of HTML: the text outside code, entities replaced."""
    return re.sub(r"<code>.*?</code>|<[^>]*>|&(amp|lt|gt|quot|#x27);", "", html)


@pytest.mark.parametrize("report", [acting_report(), hostile_report()])
def test_no_line_is_a_command_and_every_block_is_closed(report: Report) -> None:
    markdown = render(report)
    tokens = tokens_of(markdown)
    fences = [token for token in tokens if token.type == "fence"]
    within = {line for token in fences if token.map for line in range(*token.map)}
    lines = [line for at, line in enumerate(markdown.splitlines()) if at not in within]
    assert all(re.match(r"[#|<*-]|[^\W\d_]|&nbsp;|\d+ |$", line) for line in lines), lines
    assert all(token.info == "sql" for token in fences)
    opened = [token.content for token in tokens if token.type == "html_block"]
    assert sum(each.count("<details>") for each in opened) == sum(each.count("</details>") for each in opened)
    assert len([token for token in tokens if token.type == "heading_open"]) == markdown.count("\n##") + 1


def test_tables_keep_their_columns() -> None:
    tokens = tokens_of(render(acting_report()))
    width = 0
    for token in tokens:
        if token.type == "tr_open":
            width = 0
        width += token.type in ("th_open", "td_open")
        if token.type == "tr_close":
            assert width in (3, 5, 6)


@pytest.mark.parametrize("text", ACTING)
def test_what_is_shown_is_the_text(text: str) -> None:
    def shown(markdown: str) -> str:
        told = MarkdownIt("commonmark").render(f"x{markdown}")
        return re.sub("&quot;", '"', re.sub("</?(p|code)>", "", told)).strip()[1:]

    line = " ".join(text.split())
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    assert shown(code(text)) == escaped
    assert shown(inline(text)).replace("`", "") == escaped.replace("`", "")
    assert re.sub(r"</?code>", "", in_html(text)).replace("&quot;", '"').replace("`", "") == escaped.replace("`", "")


@pytest.mark.parametrize("text", ["", "```", "a\n```\nb\n`````\nc", "~~~\n", "`"])
def test_no_text_ends_its_fence(text: str) -> None:
    tokens = MarkdownIt("commonmark").parse(f"{fenced(text)}\n\nafter")
    assert [token.type for token in tokens][:2] == ["fence", "paragraph_open"]
    assert tokens[0].content.rstrip("\n") == text.rstrip()


@pytest.mark.parametrize(
    "make",
    [
        large_report,
        partial(large_report, 5_000, 100, 3_000),
        lambda: acting_report(("@" * 1_000_000,) * 40),
        lambda: acting_report(("x" * 1_000_000,) * 40),
        lambda: acting_report(("😀|`" * 300_000,) * 40),
        lambda: acting_report(("\u202e# " * 400_000,) * 40),
        lambda: acting_report((("<&" * 30 + "\n") * 16_000,) * 40),
    ],
    ids=["500", "5000", "mentions", "names", "emoji", "bidi", "tags"],
)
def test_it_is_never_longer_than_a_comment_may_be(make: Callable[[], Report]) -> None:
    report = make()  # not before: together they are 2 GB
    markdown = render(report)
    assert len(markdown.encode()) < 65_536
    assert len(markdown) > 5_000
    shown = markdown.count("<summary><b>")
    if shown < len(report.findings):
        assert "left out, since a comment takes no more" in markdown
        assert f"{len(report.findings) - shown:,} finding" in markdown


def test_of_a_large_report_it_says_what_is_left_out() -> None:
    markdown = render(large_report())
    rows = len(re.findall(r"(?m)^\| \d+ \|", markdown))
    told = re.search(r"And (\d+) more findings: (.*)\.", markdown)
    assert told is not None and int(told[1]) == 500 - rows
    assert sum(int(number) for number in re.findall(r"\d+", told[2])) == 500 - rows


def test_a_finding_is_short() -> None:
    assert max(len(each) for each in findings_of(large_report())) < 3_000


def test_nothing_unseen_and_the_same_bytes_again() -> None:
    for report in (hostile_report(), acting_report()):
        markdown = render(report)
        assert not UNSEEN.search(markdown)
        assert render(report) == markdown


def test_numbers_of_findings_are_no_issues() -> None:
    assert not re.search(r"#\d", render(shop_report()))


def test_what_the_user_wanted_tried_comes_first() -> None:
    found = changed_report().findings[0].comparison
    assert found is not None
    tried = TriedChange(
        statement="17", change="CREATE INDEX a_idx ON orders (a)", tried_on="planner twin, PostgreSQL 18.6",
        comparison=found, indexes=(TriedIndex(name="public.a_idx", definition="x", is_used=False, size_bytes=8192),),
        doubts=("`a` has no statistics",), spread="over 3 draws of its values 1% to 5%, in the median 2%",
    )  # fmt: skip
    failed = msgspec.structs.replace(tried, comparison=None, error="there is no table orders")
    text = render(msgspec.structs.replace(changed_report(), tried=(tried, failed)))
    asked = text.split("### What if")[1].split("### ")[0]
    assert "public.a_idx is not used, about 8 kB" in asked
    assert "cost over 3 draws of its values 1% to 5%, in the median 2%" in asked
    assert "a guess: `a` has no statistics" in asked
    assert "was not tried: there is no table orders" in asked


def test_a_finding_in_a_file_is_told_with_its_line() -> None:
    told = render(migration_report())
    assert "| 1 | **error** | writes to orders wait 60 s, 100% of them: `ON orders` |" in told
    rows = [row for row in told.splitlines() if row.startswith("| ") and FILE in row]
    assert [row.rsplit("`", 2)[1] for row in rows] == [f"{FILE}:3", f"{FILE}:6", f"{FILE}:6"]
    assert "| Frees |" not in told
    assert f"**Where:** `{FILE}:6` · `public.orders`" in told
    assert "&nbsp;" not in told  # no verdict's text, no empty line for it


def test_a_thousand_findings_in_files_fit_a_comment() -> None:
    assert len(render(migration_report(*many(1_000, Severity.WARNING)))) < 65_536
