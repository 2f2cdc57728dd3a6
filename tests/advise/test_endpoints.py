"""Endpoints: one name for each request, in one spelling, whatever the framework's tags look like."""

import pytest
from msgspec.structs import replace

from pgadvisor.advise.advise import advise
from pgadvisor.advise.examples import snapshot_of
from pgadvisor.advise.registry import all_rules
from pgadvisor.model.log import Logs
from pgadvisor.rule import Example
from pgadvisor.sql.endpoint_name import endpoint_name
from pgadvisor.sql.tags import read_tags

NAMES = (
    ("/*route='%2Forders%2F%3Aid'*/", "/orders/{id}"),
    ("/*http_method='get',route='%2Forders%2F%7Bid%7D'*/", "GET /orders/{id}"),
    ("/*route='GET%20%2Forders%2F%7Bid%7D'*/", "GET /orders/{id}"),
    ("/*controller='polls%3Adetail',framework='django%3A4.2',route='polls%2F%3Cint%3Apk%3E%2F'*/", "/polls/{pk}/"),
    ("/*framework='django%3A4.2',route='%5Epolls%2F%28%3FP%3Cslug%3E%5B-%5Cw%5D%2B%29%2F%24'*/", "/polls/{slug}/"),
    ("/*framework='django%3A4.2',route='%5Ea%2F%28%3FP%3Cx%3E%28a%7Cb%29%2B%29%2Fz%2F%3F%24'*/", "/a/{x}/z/"),
    ("/*framework='django%3A4.2',route=''*/", "/"),
    ("/*controller='item',framework='fastapi',route='%2Fitems%2F%7Bitem_id%3Aint%7D'*/", "/items/{item_id}"),
    ("/*action='show',controller='orders',framework='rails_v7',route='%2Forders%2F%3Aid%28.%3Aformat%29'*/",
     "/orders/{id}"),
    ("/*route='%2Fshop%2F%5Bslug%5D'*/", "/shop/{slug}"),
    ("/*route='%2Fusers%2F%3Aid%28%5Cd%2B%29%2Fposts'*/", "/users/{id}/posts"),
    ("/*application:Shop,controller:orders,action:show*/", "orders#show"),
    ("/*application:Shop,controller:orders,namespaced_controller:Admin::Orders,action:show*/", "Admin::Orders#show"),
    ("/*application:Shop,job:MailJob*/", "MailJob"),
    ("/*framework='django%3A4.2',controller='index'*/", "index"),
    ("/*db_driver='psycopg2',framework='flask%3A2',traceparent='00-1-2-01'*/", None),
)  # fmt: skip


@pytest.mark.parametrize(("comment", "name"), NAMES)
def test_name(comment: str, name: str | None) -> None:
    tags, _ = read_tags(f"SELECT 1 {comment}")
    assert tags
    assert endpoint_name(tags) == name


def test_statements_of_an_endpoint_are_summed_and_the_most_costly_is_first() -> None:
    snapshot = snapshot_of(
        Example(
            sql="SELECT a FROM t", calls=10, mean_ms=1, other=(("SELECT b FROM t", 20, 4), ("SELECT c FROM t", 5, 2))
        )
    )
    first, second, third = snapshot.statements
    tagged = (
        replace(first, tags=(("route", "/orders/:id"),)),
        replace(second, tags=(("route", "orders/<int:id>"),)),
        replace(third, tags=(("controller", "login"), ("action", "create"))),
    )
    found = advise(replace(snapshot, statements=tagged), ()).endpoints
    assert [(each.name, each.statements, each.calls, each.total_ms) for each in found] == [
        ("/orders/{id}", ("2", "1"), 30, 90.0),
        ("login#create", ("3",), 5, 10.0),
    ]
    assert [each.share for each in found] == [0.9, 0.1]


def test_without_tags_there_are_no_endpoints() -> None:
    assert advise(snapshot_of(Example(sql="SELECT a FROM t")), ()).endpoints == ()


def test_a_finding_names_the_endpoint_as_the_list_does() -> None:
    snapshot = snapshot_of(Example(sql="SELECT * FROM a WHERE b NOT IN (SELECT c FROM d)"))
    tagged = tuple(replace(each, tags=(("http_method", "get"), ("route", "/a/:b"))) for each in snapshot.statements)
    report = advise(replace(snapshot, statements=tagged))
    assert report.findings
    assert {finding.where.endpoint for finding in report.findings} == {"GET /a/{b}"}


def test_a_findings_key_does_not_hang_on_the_endpoint_that_came_first() -> None:
    snapshot = snapshot_of(Example(sql="SELECT * FROM a WHERE b NOT IN (SELECT c FROM d)"))
    keys = []
    for route in ("/a", "/b"):
        tagged = tuple(replace(each, tags=(("route", route),)) for each in snapshot.statements)
        keys.append([finding.key for finding in advise(replace(snapshot, statements=tagged)).findings])
    assert keys[0] == keys[1]


def test_rules_of_requests_run_where_logs_are_and_say_so_when_nothing_else_was_asked() -> None:
    bare = snapshot_of(Example(sql="SELECT a FROM t"))
    asked = [rule for rule in all_rules() if rule.kind == "endpoint"]
    assert not {rule.name for rule in asked} & {each.rule for each in advise(bare).rules_not_run}
    assert {each.reason for each in advise(bare, asked).rules_not_run} == {"no log was read"}
    without = advise(replace(bare, logs=Logs()), asked)
    assert [each.reason.partition(":")[0] for each in without.rules_not_run] == ["the logs tell of no request"] * 7
