"""The options of `pgadvisor indexes`: what a budget, a share and `--why` may say, and what is refused."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from pgadvisor.cli.wishes import Asked, Budget, asked_about, budget_of, most_worse_of, wishes_of
from pgadvisor.errors import UsageError
from pgadvisor.model.snapshot import FORMAT, Snapshot
from pgadvisor.rule import table

MB, GB = 1024**2, 1024**3


def snapshot() -> Snapshot:
    orders = replace(table("orders", indexes={"orders_pkey": "id", "My.Idx": "note"}), schema="public")
    items = table("items", indexes={"items_pkey": "id"})
    keys = tuple(replace(each, schema="shop") for each in items.indexes)
    items = replace(items, schema="shop", indexes=keys)
    sized = (replace(orders, heap_bytes=300 * MB), replace(items, heap_bytes=100 * MB))
    return Snapshot(format=FORMAT, pgadvisor="0.1.0", collected_at=datetime.now(UTC), tables=sized)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("10%", Budget(share=0.1)), ("12.5 %", Budget(share=0.125)), ("250%", Budget(share=2.5)),
        ("2GB", Budget(size_bytes=2 * GB)), ("500 MB", Budget(size_bytes=500 * MB)), ("8192", Budget(size_bytes=8192)),
        ("1.5GiB", Budget(size_bytes=GB * 3 // 2)), ("64kB", Budget(size_bytes=65536)),
        (" 3g ", Budget(size_bytes=3 * GB)), ("0", Budget(size_bytes=0)), ("512 B", Budget(size_bytes=512)),
    ],
)  # fmt: skip
def test_a_budget_is_a_share_or_a_size(text: str, budget: Budget) -> None:
    assert budget_of(text) == budget


@pytest.mark.parametrize(
    "text", ["", "%", "-5", "-10%", "ten", "2 GBs", "10%%", "1,000", "GB", "1e9", "2PB", "0x10", "inf", "0.1", "0.5B"]
)
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--budget takes .* 10%, 2GB"):
        budget_of(text)


def test_a_share_is_of_all_tables() -> None:
    assert wishes_of(Asked(budget=Budget(share=0.1)), snapshot()).budget_bytes == 40 * MB
    assert wishes_of(Asked(budget=Budget(size_bytes=5)), snapshot()).budget_bytes == 5
    assert wishes_of(Asked(), snapshot()).budget_bytes is None


def test_a_share_of_what_is_not_known_is_refused() -> None:
    unknown = tuple(replace(each, heap_bytes=None) for each in snapshot().tables)
    with pytest.raises(UsageError, match="as in 2GB"):
        wishes_of(Asked(budget=Budget(share=0.1)), replace(snapshot(), tables=unknown))


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("0.1", 0.1), ("0", 0.0), ("150%", 1.5), ("1", 1.0)])
def test_how_much_worse_is_a_share(text: str, share: float) -> None:
    assert most_worse_of(text) == share


@pytest.mark.parametrize("text", ["10", "-0.1", "ten", "", "1.2x"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"--max-regression .* 10% or 0\.1"):
        most_worse_of(text)


@pytest.mark.parametrize(
    ("text", "known_as"),
    [
        ("CREATE INDEX ON orders (note)", "CREATE INDEX orders_note_idx ON public.orders (note)"),
        ("create index concurrently if not exists mine on orders (note) where id > 7;",
         "CREATE INDEX mine ON public.orders (note) where id > 7"),
        ("CREATE INDEX orders_pkey ON orders (id)", "CREATE INDEX orders_id_idx ON public.orders (id)"),
        ('CREATE INDEX ON shop.items USING gin ("Ünïcode")',
         'CREATE INDEX "items_Ünïcode_idx" ON shop.items USING gin ("Ünïcode")'),
        ("orders_pkey", "public.orders_pkey"), ("shop.items_pkey", "shop.items_pkey"), ('"My.Idx"', "public.My.Idx"),
    ],
)  # fmt: skip
def test_what_is_asked_about_gets_its_whole_name(text: str, known_as: str) -> None:
    """A name that is taken gives way: who asks may have copied the definition of an index that is there."""
    assert wishes_of(Asked(why=asked_about([text])), snapshot()).why == (known_as,)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CREATE INDEX ON orders note)", "syntax error"),
        ("CREATE TABLE t ()", "not a CREATE INDEX"),
        ("CREATE INDEX ON orders (id); DROP TABLE orders", "several statements"),
        ("CREATE INDEX ON nothing (id)", 'no table "nothing"'),
        ("CREATE INDEX ON items (id)", "shop has one"),
        ("nothing_idx", 'no index "nothing_idx"'),
    ],
)
def test_what_cannot_be_asked_about_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=f"--why.*{words}"):
        wishes_of(Asked(why=asked_about([text])), snapshot())
