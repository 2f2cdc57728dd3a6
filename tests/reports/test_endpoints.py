"""Endpoints that logs tell of, in every form: figures, waterfalls, savings; hostile names stay texts."""

from msgspec.structs import replace

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import snapshot_of
from pgadvisor.model.log import RequestStep, RequestTrace
from pgadvisor.model.report import Report
from pgadvisor.reports import endpoint_words, html, markdown, markdown_endpoints, text, text_endpoints
from pgadvisor.rule import Example, endpoint, foreign_key, ran, table
from tests.reports.make_report import HOSTILE

LIST = "SELECT id, customer_id FROM orders ORDER BY id DESC LIMIT $1"
ONE = "SELECT id, name FROM customer WHERE id = $1"


def report_of(name: str = "GET /orders", line: str = "app/orders.py:12") -> Report:
    """A list that asks for the customer of each order, its slow request drawn step by step."""
    seen = endpoint(name, ran(LIST, line=line), ran(ONE, each=25, parent=LIST, line=line, ms=0.5), idle_ms=3)
    steps = (
        RequestStep(statement=LIST, start_ms=0.0, duration_ms=4.0, line=line),
        *(RequestStep(statement=ONE, start_ms=5.0 + at, duration_ms=0.5, line=line) for at in range(25)),
        RequestStep(statement="COMMIT", start_ms=31.0, duration_ms=0.1),
    )
    slow = RequestTrace(steps=steps, statements=26, duration_ms=31.1, database_ms=16.5)
    tables = (
        table("orders", constraints=(foreign_key("customer_id", "customer"),)),
        table("customer", columns={"name": "text"}),
    )
    return advise(snapshot_of(Example(endpoint=replace(seen, slow=slow), tables=tables)))


def test_a_loop_is_one_row_of_the_waterfall() -> None:
    report = report_of()
    seen = report.endpoints[0].seen
    assert seen is not None
    _, slow = endpoint_words.waterfalls(seen, endpoint_words.texts_of(report))
    assert [(row.runs, row.start_ms, row.end_ms, row.busy_ms) for row in slow.rows[:2]] == [
        (1, 0.0, 4.0, 4.0),
        (25, 5.0, 29.5, 12.5),
    ]
    assert slow.title == "A slow request: 26 queries, 16.5 ms in the database, 31.1 ms from the first to the last"
    told = text_endpoints.render(report, "GET /orders")
    assert "100 requests · 26 queries each (p95 26) · 13.5 ms each in the database" in told
    assert "app/orders.py:12  25 × SELECT id, name FROM customer" in told
    assert "saves at most 12 ms of each request" in told


def test_a_finding_about_requests_stands_at_its_endpoint_alone() -> None:
    report = report_of()
    other = replace(report.endpoints[0], name="GET /other")
    lines = dict(text_endpoints.words.endpoint_lines(replace(report, endpoints=(*report.endpoints, other))))
    assert list(lines.values()) == [(1,), ()]


def test_bars_are_seen_however_short_and_never_leave_their_line() -> None:
    assert text_endpoints.bar(0.0, 0.0, 10) == "█         "
    assert text_endpoints.bar(1.0, 0.0, 10) == "         █"
    assert text_endpoints.bar(0.5, 0.5, 10) == "     █████"


def test_names_and_lines_of_strangers_stay_texts_in_every_form() -> None:
    for hostile in HOSTILE:
        report = report_of(hostile, f"{hostile}:3")
        page = html.render(report)
        assert "<script>alert" not in page
        assert page.count("<script>") == html.render(report_of()).count("<script>")
        for told in (text.render(report), text_endpoints.render(report, hostile), markdown.render(report),
                     markdown_endpoints.render(report, hostile)):  # fmt: skip
            assert "\x1b" not in told


def test_the_page_stays_small_with_many_endpoints() -> None:
    report = report_of()
    many = tuple(replace(report.endpoints[0], name=f"GET /page{number}") for number in range(200))
    grown = len(html.render(replace(report, endpoints=many))) - len(html.render(report))
    assert grown < 300_000
    assert html.render(report).count('class="fall"') <= 2 * endpoint_words.MOST_ROWS
