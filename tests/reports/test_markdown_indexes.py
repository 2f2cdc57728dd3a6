"""Index advice in Markdown: all of it where there is room, whole SQL or none, and how much was left out."""

import re

import msgspec

from pgadvisor.model.report import Report
from pgadvisor.reports import markdown
from pgadvisor.reports.lookup import lookup_of
from pgadvisor.reports.markdown_indexes import index_blocks
from tests.reports.make_advice import (
    advised_report,
    hostile_advice,
    idle_advice,
    indexes_report,
    large_advice,
    make_advice,
    measured_advice,
)
from tests.reports.make_report import large_report, shop_report


def section(report: Report) -> str:
    return "\n\n".join(index_blocks(lookup_of(report)))


def test_what_it_says() -> None:
    advice = measured_advice()
    text = section(advised_report(advice))
    assert text.startswith(
        "### Indexes\n\nCreating 3 indexes and dropping 2 saves 98.1% of the workload's time: 1.34 h → 1.57 min a day "
        "(estimated). Really built on a copy of the database, it saved 96.9% of the time of all calls (measured)."
    )
    for index in (*advice.create, *advice.drop):
        assert f"```sql\n{index.sql}\n```" in text
    for said in (
        "| create | `orders_status_placed_at_idx` | `public.orders (status, placed_at DESC) WHERE deleted_at IS NULL` "
        "| 51.2 min a day | 43 MB | 1 | 1 |",
        "| **replace** | `public.orders_status_idx` | replaced: ",
        "3 indexes stay",
        "Before dropping `public.orders_placed_idx`:",
        "| 100 MB (the knee) | 3 | 96 MB | 97.4% | 0.4% |",
        "24.8 s → 96 ms a call, 258× less",
        "costs 4.1 s a day beside the advice; its work is done by `orders_status_placed_at_idx`",
        "Reason: column `nothing` of `public.orders` does not exist",
        "The counters cover 7 days",
        '`SELEC nonsense FROM`: syntax error at or near "SELEC"',
    ):
        assert said in text, said


def test_it_stands_between_what_to_fix_first_and_the_findings() -> None:
    text = markdown.render(advised_report())
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert headings[:3] == ["Fix first", "Indexes", "Findings"]
    assert "### Indexes" not in markdown.render(shop_report())


def test_index_advice_alone_has_no_findings() -> None:
    text = markdown.render(indexes_report())
    assert "### Findings" not in text and "0 rules" not in text
    assert text.count("98.1%") == 2, "in the sentence and in the curve"


def test_nothing_advised_says_why() -> None:
    text = section(advised_report(idle_advice()))
    assert str(idle_advice().nothing_because) in text
    assert "```" not in text


def test_much_advice_is_cut_and_counted() -> None:
    advice = large_advice()
    report = msgspec.structs.replace(large_report(), advice=advice)
    text = section(report)
    assert len(text.encode()) <= 12_000
    shown = text.count("\n| create |")
    assert 5 < shown < 200
    assert f"And {202 - shown} more indexes" in text
    told = len(re.findall(r"^CREATE INDEX", text, re.MULTILINE))
    assert f"The SQL of {202 - told} indexes is left out" in text
    assert text.count("```") == 2 * told
    whole = markdown.render(report)
    assert len(whole.encode()) <= 65_000
    assert "### Findings" in whole and whole.count("\n| 1 |") == 1


def test_hostile_texts_make_nothing() -> None:
    advice = hostile_advice()
    text = section(advised_report(advice))
    fenceless = re.sub(r"^(`{3,})sql\n.*?\n\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)|<code>.*?</code>", "", fenceless, flags=re.DOTALL)
    assert not re.search(r"<(script|img|svg)", outside)
    assert "\x1b" not in text and "\u202e" not in text
    assert text.count("<details>") == text.count("</details>")


def test_no_index_is_no_row() -> None:
    text = section(advised_report(make_advice(create=(), drop=(), nothing_because="Nothing would help.")))
    assert "| Do |" not in text and "Nothing would help." in text
