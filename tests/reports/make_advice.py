"""Index advice for the tests: of the shop, of nothing to do, hostile, and of very much."""

import msgspec

from pgadvisor.model.advice import (
    AdvisedIndex,
    CurvePoint,
    DroppedIndex,
    IndexAdvice,
    KeptIndex,
    Measured,
    StatementEffect,
    WhyNot,
)
from pgadvisor.model.plan import Plan, PlanComparison
from pgadvisor.model.report import Report, Verdict
from pgadvisor.rule import node
from tests.reports.make_report import HOSTILE, shop_report

TWIN = "planner twin, PostgreSQL 18.6"
LOCK = "SHARE UPDATE EXCLUSIVE on orders: reads and writes go on"
MB = 1024 * 1024
HOUR_MS = 3_600_000.0
EFFECTS = tuple(
    StatementEffect(statement=key, ratio=after / before, before=before, after=after)
    for key, before, after in (
        ("8113450972365", 3_137_200.0, 61_300.0),
        ("-771235551", 1_098_286.0, 3_400.0),
        ("4418802", 482_300.0, 390.0),
        ("55120031", 60_988.0, 2_100.0),
        ("17", 25_143.0, 25_897.0),
    )
)
"""What all advice does to the shop's statements, in milliseconds a day."""


def _comparison() -> PlanComparison:
    scan = node("Seq Scan", rows=80_000.0, cost=48_000.0, table="orders", alias="o", schema="public",
                filter="(status = ?)")  # fmt: skip
    found = node("Index Scan", rows=20.0, cost=41.5, table="orders", alias="o", schema="public",
                 index="orders_status_placed_at_idx", index_condition="(status = ?)")  # fmt: skip
    sort = node("Sort", scan, rows=80_000.0, cost=59_400.0, sort_keys=("o.placed_at DESC",))
    return PlanComparison(
        change="CREATE INDEX orders_status_placed_at_idx ON public.orders (status, placed_at); and all other advice",
        before=Plan(root=node("Limit", sort, rows=20.0, cost=59_400.0)),
        after=Plan(root=node("Limit", found, rows=20.0, cost=41.5)),
        tried_on=TWIN,
    )


def _created(name: str, table: str, keys: str, size_mb: int, gain: float, /, **more: object) -> AdvisedIndex:
    made: dict[str, object] = {
        "name": name,
        "table": f"public.{table}",
        "definition": f"CREATE INDEX {name} ON public.{table} {keys}",
        "sql": f"CREATE INDEX CONCURRENTLY {name}\n    ON public.{table} {keys};",
        "undo": f"DROP INDEX CONCURRENTLY public.{name};",
        "lock": f"SHARE UPDATE EXCLUSIVE on {table}: reads and writes go on",
        "size_bytes": size_mb * MB,
        "build_s": size_mb / 12,
        "gain": gain,
        "checks": (
            f"SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.{name}'::regclass;",
            f"SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelid = 'public.{name}'::regclass;",
        ),
        **more,
    }
    return msgspec.structs.replace(
        AdvisedIndex(name="", table="", definition="", sql="", undo="", lock=""),
        **made,
    )


def _creates() -> tuple[AdvisedIndex, ...]:
    return (
        _created("account_lower_email_idx", "account", "(lower(email))", 2, 481_900.0, helps=EFFECTS[2:3]),
        _created(
            "orders_status_placed_at_idx",
            "orders",
            "(status, placed_at DESC) WHERE deleted_at IS NULL",
            43,
            3_072_000.0,
            upkeep=8_200.0,
            helps=(EFFECTS[0],),
            hurts=(EFFECTS[4],),
            doubts=("the values of `status` were drawn from the statistics: no call was logged",),
            comparison=_comparison(),
        ),
        _created("orders_customer_id_status_idx", "orders", "(customer_id, status)", 51, 1_094_000.0, upkeep=6_100.0,
                 helps=(EFFECTS[1],)),
        _created("order_items_product_id_idx", "order_items", "(product_id)", 131, 57_900.0, upkeep=1_300.0,
                 helps=(EFFECTS[3],)),
    )  # fmt: skip


def _drops() -> tuple[DroppedIndex, ...]:
    return (
        DroppedIndex(
            name="public.orders_placed_idx",
            table="public.orders",
            why="redundant",
            reason="`orders_placed_status_idx` begins with the same column",
            sql="DROP INDEX CONCURRENTLY public.orders_placed_idx;",
            undo="CREATE INDEX CONCURRENTLY orders_placed_idx ON public.orders USING btree (placed_at);",
            lock="SHARE UPDATE EXCLUSIVE on orders, and waits for transactions that use it",
            size_bytes=43 * MB,
            gain=2_400.0,
            replaced_by=("public.orders_placed_status_idx",),
            cautions=(
                "replicas could not be read: look at `idx_scan` there",
                "the counters are 7 days old: a job at the end of the month was not seen",
            ),
        ),
        DroppedIndex(
            name="public.orders_status_idx",
            table="public.orders",
            why="replaced",
            reason="`orders_status_placed_at_idx`, which is advised, does its work",
            sql="DROP INDEX CONCURRENTLY public.orders_status_idx;",
            undo="CREATE INDEX CONCURRENTLY orders_status_idx ON public.orders USING btree (status);",
            lock="SHARE UPDATE EXCLUSIVE on orders, and waits for transactions that use it",
            size_bytes=19 * MB,
            gain=1_900.0,
            replaced_by=("orders_status_placed_at_idx",),
        ),
    )  # fmt: skip


def _kept() -> tuple[KeptIndex, ...]:
    keys = (
        ("orders_pkey", "orders", "UNIQUE INDEX orders_pkey ON public.orders USING btree (id)", "the primary key", 43),
        ("orders_placed_status_idx", "orders",
         "INDEX orders_placed_status_idx ON public.orders USING btree (placed_at, status)", "used by 2 statements", 60),
        ("account_email_key", "account", "UNIQUE INDEX account_email_key ON public.account USING btree (email)",
         "backs a unique constraint", 2),
    )  # fmt: skip
    return tuple(
        KeptIndex(
            name=f"public.{name}",
            table=f"public.{table}",
            definition=f"CREATE {definition}",
            why=why,
            size_bytes=size * MB,
            statements=("99018", "8113450972365") if "used" in why else (),
        )
        for name, table, definition, why, size in keys
    )


def _curve() -> tuple[CurvePoint, ...]:
    points = ((10, 2, 1, 0.898), (50, 45, 2, 0.254), (100, 96, 3, 0.026), (None, 227, 4, 0.0194))
    return tuple(
        CurvePoint(
            budget_bytes=None if budget is None else budget * MB,
            size_bytes=size * MB,
            indexes=indexes,
            cost_ratio=ratio,
            bound=ratio * 0.996,
            gap=0.004,
            is_knee=size == 96,
        )
        for budget, size, indexes, ratio in points
    )


def _why() -> tuple[WhyNot, ...]:
    return (
        WhyNot(
            definition="CREATE INDEX ON public.orders (status)",
            is_chosen=False,
            verdict="It is dominated: `orders_status_placed_at_idx` does all of its work and gives the order besides.",
            alone=(StatementEffect(statement="8113450972365", ratio=0.41, before=3_137_200.0, after=1_286_000.0),),
            size_bytes=19 * MB,
            upkeep=4_100.0,
            gain_alone=1_847_000.0,
            gain_beside=-4_100.0,
            dominated_by=("orders_status_placed_at_idx",),
        ),
        WhyNot(
            definition="CREATE INDEX ON public.orders USING gin (nothing)",
            is_chosen=False,
            verdict="It could not be tried.",
            error="column `nothing` of `public.orders` does not exist",
        ),
    )


def make_advice(**more: object) -> IndexAdvice:
    """What to do about the shop's indexes."""
    advice = IndexAdvice(
        unit="ms",
        tried_on=TWIN,
        create=_creates(),
        drop=_drops(),
        keep=_kept(),
        before=4_838_000.0,
        after=94_000.0,
        bound=93_600.0,
        gap=0.004,
        size_bytes=227 * MB,
        statements=EFFECTS,
        curve=_curve(),
        candidates=412,
        plans=4_120,
        considered=7,
        left_out=(("2207", 'syntax error at or near "SELEC"'),),
        doubts=("The counters cover 7 days: what runs once a month is not in this workload.",),
    )
    return msgspec.structs.replace(advice, **more)


def measured_advice() -> IndexAdvice:
    """The same, within a budget, asked about, and really built."""
    return make_advice(
        create=_creates()[:3],
        size_bytes=96 * MB,
        budget_bytes=100 * MB,
        why=_why(),
        measured=(
            Measured(statement="8113450972365", before_ms=341.0, after_ms=0.41),
            Measured(statement="-771235551", before_ms=24_800.0, after_ms=96.0),
            Measured(statement="17", before_ms=88_000.0, after_ms=89_100.0),
        ),
        measured_ratio=0.031,
    )


def advised_report(advice: IndexAdvice | None = None) -> Report:
    """The shop's audit with index advice."""
    return msgspec.structs.replace(shop_report(), advice=make_advice() if advice is None else advice)


def idle_advice() -> IndexAdvice:
    """Advice to do nothing."""
    return IndexAdvice(
        unit="ms",
        tried_on=TWIN,
        keep=_kept(),
        before=9_000.0,
        after=9_000.0,
        bound=9_000.0,
        candidates=31,
        considered=7,
        nothing_because="Every statement that costs time already reads its rows by the best index of those tried.",
    )


def hostile_advice() -> IndexAdvice:
    """Hostile texts wherever a database or its reader can fill in one."""
    effects = tuple(StatementEffect(statement=text, ratio=0.5, before=2.0, after=1.0) for text in HOSTILE)
    return make_advice(
        tried_on=HOSTILE[0],
        create=tuple(
            _created("x", "y", "(z)", 1, 1.0, name=text, table=text, definition=text, sql=text, then=text, undo=text,
                     lock=text,
                     checks=(text,), doubts=(text,), helps=effects, hurts=effects)
            for text in HOSTILE
        ),
        drop=tuple(
            DroppedIndex(name=text, table=text, why="replaced", reason=text, sql=text, undo=text, lock=text,
                         replaced_by=HOSTILE, cautions=HOSTILE)
            for text in HOSTILE
        ),
        keep=tuple(KeptIndex(name=text, table=text, definition=text, why=text) for text in HOSTILE),
        statements=effects,
        left_out=tuple((text, text) for text in HOSTILE),
        doubts=HOSTILE,
        why=tuple(
            WhyNot(definition=text, is_chosen=False, verdict=text, alone=effects, dominated_by=HOSTILE)
            for text in HOSTILE
        ) + tuple(WhyNot(definition=text, is_chosen=False, verdict=text, error=text) for text in HOSTILE),
        measured=tuple(Measured(statement=text, before_ms=2.0, after_ms=1.0) for text in HOSTILE),
    )  # fmt: skip


def large_advice(creates: int = 200, kept: int = 2_000) -> IndexAdvice:
    """Advice of the size that a big database gives."""
    shop = make_advice()
    every = tuple(StatementEffect(statement=each.statement, ratio=0.2, before=5.0, after=1.0) for each in EFFECTS) * 8
    return make_advice(
        create=tuple(
            msgspec.structs.replace(
                shop.create[number % 4],
                name=f"{shop.create[number % 4].name}_{number}",
                helps=every,
                comparison=_comparison(),
            )
            for number in range(creates)
        ),
        keep=tuple(
            msgspec.structs.replace(shop.keep[number % 3], name=f"public.table_{number}_key") for number in range(kept)
        ),
        statements=every * 20,
    )


def indexes_report(advice: IndexAdvice | None = None) -> Report:
    """Index advice alone: nobody asked for findings."""
    return msgspec.structs.replace(
        advised_report(advice),
        verdict=Verdict(headline="4 indexes to create, 2 to drop", text="Creating 4 indexes and dropping 2 helps."),
        findings=(),
        rules_run=(),
        rules_not_run=(),
        rule_pages=(),
        suppressed=0,
    )
