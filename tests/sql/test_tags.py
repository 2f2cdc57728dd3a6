"""Tests of sqlcommenter and marginalia tags."""

import pytest

from pgadvisor.sql.tags import read_tags


@pytest.mark.parametrize(
    ("text", "tags", "rest"),
    [
        (
            "SELECT 1 /*action='show',controller='orders',route='%2Forders%2F%3Aid'*/",
            (("action", "show"), ("controller", "orders"), ("route", "/orders/:id")),
            "SELECT 1",
        ),
        ("/* app='shop' , db_driver='a+b%2Cc' */ SELECT 1;", (("app", "shop"), ("db_driver", "a b,c")), "SELECT 1;"),
        ("SELECT 1 /*name='it\\'s'*/;", (("name", "it's"),), "SELECT 1;"),
        (
            "SELECT 1 /*app:shop,controller:orders,action:show,line:/app/x.rb:3:in `f'*/",
            (("app", "shop"), ("controller", "orders"), ("action", "show"), ("line", "/app/x.rb:3:in `f'")),
            "SELECT 1",
        ),
        (
            "/*application:Shop,job:Sweep*/ SELECT 1 /*route='x'*/",
            (("application", "Shop"), ("job", "Sweep"), ("route", "x")),
            "SELECT 1",
        ),
        ("SELECT 1 -- app:shop", (), "SELECT 1 -- app:shop"),
        ("SELECT 1 /* TODO: later */", (), "SELECT 1 /* TODO: later */"),
        ("SELECT /*a='b'*/ 1", (), "SELECT /*a='b'*/ 1"),
        ("SELECT '/*a=''b''*/'", (), "SELECT '/*a=''b''*/'"),
        ("/* pgadvisor */ SELECT 1", (), "/* pgadvisor */ SELECT 1"),
        ("SELECT 1 /*a='b', c*/", (), "SELECT 1 /*a='b', c*/"),
        ("SELECT 'cut /*a='b'", (), "SELECT 'cut /*a='b'"),
        ("SELECT 1", (), "SELECT 1"),
        ("", (), ""),
        ("/*a='b'*/", (("a", "b"),), ""),
    ],
)
def test_read_tags(text: str, tags: tuple[tuple[str, str], ...], rest: str) -> None:
    assert read_tags(text) == (tags, rest)
