"""What tags tell of a request beside its endpoint: its id, and the line of code."""

import pytest

from pgadvisor.sql.endpoint_name import code_line, request_id

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ((("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),), TRACE),
        ((("request_id", "r-1"), ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")), TRACE),
        ((("traceparent", "of another form"), ("Request_ID", "r-1")), "r-1"),
        ((("route", "/orders"),), None),
        ((), None),
    ],
)
def test_the_trace_goes_before_an_id_of_the_request(tags: tuple[tuple[str, str], ...], found: str | None) -> None:
    assert request_id(tags) == found


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ((("source_location", "app/models/order.rb:42"),), "app/models/order.rb:42"),
        ((("line", "/srv/app/models/order.rb:42:in `total'"),), "/srv/app/models/order.rb:42"),
        ((("file", "orders/views.py"), ("line", "7")), "orders/views.py:7"),
        ((("code.filepath", "orders/views.py"), ("code.lineno", "7")), "orders/views.py:7"),
        ((("line", "7"),), None),
        ((("file", "orders/views.py"),), None),
    ],
)
def test_the_line_of_code_is_read_as_each_library_writes_it(
    tags: tuple[tuple[str, str], ...], found: str | None
) -> None:
    assert code_line(tags) == found
