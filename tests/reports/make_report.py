"""Reports for the tests: of a shop with a dozen findings, of hostile texts, of nothing at all, and of very much."""

from datetime import UTC, datetime, timedelta

import msgspec

from pgadvisor.model.catalog import Server, Table, TableCounters
from pgadvisor.model.finding import Evidence, Finding, Remedy, Rung, Severity, Span, Where
from pgadvisor.model.plan import Plan, PlanNode, StatementPlan
from pgadvisor.model.report import FORMAT, Report, RuleNotRun, TimeShare, UnreadStatement, Verdict
from pgadvisor.model.snapshot import Gap
from pgadvisor.model.workload import Statement, WorkloadTotals
from pgadvisor.rule import foreign_key, node, table

NOW = datetime(2026, 11, 21, 14, 5, tzinfo=UTC)
WEEK_S = 7 * 86_400.0

ORDERS_PAGE = """SELECT o.id, o.placed_at, o.total_cents, c.name
  FROM orders o
  JOIN customer c ON c.id = o.customer_id
 WHERE o.status = $1
 ORDER BY o.placed_at DESC
 LIMIT $2 OFFSET $3"""
ITEMS = "SELECT i.* FROM order_items i WHERE i.product_id = $1"
LOGIN = "SELECT id, password_hash FROM account WHERE lower(email) = $1"
UNPAID = """SELECT c.id, c.name,
       (SELECT count(*) FROM orders o WHERE o.customer_id = c.id AND o.status = $1) AS unpaid
  FROM customer c
 WHERE c.region = $2"""
GONE = "DELETE FROM product p WHERE p.id NOT IN (SELECT i.product_id FROM order_items i)"
REPORT = "SELECT date_trunc($1, placed_at) AS month, sum(total_cents) FROM orders GROUP BY 1 ORDER BY 2 DESC"

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    '"><svg onload=alert(2)>',
    "' autofocus onfocus='alert(3)",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!--<script>alert(4)</script>-->",
    "javascript:alert(5)",
    "\u202eesrever\u202c \u2066mixed\u2069 مرحبا بالعالم 日本語 👩‍👩‍👧‍👦",
    "esc \x1b[31mred\x1b]0;title\x07 bell\x07 nul\x00 csi\x9b2J cr\r over",
    "n" * 3_000,
)
"""Texts that try to act, to hide or to break the layout."""


def span_of(text: str, part: str) -> Span:
    """Where the part stands in the text."""
    start = text.index(part)
    return Span(start=start, end=start + len(part))


def statement(key: str, text: str, calls: int | None = 1_000, mean_ms: float = 10.0, **more: object) -> Statement:
    """A statement of pg_stat_statements, or of a file when the key is `#n`; without calls it has no counters."""
    position = int(key[1:]) if key.startswith("#") else None
    counters: dict[str, object] = {}
    if calls is not None:
        counters = {
            "calls": calls,
            "mean_ms": mean_ms,
            "total_ms": calls * mean_ms,
            "min_ms": mean_ms / 4,
            "max_ms": mean_ms * 9,
            "rows": calls * 3,
            "shared_hit_blocks": calls * 40,
            "shared_read_blocks": calls * 2,
        }
    fields: dict[str, object] = {
        "key": key,
        "text": text,
        "fingerprint": f"f{key}",
        "queryid": None if position else int(key),
        "position": position,
        "line": position and position * 4,
        **counters,
        **more,
    }
    return msgspec.convert(fields, Statement)


def finding(rule: str, severity: Severity, message: str, where: Where, remedy: Remedy, **more: object) -> Finding:
    """A finding with one piece of evidence, unless more says otherwise."""
    return msgspec.structs.replace(
        Finding(
            where=where,
            message=message,
            evidence=(Evidence(rung=Rung.INFERRED, text="the catalog says so"),),
            remedy=remedy,
            wrong_if="the table is to be dropped soon",
            severity=severity,
            rule=rule,
            key=f"{rule}:{where.table}:{where.index}:{where.statement}",
            statements=() if where.statement is None else (where.statement,),
        ),
        **more,
    )


def _orders_join() -> PlanNode:
    """A scan that discards most rows, joined to customers one by one."""
    scan = node(
        "Seq Scan",
        rows=41.0,
        actual=80_000,
        ms=161.0,
        cost=9_800.0,
        table="orders",
        alias="o",
        schema="public",
        filter="(status = ?)",
        rows_removed_by_filter=1_920_000,
        shared_hit_blocks=1_204,
        shared_read_blocks=23_300,
    )
    customer = node(
        "Index Scan",
        rows=1.0,
        actual=1,
        loops=80_000,
        ms=0.0012,
        cost=0.4,
        table="customer",
        alias="c",
        schema="public",
        index="customer_pkey",
        index_condition="(id = o.customer_id)",
        shared_hit_blocks=240_000,
        shared_read_blocks=0,
    )
    return node("Nested Loop", scan, customer, rows=41.0, actual=80_000, ms=291.0, cost=9_850.0, join_type="Inner")


def orders_plan() -> Plan:
    """An analyzed plan of the page of orders: a sort that spills over a scan that discards most rows."""
    sort = node(
        "Sort",
        _orders_join(),
        rows=41.0,
        actual=38_020,
        ms=338.0,
        cost=9_900.0,
        sort_keys=("o.placed_at DESC",),
        sort_method="external merge",
        sort_space_kb=51_200,
        sort_space_type="Disk",
        temp_read_blocks=6_400,
        temp_written_blocks=6_400,
        shared_hit_blocks=241_204,
        shared_read_blocks=23_300,
    )
    root = node(
        "Limit",
        sort,
        rows=20.0,
        actual=20,
        ms=341.0,
        cost=9_901.0,
        shared_hit_blocks=241_204,
        shared_read_blocks=23_300,
    )
    return Plan(root=root, planning_ms=0.31, execution_ms=341.4, has_timing=True, settings=(("work_mem", "4MB"),))


def unpaid_plan() -> Plan:
    """A planned, not analyzed, plan with a subplan for every row."""
    inner = node(
        "Aggregate",
        node(
            "Seq Scan",
            rows=12.0,
            cost=48_000.0,
            table="orders",
            alias="o",
            schema="public",
            filter="((customer_id = c.id) AND (status = ?))",
        ),
        rows=1.0,
        cost=48_000.1,
        strategy="Plain",
        parent_relationship="SubPlan",
        subplan_name="SubPlan 1",
    )
    outer = node(
        "Seq Scan",
        inner,
        rows=5_100.0,
        cost=244_000_000.0,
        table="customer",
        alias="c",
        schema="public",
        filter="(region = ?)",
    )
    return Plan(root=outer, planning_ms=0.2)


def shop_statements() -> tuple[Statement, ...]:
    """The shop's workload, the most costly first."""
    return (
        statement("8113450972365", ORDERS_PAGE, 64_400, 341.0, tags=(("route", "/admin/orders"),)),
        statement("-771235551", UNPAID, 310, 24_800.0),
        statement("4418802", LOGIN, 91_000, 37.1, tags=(("controller", "sessions"), ("action", "create"))),
        statement("55120031", ITEMS, 5_404, 79.0),
        statement("99018", REPORT, 332, 630.0, temp_written_blocks=812_000),
        statement("17", GONE, 2, 88_000.0),
        statement("2206", "SELECT name FROM product WHERE id = $1", 1_204_000, 0.021),
        statement("2207", "SELEC nonsense FROM", 12, 0.4),
    )


def shop_tables() -> tuple[Table, ...]:
    """The shop's tables, the biggest first."""
    busy = TableCounters(
        sequential_scans=64_712,
        sequential_rows_read=129_424_000_000,
        index_scans=1_204_331,
        rows_inserted=2_000_000,
        rows_updated=310_000,
        rows_deleted=120,
        rows_hot_updated=204_000,
        live_rows=2_000_000,
        dead_rows=14_210,
        last_vacuum_at=NOW - timedelta(hours=9),
        last_analyze_at=NOW - timedelta(days=3),
    )
    return (
        table(
            "orders",
            rows=2e6,
            columns={"status": "text", "placed_at": "timestamp with time zone"},
            indexes={"orders_placed_idx": "placed_at", "orders_placed_status_idx": "placed_at, status"},
            constraints=(foreign_key("customer_id", "customer"),),
            counters=busy,
            index_bytes=151_000_000,
        ),
        table("order_items", rows=6.1e6, constraints=(foreign_key("product_id", "product"),), index_bytes=131_000_000),
        table("customer", rows=51_000, columns={"name": "text", "region": "text"}),
        table("account", rows=51_000, indexes={"account_email_key": "UNIQUE email"}),
        table("product", rows=12_000, primary_key=None),
    )


ERRORS: tuple[Finding, ...] = (
    finding(
        "scan-discards-most-rows",
        Severity.ERROR,
        "sequential scan of `orders` reads 2,000,000 rows to keep 80,000",
        Where(table="public.orders", column="status", statement="8113450972365"),
        Remedy(
            text="Create an index on `orders (status, placed_at)`: it finds the rows and gives them in order.",
            sql="CREATE INDEX CONCURRENTLY orders_status_placed_at_idx\n    ON public.orders (status, placed_at);",
            undo="DROP INDEX CONCURRENTLY public.orders_status_placed_at_idx;",
            lock="SHARE UPDATE EXCLUSIVE on orders: reads and writes go on",
            cost="about 43 MB, built in about 4 s; every insert into orders writes one more index entry",
        ),
        evidence=(
            Evidence(rung=Rung.MEASURED, text="EXPLAIN ANALYZE: 1,920,000 of 2,000,000 rows removed by the filter"),
            Evidence(rung=Rung.ESTIMATED, text="with the index the planner's cost falls from 9,901 to 210"),
        ),
        wrong_if="nearly all orders have the status asked for in production",
        gain_ms_per_day=2_900_000.0,
        share=0.546,
        node=3,
        cause="index public.orders (status, placed_at)",
        spans=(span_of(ORDERS_PAGE, "o.status = $1"), span_of(ORDERS_PAGE, "ORDER BY o.placed_at DESC")),
        statements=("8113450972365", "99018"),
    ),
    finding(
        "not-in-subquery",
        Severity.ERROR,
        "`NOT IN` over `order_items.product_id`, which may be NULL: a single NULL and nothing is deleted",
        Where(table="public.order_items", column="product_id", statement="17"),
        Remedy(
            text="Use NOT EXISTS, which means what was meant and can be an anti join.",
            sql="DELETE FROM product p\n WHERE NOT EXISTS (SELECT FROM order_items i WHERE i.product_id = p.id);",
        ),
        evidence=(Evidence(rung=Rung.INFERRED, text="`order_items.product_id` has no NOT NULL constraint"),),
        wrong_if="the column never holds NULL, for reasons the catalog does not know",
        spans=(span_of(GONE, "NOT IN (SELECT i.product_id FROM order_items i)"),),
        share=0.004,
    ),
)


WARNINGS: tuple[Finding, ...] = (
    finding(
        "subplan-per-row",
        Severity.WARNING,
        "subquery on `orders` runs once for each of 5,100 customers",
        Where(table="public.orders", statement="-771235551"),
        Remedy(
            text="Aggregate once and join the result, or index `orders (customer_id, status)`.",
            sql="CREATE INDEX CONCURRENTLY orders_customer_id_status_idx ON public.orders (customer_id, status);",
            undo="DROP INDEX CONCURRENTLY public.orders_customer_id_status_idx;",
            lock="SHARE UPDATE EXCLUSIVE on orders: reads and writes go on",
            cost="about 43 MB",
        ),
        evidence=(Evidence(rung=Rung.ESTIMATED, text="SubPlan 1 is 99.9% of the planner's cost"),),
        wrong_if="`c.region` keeps only a handful of customers in practice",
        spans=(span_of(UNPAID, "(SELECT count(*) FROM orders o WHERE o.customer_id = c.id AND o.status = $1)"),),
        node=1,
        gain_ms_per_day=1_080_000.0,
        share=0.19,
    ),
    finding(
        "function-on-indexed-column",
        Severity.WARNING,
        "`lower(email)` hides `email` from index `account_email_key`",
        Where(table="public.account", column="email", statement="4418802"),
        Remedy(
            text="Index the expression, or compare the bare column.",
            sql="CREATE UNIQUE INDEX CONCURRENTLY account_lower_email_idx ON public.account (lower(email));",
            undo="DROP INDEX CONCURRENTLY public.account_lower_email_idx;",
        ),
        evidence=(Evidence(rung=Rung.MEASURED, text="91,000 calls took 37.1 ms each to return one row"),),
        spans=(span_of(LOGIN, "lower(email)"),),
        gain_ms_per_day=479_000.0,
        share=0.084,
    ),
    finding(
        "sort-spills",
        Severity.WARNING,
        "sort spills 51,200 kB to disk",
        Where(table="public.orders", statement="8113450972365"),
        Remedy(
            text="Give this query a larger work_mem, or let an index give the order.",
            sql="SET LOCAL work_mem = '128MB';",
        ),
        evidence=(Evidence(rung=Rung.MEASURED, text="external merge, 51,200 kB on disk"),),
        spans=(span_of(ORDERS_PAGE, "ORDER BY o.placed_at DESC"),),
        node=1,
        gain_ms_per_day=310_000.0,
        share=0.546,
    ),
    finding(
        "foreign-key-without-index",
        Severity.WARNING,
        "`order_items.product_id` references `product` and no index leads with it",
        Where(table="public.order_items", column="product_id"),
        Remedy(
            text="Create the index.",
            sql="CREATE INDEX CONCURRENTLY order_items_product_id_idx ON public.order_items (product_id);",
        ),
        statements=("55120031",),
        gain_ms_per_day=58_000.0,
        share=0.011,
    ),
    finding(
        "row-estimate-far-off",
        Severity.WARNING,
        "41 rows planned, 80,000 found: 1,951 times more",
        Where(table="public.orders", statement="8113450972365"),
        Remedy(
            text="Refresh the statistics and keep more of them for `status`.",
            sql="ALTER TABLE public.orders ALTER COLUMN status SET STATISTICS 1000;\nANALYZE public.orders;",
        ),
        evidence=(Evidence(rung=Rung.MEASURED, text="EXPLAIN ANALYZE counted them"),),
        node=3,
        share=0.546,
    ),
)


INFOS: tuple[Finding, ...] = (
    finding(
        "duplicate-index",
        Severity.INFO,
        "`orders_placed_idx` is covered by `orders_placed_status_idx`",
        Where(table="public.orders", index="orders_placed_idx"),
        Remedy(
            text="Drop the shorter index.",
            sql="DROP INDEX CONCURRENTLY public.orders_placed_idx;",
            undo="CREATE INDEX CONCURRENTLY orders_placed_idx ON public.orders USING btree (placed_at);",
        ),
    ),
    finding(
        "table-without-primary-key",
        Severity.INFO,
        "`product` has no primary key",
        Where(table="public.product"),
        Remedy(
            text="Add one: replication and tools need it.",
            sql="ALTER TABLE public.product ADD PRIMARY KEY (id);",
            lock="ACCESS EXCLUSIVE on product while the index is built",
        ),
    ),
    finding(
        "select-star",
        Severity.INFO,
        "`i.*` returns 3 columns of `order_items`",
        Where(table="public.order_items", statement="55120031"),
        Remedy(text="Name the columns that the caller needs."),
        spans=(span_of(ITEMS, "i.*"),),
        share=0.011,
    ),
    finding(
        "hash-spills",
        Severity.INFO,
        "aggregation of `orders` writes 812,000 temporary pages",
        Where(table="public.orders", statement="99018"),
        Remedy(text="Aggregate into a table once a day."),
        evidence=(Evidence(rung=Rung.MEASURED, text="pg_stat_statements counts them"),),
        share=0.005,
    ),
    finding(
        "deep-offset",
        Severity.INFO,
        "`OFFSET $3` walks over every row it skips",
        Where(statement="8113450972365", endpoint="GET /admin/orders", file="app/admin/orders.py", line=88),
        Remedy(text="Page by the last row seen: `WHERE (placed_at, id) < ($1, $2)`."),
        spans=(span_of(ORDERS_PAGE, "OFFSET $3"),),
        share=0.546,
    ),
)


def shop_findings() -> tuple[Finding, ...]:
    """A dozen findings of every severity and rung, ranked."""
    return (*ERRORS, *WARNINGS, *INFOS)


PAGE = """# scan-discards-most-rows

A scan reads many rows and throws nearly all of them away.

*plan rule, up to error, since 0.1, needs plans*

## What it finds
A `Seq Scan` whose filter removes nine rows of ten, where an index could find the others.

## When to leave it

- The table is small.
- The statement runs once a night
  and nobody waits for it.

## Source
https://www.postgresql.org/docs/current/indexes-intro.html

## Examples

```sql
SELECT * FROM orders WHERE status = $1
```
"""


PLANS: tuple[StatementPlan, ...] = (
    StatementPlan(statement="8113450972365", kind="analyzed", reason="", plan=orders_plan()),
    StatementPlan(
        statement="-771235551",
        kind="values",
        reason="not run: its expected time of 24.8 s is above the limit of 5 s",
        plan=unpaid_plan(),
    ),
    StatementPlan(statement="17", kind="none", reason="it changes data, and the server refused to plan it"),
)
GAPS: tuple[Gap, ...] = (
    Gap(area="replicas", reason="replication cannot be seen by this role", cure="GRANT pg_monitor TO auditor"),
    Gap(
        area="statistics",
        subject="public.account",
        reason="row security hides its column statistics",
        cure="read as the owner, or `ALTER ROLE auditor BYPASSRLS`",
    ),
)
NOT_RUN: tuple[RuleNotRun, ...] = (
    RuleNotRun(
        rule="unused-index",
        reason="needs replicas, which could not be read",
        cure="GRANT pg_monitor TO auditor",
    ),
)
BY_TABLE = (("orders", 0.71), ("customer", 0.13), ("account", 0.096), ("order_items", 0.04), ("2 other tables", 0.024))
LABELS = ("/admin/orders", "SELECT customer, orders", "sessions#create", "SELECT order_items", "SELECT orders")


def _time(statements: tuple[Statement, ...], total: float) -> tuple[TimeShare, ...]:
    """The shares of the most costly statements and of the rest."""
    timed = [(each.key, each.total_ms or 0.0) for each in statements[: len(LABELS)]]
    rest = total - sum(total_ms for _, total_ms in timed)
    return (
        *(
            TimeShare(label=label, total_ms=total_ms, share=total_ms / total, statement=key)
            for label, (key, total_ms) in zip(LABELS, timed, strict=True)
        ),
        TimeShare(label="3 other statements", total_ms=rest, share=rest / total),
    )


def shop_report() -> Report:
    """The audit of the shop."""
    statements = shop_statements()
    total = sum(each.total_ms or 0.0 for each in statements) * 1.02
    return Report(
        format=FORMAT,
        pgadvisor="0.1.0",
        collected_at=NOW,
        verdict=Verdict(
            headline="Three changes would free about 78% of database time",
            text="8 statements and 5 tables were read. The problems were measured; what a change frees is an estimate. "
            "2 rules could not run: see how far to trust this report.",
            severity=Severity.ERROR,
        ),
        server=Server(version_num=150_018, version="15.18", database="shop", host="db-1", size_bytes=4_210_000_000),
        window_s=WEEK_S,
        totals=WorkloadTotals(
            statements=612,
            calls=1_980_204,
            total_ms=total,
            own_ms=812.0,
            utility_ms=44_100.0,
            since=NOW - timedelta(seconds=WEEK_S),
            evicted=3,
        ),
        observed_ms=total,
        time=_time(statements, total),
        table_shares=tuple(TimeShare(label=name, total_ms=total * share, share=share) for name, share in BY_TABLE),
        time_by_table=tuple(TimeShare(label=name, total_ms=total * share, share=share) for name, share in BY_TABLE),
        findings=shop_findings(),
        statements=statements,
        plans=PLANS,
        tables=shop_tables(),
        gaps=GAPS,
        rules_run=("deep-offset", "duplicate-index", "not-in-subquery", "scan-discards-most-rows", "select-star"),
        rules_not_run=NOT_RUN,
        unread=(UnreadStatement(statement="2207", reason='syntax error at or near "SELEC"', share=0.0),),
        suppressed=1,
        rule_pages=(("scan-discards-most-rows", PAGE),),
    )


def empty_report(*, with_server: bool = False) -> Report:
    """An audit that found nothing because there was nothing."""
    return Report(
        format=FORMAT,
        pgadvisor="0.1.0",
        collected_at=NOW,
        verdict=Verdict(headline="Nothing to change was found", text="0 statements read, no database."),
        server=Server(version_num=180_001, version="18.1", database="empty") if with_server else None,
        rules_run=("select-star",),
        rules_not_run=(RuleNotRun(rule="unused-index", reason="no counters", cure="give a connection"),),
    )


def file_report() -> Report:
    """Statements of a file, without a database."""
    statements = (
        statement("#1", LOGIN, calls=None, name="login"),
        statement("#2", ITEMS, calls=None),
    )
    found = [
        finding(
            "select-star",
            Severity.INFO,
            "`i.*` returns every column",
            Where(statement="#2"),
            Remedy(text="Name the columns."),
            spans=(span_of(ITEMS, "i.*"),),
        ),
    ]
    return msgspec.structs.replace(
        empty_report(),
        verdict=Verdict(headline="1 info found", text="2 statements read, no database.", severity=Severity.INFO),
        statements=statements,
        findings=tuple(found),
    )


def hostile_report() -> Report:
    """The shop with hostile texts in every place that a database or a file can fill."""
    return msgspec.structs.replace(
        shop_report(),
        findings=tuple(_hostile_finding(number, text) for number, text in enumerate(HOSTILE, start=1)),
        statements=tuple(
            statement(
                f"#{number}",
                f"SELECT '{text}' FROM \"{text}\" -- {text}\nWHERE x = $1",
                name=text,
                tags=((text, text),),
            )
            for number, text in enumerate(HOSTILE, start=1)
        ),
        plans=tuple(
            StatementPlan(statement=f"#{number}", kind="values", reason=text, plan=_hostile_plan(text))
            for number, text in enumerate(HOSTILE, start=1)
        ),
        tables=tuple(_hostile_table(text) for text in HOSTILE),
        time=tuple(TimeShare(label=text, total_ms=10.0, share=0.1) for text in HOSTILE),
        time_by_table=tuple(TimeShare(label=text, total_ms=10.0, share=0.1) for text in HOSTILE),
        gaps=tuple(Gap(area="plans", reason=text, cure=text, subject=text) for text in HOSTILE),
        rules_not_run=tuple(RuleNotRun(rule=text, reason=text, cure=text) for text in HOSTILE),
        unread=tuple(UnreadStatement(statement=text, reason=text) for text in HOSTILE),
        verdict=Verdict(headline=HOSTILE[0], text=HOSTILE[1], severity=Severity.WARNING),
        server=Server(version_num=150_018, version=HOSTILE[1], database=HOSTILE[0], host=HOSTILE[3]),
        rule_pages=(("select-star", f"# select-star\n\n{HOSTILE[0]}\n\n## {HOSTILE[1]}\n\n```\n{HOSTILE[4]}\n```\n"),),
    )


def _hostile_finding(number: int, text: str) -> Finding:
    return finding(
        "select-star",
        Severity.WARNING,
        f"{text} and `{text}`",
        Where(table=text, column=text, index=text, file=text, line=1, endpoint=text, statement=f"#{number}"),
        Remedy(text=text, sql=f'DROP INDEX "{text}";', undo=f"-- {text}", lock=text, cost=text),
        evidence=(Evidence(rung=Rung.MEASURED, text=text),),
        wrong_if=text,
        spans=(Span(start=7, end=9_999),),
        node=0,
        key=text,
    )


def _hostile_plan(text: str) -> Plan:
    root = PlanNode(
        node_type="Seq Scan",
        table=text,
        alias=text,
        schema=text,
        filter=text,
        sort_keys=(text,),
        subplan_name=text,
        total_cost=10.0,
        estimated_rows=3.0,
    )
    return Plan(root=root, settings=((text, text),))


def _hostile_table(text: str) -> Table:
    made = table(text, columns={text: text}, partition_key=text)
    index = msgspec.structs.replace(made.indexes[0], name=text, definition=text, constraint=text, is_primary=False)
    return msgspec.structs.replace(made, schema=text, indexes=(index,))


def large_report(findings: int = 500, plans: int = 180, tables: int = 100) -> Report:
    """A report of the size that a big application gives: many findings, many plans."""
    shop = shop_report()
    bases = shop.statements[:6]
    statements = tuple(
        statement(str(1_000 + number), f"{bases[number % 6].text}\n-- {number}", 500 + number, 12.0 + number % 40)
        for number in range(plans)
    )
    source = shop.findings
    many = tuple(_moved(source[number % len(source)], number, bases, statements) for number in range(findings))
    rules = dict.fromkeys(each.rule for each in source)
    return msgspec.structs.replace(
        shop,
        findings=tuple(sorted(many, key=lambda each: each.severity.rank)),
        statements=statements,
        plans=tuple(
            StatementPlan(statement=each.key, kind="analyzed", reason="", plan=orders_plan()) for each in statements
        ),
        tables=tuple(
            msgspec.structs.replace(shop.tables[number % 5], name=f"table_{number}") for number in range(tables)
        ),
        time=(),
        unread=(),
        rule_pages=tuple((rule, PAGE.replace("scan-discards-most-rows", rule)) for rule in rules),
    )


def _moved(found: Finding, number: int, bases: tuple[Statement, ...], statements: tuple[Statement, ...]) -> Finding:
    """The finding on another statement, one with the same text."""
    base = next((at for at, each in enumerate(bases) if each.key == found.where.statement), None)
    if base is None:
        return msgspec.structs.replace(found, key=f"{found.key}:{number}")
    key = statements[(base + 6 * (number // 12)) % len(statements)].key
    return msgspec.structs.replace(
        found,
        key=f"{found.key}:{number}",
        where=msgspec.structs.replace(found.where, statement=key),
        statements=(key,),
    )
