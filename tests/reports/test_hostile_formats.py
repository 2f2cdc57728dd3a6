"""Hostile texts in every format: they are shown, they never act; and the page's policy lets nothing else act either."""

import base64
import hashlib
import json as standard_json
import re
from html.parser import HTMLParser
from importlib import resources
from typing import Any

import pytest
from markdown_it import MarkdownIt

from pgadvisor.advise.advise import advise
from pgadvisor.model.report import Report
from pgadvisor.model.snapshot import Snapshot
from pgadvisor.model.workload import Statement
from pgadvisor.redaction.pseudonyms import Key
from pgadvisor.redaction.report import redact
from pgadvisor.reports import html, json, markdown, text
from pgadvisor.reports.visible_text import UNSEEN
from tests.reports import make_report

HOSTILE = (
    "</script></style></template><script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'\"`; $(rm -rf ~) `rm -rf ~`",
    "[click](javascript:alert(3)) ![x](https://evil.example/x.png) <https://evil.example>",
    "@everyone #1 GH-1 https://evil.example www.evil.example :tada:",
    "=cmd|' /C calc'!A0",
    "| a | b |\n|---|---|\n\n# heading\n\n- [ ] task\n\n```\n<details><summary>x</summary>",
    "\u202eesrever\u2066 \u200b\ufeff\U000e0041 \x1b[31mred\x1b]0;title\x07 nul\x00 csi\x9b2J cr\r over",
    "&lt;b&gt; &#x3c;script&#x3e; <!-- --> ]]> <![CDATA[ <svg/onload=alert(4)>",
    "{{ 7 * 7 }}{% raw %}${7*7}#{7*7}",
    "half \ud800 pair",
    "-" * 80,
    "n" * 100_000,
)
SGR = re.compile(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\")
"""What a coloured text holds: colours, and ends of links."""
STYLED = re.compile(
    r"\sstyle\s*=|\son[a-z]+\s*=|\|\s*safe\b|{%-?\s*autoescape|javascript:|<iframe|<object|<embed|<base|srcdoc="
)
CODE_FROM_TEXT = re.compile(
    r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|setTimeout\(['\"]"
)
_TAGS = """
h1 h2 h3 h4 p ul ol li strong em code pre details summary table thead tbody tr th td a br hr blockquote s sub sup kbd
b i div span samp ins del
"""
TAGS = frozenset(_TAGS.split())


@pytest.fixture
def hostile(monkeypatch: pytest.MonkeyPatch) -> Report:
    """A report with those texts in every place."""
    monkeypatch.setattr(make_report, "HOSTILE", HOSTILE)
    return make_report.hostile_report()


class Elements(HTMLParser):
    """The elements of a document, with their attributes and the text directly in each."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.texts.append(("code" if {"code", "pre"} & set(self._open) else "", data))


def check_policy(page: str) -> None:
    """The page may run and style with its own parts alone, and send nothing anywhere."""
    elements = Elements(page)
    policies = [each["content"] or "" for tag, each in elements.found if tag == "meta" and "http-equiv" in each]
    assert len(policies) == 1
    rules = dict(part.strip().split(" ", 1) for part in policies[0].split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert page.index("Content-Security-Policy") < page.index("<style") < page.index("</head>")
    for name, sources in rules.items():
        assert all(each in ("'none'", "data:", "blob:") or each.startswith("'sha256-") for each in sources.split()), (
            name
        )
    for tag, rule in (("script", "script-src"), ("style", "style-src")):
        contents = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", page, re.DOTALL)
        assert contents
        for content in contents:
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in rules[rule]
    for tag, attributes in elements.found:
        assert tag not in ("img", "iframe", "object", "embed", "form", "base", "audio", "video")
        for name, value in attributes.items():
            assert not name.startswith("on") and name not in ("style", "src", "srcset", "srcdoc", "action"), (tag, name)
            if name in ("href", "xlink:href"):
                assert re.match(r"#|https://|data:image/svg", value or ""), value
            assert "alert(" not in (value or "") or name.startswith(("data-", "aria-", "title")) or name in (
                "title", "value", "content", "label",
            ), (tag, name, value)  # fmt: skip
    assert not any("url(" in content and "data:" not in content for content in re.findall("<style>(.*?)</style>", page))


@pytest.mark.parametrize("name", ["shop", "hostile", "large", "empty", "file"])
def test_the_page_holds_its_policy(name: str, hostile: Report) -> None:
    makers = {
        "shop": make_report.shop_report, "hostile": lambda: hostile, "large": make_report.large_report,
        "empty": make_report.empty_report, "file": make_report.file_report,
    }  # fmt: skip
    check_policy(html.render(makers[name]()))


def _parts(ending: str) -> list[Any]:
    files = resources.files("pgadvisor.reports.templates").iterdir()
    return [pytest.param(file.read_text("utf-8"), id=file.name) for file in files if file.name.endswith(ending)]


@pytest.mark.parametrize("source", _parts(".html"))
def test_a_template_has_no_inline_style_no_handler_and_escapes(source: str) -> None:
    found = STYLED.search(source)
    assert found is None, source[max(0, found.start() - 80) : found.end() + 40]


@pytest.mark.parametrize("source", _parts(".js"))
def test_a_script_makes_no_code_and_no_elements_of_texts_and_asks_for_nothing(source: str) -> None:
    for pattern in (CODE_FROM_TEXT, re.compile(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|import\(|EventSource")):
        assert not pattern.search(source)


@pytest.mark.parametrize("color", [False, True])
def test_no_character_of_the_data_reaches_the_terminal_as_a_command(hostile: Report, color: bool) -> None:
    shown = SGR.sub("", text.render(hostile, width=80, color=color))
    found = UNSEEN.search(shown)
    assert found is None, repr(shown[max(0, found.start() - 40) : found.end() + 40])
    assert "⟨U+001B⟩[31mred" in shown
    shown.encode()


def test_the_json_is_strict(hostile: Report) -> None:
    def no_constant(name: str) -> None:
        raise AssertionError(name)

    def no_double(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)

    written = json.render(hostile)
    written.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", written)
    read = standard_json.loads(written, parse_constant=no_constant, object_pairs_hook=no_double)
    assert {each["where"]["table"] for each in read["findings"]} >= set(HOSTILE[:9])


def test_the_markdown_makes_nothing_of_the_data(hostile: Report) -> None:
    comment = markdown.render(hostile)
    assert len(comment) < 65_536 and not UNSEEN.search(comment.replace("\u200b", ""))
    rendered = (
        MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"]).render(comment)
    )
    elements = Elements(rendered)
    assert {tag for tag, _ in elements.found} <= TAGS
    for tag, attributes in elements.found:
        for name, value in attributes.items():
            assert not name.startswith("on") and name != "src", (tag, attributes)
            assert name != "style" or (tag in ("th", "td") and re.fullmatch(r"text-align:\w+", value or "")), value
            assert name != "href" or re.match(r"#|https://www\.postgresql\.org/", value or ""), (tag, value)
    for place, part in elements.texts:
        assert place == "code" or not re.search(r"(?<!\w)@everyone|GH-1|https://evil|www\.evil", part), part


@pytest.mark.parametrize("size", [10_000, 400_000, 1_200_000])
def test_a_megabyte_of_a_name_stays_short_and_quick(size: int) -> None:
    """In a text of a file; in a catalog PostgreSQL cuts names at 63 bytes."""
    name, value = "n" * size, "v" * size
    texts = (
        f'SELECT "{name}".* FROM "{name}" WHERE "{name}".a LIKE \'%{value}\' ORDER BY random()',
        f"SELECT * FROM t, \"{name}\" WHERE lower(x) = '{value}' AND y = NULL OFFSET 50000",
        f'SELECT * FROM t WHERE a NOT IN (SELECT b FROM "{name}") /* {value} */',
    )
    report = advise(
        Snapshot(format=1, pgadvisor="0", collected_at=make_report.NOW, statements=tuple(
            Statement(key=f"#{at}", text=each, fingerprint=str(at), position=at) for at, each in enumerate(texts, 1)
        ))
    )  # fmt: skip
    assert len(text.render(report)) < 5 * size + 400_000  # SQL to copy is whole
    assert len(markdown.render(report)) < 65_536
    page = html.render(report)
    assert len(page) < 4 * size * len(texts) + 400_000
    check_policy(page)
    redacted, _ = redact(report, Key(secret="1d" * 32))
    for render in (text.render, json.render, markdown.render, html.render):
        assert "nnnnnnnn" not in render(redacted) and "vvvvvvvv" not in render(redacted)
