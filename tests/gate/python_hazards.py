"""Hazards as revisions of Alembic and migrations of Django: one of each rule that has a safe form."""

from collections.abc import Sequence
from typing import NamedTuple


class Hazard(NamedTuple):
    """One migration in Python."""

    rule: str
    schema: str
    """What was there before: statements of Python for Alembic, operations for Django."""
    up: str
    down: str = ""
    more: str | None = None
    """How the lines begin that its safe form leaves in the schema besides."""
    fails: bool = False
    """The short way cannot be gone at all."""
    is_by_hand: bool = False
    """Its safe form stands beside the old, or ends in another type: no file is rewritten."""
    model: str = ""
    """Django's models as they are in the end."""
    model_by_hand: str | None = None
    """The same where the safe form leaves a part of the change to a later migration."""

    @property
    def name(self) -> str:
        """Of its file."""
        return self.rule.replace("-", "_")[:32]


class Sql(NamedTuple):
    """A hazard in plain SQL, for both."""

    rule: str
    schema: str
    up: Sequence[str]
    down: Sequence[str]
    more: str | None = None
    fails: bool = False
    is_by_hand: bool = False


def table(name: str, columns: str = "id bigint PRIMARY KEY, email text, total int") -> str:
    """A table with more rows than one batch changes."""
    rows = f"INSERT INTO {name} (id) SELECT generate_series(1, 7000)" if columns.startswith("id ") else "SELECT 1"
    return f"CREATE TABLE {name} ({columns}); {rows}"


def partitioned(name: str, *, is_attached: bool = True) -> str:
    """A partitioned table and one partition of it, or one to be."""
    part = f"PARTITION OF {name} FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')" if is_attached else "(at date)"
    return f"CREATE TABLE {name} (at date) PARTITION BY RANGE (at); CREATE TABLE {name}_1 {part}"


BOUND = "FOR VALUES FROM ('2023-01-01') TO ('2024-01-01')"
PROVED = "ALTER TABLE proved ADD CONSTRAINT p CHECK (id > 0) NOT VALID"
SQL = (
    Sql(
        "attach-partition-scans",
        partitioned("attached", is_attached=False),
        [f"ALTER TABLE attached ATTACH PARTITION attached_1 {BOUND}"],
        ["ALTER TABLE attached DETACH PARTITION attached_1"],
    ),
    Sql(
        "auto-increment-column",
        table("counted"),
        ["ALTER TABLE counted ADD COLUMN number bigserial"],
        ["ALTER TABLE counted DROP COLUMN number"],
    ),
    Sql(
        "concurrent-in-transaction",
        table("outside"),
        ["CREATE INDEX CONCURRENTLY outside_email ON outside (email)"],
        ["DROP INDEX outside_email"],
        fails=True,
    ),
    Sql(
        "concurrent-on-partitioned-table",
        partitioned("parts"),
        ["CREATE INDEX CONCURRENTLY parts_at ON parts (at)"],
        ["DROP INDEX parts_at"],
        fails=True,
    ),
    Sql(
        "detach-not-concurrent",
        partitioned("detached"),
        ["ALTER TABLE detached DETACH PARTITION detached_1"],
        [f"ALTER TABLE detached ATTACH PARTITION detached_1 {BOUND}"],
        more="constraint detached_1.",  # PostgreSQL leaves the former bound as a CHECK
    ),
    Sql(
        "domain-constraint-validated-at-once",
        "CREATE DOMAIN address AS text; CREATE TABLE addressed (email address)",
        ["ALTER DOMAIN address ADD CONSTRAINT has_at CHECK (VALUE LIKE '%@%')"],
        ["ALTER DOMAIN address DROP CONSTRAINT has_at"],
    ),
    Sql(
        "enum-value-used-at-once",
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE moody (feels mood)",
        ["ALTER TYPE mood ADD VALUE IF NOT EXISTS 'great'", "ALTER TABLE moody ALTER COLUMN feels SET DEFAULT 'great'"],
        ["ALTER TABLE moody ALTER COLUMN feels DROP DEFAULT", "SELECT 1"],
        fails=True,
    ),
    Sql(
        "foreign-key-type-mismatch",
        f"{table('owned')}; {table('owners')}",
        ["ALTER TABLE owned ADD COLUMN owner_id int REFERENCES owners (id)"],
        ["ALTER TABLE owned DROP COLUMN owner_id"],
        is_by_hand=True,
    ),
    Sql(
        "json-column",
        table("loose"),
        ["ALTER TABLE loose ADD COLUMN props json"],
        ["ALTER TABLE loose DROP COLUMN props"],
        is_by_hand=True,
    ),
    Sql(
        "new-foreign-key-without-index",
        f"{table('unindexed')}; {table('referenced')}",
        ["ALTER TABLE unindexed ADD COLUMN other_id bigint REFERENCES referenced"],
        ["ALTER TABLE unindexed DROP COLUMN other_id"],
        more="index CREATE INDEX unindexed_other_id_idx ON public.unindexed USING btree (other_id)",
    ),
    Sql(
        "primary-key-not-using-index",
        table("keyed", "number bigint"),
        ["ALTER TABLE keyed ADD CONSTRAINT keyed_pkey PRIMARY KEY (number)"],
        ["ALTER TABLE keyed DROP CONSTRAINT keyed_pkey, ALTER COLUMN number DROP NOT NULL"],
    ),
    Sql(
        "refresh-not-concurrent",
        f"{table('summed')}; CREATE MATERIALIZED VIEW sums AS SELECT id FROM summed; CREATE UNIQUE INDEX ON sums (id)",
        ["REFRESH MATERIALIZED VIEW sums"],
        ["SELECT 1"],
    ),
    Sql(
        "rename-enum-value",
        "CREATE TYPE colour AS ENUM ('red', 'green'); CREATE TABLE painted (with_colour colour)",
        ["ALTER TYPE colour RENAME VALUE 'green' TO 'lime'"],
        ["ALTER TYPE colour RENAME VALUE 'lime' TO 'green'"],
        is_by_hand=True,
    ),
    Sql(
        "required-column-without-default",
        table("strict", "number bigint"),
        ["ALTER TABLE strict ADD COLUMN region text NOT NULL"],
        ["ALTER TABLE strict DROP COLUMN region"],
    ),
    Sql(
        "set-tablespace",
        f"{table('spaced')}; CREATE INDEX spaced_email ON spaced (email)",
        ["ALTER INDEX spaced_email SET TABLESPACE pg_default"],
        ["SELECT 1"],
    ),
    Sql(
        "several-foreign-keys-at-once",
        f"{table('pair', 'a bigint, b bigint')}; {table('first')}; {table('second')};"
        "CREATE INDEX ON pair (a); CREATE INDEX ON pair (b)",
        [
            "ALTER TABLE pair ADD CONSTRAINT pair_a FOREIGN KEY (a) REFERENCES first NOT VALID, "
            "ADD CONSTRAINT pair_b FOREIGN KEY (b) REFERENCES second NOT VALID",
            "ALTER TABLE pair VALIDATE CONSTRAINT pair_a",
            "ALTER TABLE pair VALIDATE CONSTRAINT pair_b",
        ],
        ["ALTER TABLE pair DROP CONSTRAINT pair_a, DROP CONSTRAINT pair_b", "SELECT 1", "SELECT 1"],
    ),
    Sql("vacuum-full", table("swept"), ["VACUUM FULL swept"], ["SELECT 1"], fails=True),
    Sql(
        "validated-in-same-transaction",
        table("bound"),
        ["ALTER TABLE bound ADD CONSTRAINT b CHECK (total > 0) NOT VALID", "ALTER TABLE bound VALIDATE CONSTRAINT b"],
        ["ALTER TABLE bound DROP CONSTRAINT b", "SELECT 1"],
    ),
    Sql(
        "whole-table-changed-at-once",
        table("changed"),
        ["UPDATE changed SET email = 'it''s 100% \\ \"so\" at 10:00'"],
        ["SELECT 1"],
    ),
    Sql(
        "work-after-exclusive-lock",
        f"{table('locked')}; {table('proved')}; {PROVED}",
        ["ALTER TABLE locked ADD COLUMN note text", "ALTER TABLE proved VALIDATE CONSTRAINT p"],
        ["ALTER TABLE locked DROP COLUMN note", f"ALTER TABLE proved DROP CONSTRAINT p; {PROVED}"],
    ),
)


def _lines(statements: Sequence[str]) -> str:
    return "\n    ".join(f"op.execute({each!r})" for each in statements)


_OP = (
    Hazard(
        "backfill-in-schema-transaction",
        table("filled"),
        'op.add_column("filled", sa.Column("active", sa.Boolean))\n'
        '    op.execute(\n        """\n        UPDATE filled\n        SET active = true\n        """\n    )',
        'op.drop_column("filled", "active")',
    ),
    Hazard(
        "check-validated-at-once",
        table("checked"),
        'op.create_check_constraint(\n        "total_bound",\n        "checked",\n        "total > 0",  # yes\n    )',
        'op.drop_constraint("total_bound", "checked")',
    ),
    Hazard(
        "foreign-key-validated-at-once",
        f"{table('children', 'id bigint PRIMARY KEY, parent_id bigint')}; {table('parents')};"
        "CREATE INDEX children_parent ON children (parent_id)",
        'op.create_foreign_key("children_parents", "children", "parents", ["parent_id"], ["id"], ondelete="CASCADE")',
        'op.drop_constraint("children_parents", "children")',
    ),
    Hazard(
        "index-not-concurrent",
        table("indexed"),
        'op.create_index("indexed_email", "indexed", ["email"], postgresql_where=sa.text("total > 0"))\n'
        '    op.create_index(\n        op.f("indexed_total"),\n        "indexed",\n        ["total"]\n    )\n'
        '    if True:\n        op.drop_index("indexed_email", table_name="indexed")',
        'op.drop_index("indexed_total", table_name="indexed")',
    ),
    Hazard(
        "lock-timeout-missing",
        table("patient"),
        'op.add_column("patient", sa.Column("note", sa.Text))',
        'op.drop_column("patient", "note")',
    ),
    Hazard(
        "rename-column",
        table("users", "id bigint PRIMARY KEY, name varchar(50)"),
        'op.alter_column("users", "name", new_column_name="full_name")',
        'op.alter_column("users", "full_name", new_column_name="name")',
        is_by_hand=True,
    ),
    Hazard(
        "rename-table",
        table("bought"),
        'op.rename_table("bought", "purchases")',
        'op.rename_table("purchases", "bought")',
        is_by_hand=True,
    ),
    Hazard(
        "set-not-null-scans",
        table("nullable", "number bigint"),
        'op.alter_column("nullable", "number", existing_type=sa.BigInteger(), nullable=False)',
        'op.alter_column("nullable", "number", nullable=True)',
    ),
    Hazard(
        "stored-generated-column",
        table("computed"),
        'op.add_column("computed", sa.Column("twice", sa.Integer, sa.Computed("total * 2", persisted=True)))',
        'op.drop_column("computed", "twice")',
        is_by_hand=True,
    ),
    Hazard(
        "type-change-rewrites",
        table("typed"),
        'op.alter_column("typed", "total", type_=sa.BigInteger())',
        'op.alter_column("typed", "total", type_=sa.Integer())',
        is_by_hand=True,
    ),
    Hazard(
        "unique-not-using-index",
        table("tokens"),
        'op.create_unique_constraint("tokens_email_key", "tokens", ["email"])',
        'op.drop_constraint("tokens_email_key", "tokens")',
    ),
    Hazard(
        "volatile-default",
        table("seen"),
        'op.add_column(\n        "seen",\n'
        '        sa.Column("token", sa.Uuid, server_default=sa.text("gen_random_uuid()"), nullable=False),\n    )',
        'op.drop_column("seen", "token")',
    ),
)
ALEMBIC = (
    *(each._replace(schema=_lines([each.schema])) for each in _OP),
    *(
        Hazard(each.rule, _lines([each.schema]), _lines(each.up), _lines(each.down),
               each.more, each.fails, each.is_by_hand)
        for each in SQL
    ),
)  # fmt: skip


def _model(name: str, *fields: str, meta: str = "") -> str:
    lines = "".join(f"    {each}\n" for each in fields)
    return f"class {name}(models.Model):\n{lines}" + (f"\n    class Meta:\n        {meta}\n" if meta else "")


def _made(name: str, *fields: str) -> str:
    told = ", ".join(f'("{field}", {kind})' for field, _, kind in (each.partition(" = ") for each in fields))
    key = (
        '("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"))'
    )  # fmt: skip
    rows = f'migrations.RunSQL("INSERT INTO shop_{name.lower()} (id) SELECT generate_series(1, 7000)"),'
    return f'migrations.CreateModel(name="{name}", fields=[{key}, {told}]),\n        {rows}'


NUMBER = "number = models.IntegerField(null=True)"
EMAIL = "email = models.CharField(max_length=50, null=True)"
TWICE = "models.GeneratedField(expression=models.F('number') * 2, output_field=models.IntegerField(), db_persist=True)"
PARENT = "models.ForeignKey('shop.Parent', models.CASCADE, null=True)"
OTHER = "models.ForeignKey('shop.Parent', models.CASCADE, null=True, related_name='+')"
UNBOUND = "models.ForeignKey('shop.Parent', models.CASCADE, null=True, db_constraint=False)"
POSITIVE = 'models.CheckConstraint(condition=models.Q(number__gt=0), name="positive")'
_NATIVE = (
    Hazard(
        "index-not-concurrent",
        _made("Indexed", EMAIL, NUMBER)
        + '\n        migrations.AddIndex("indexed", models.Index(fields=["number"], name="indexed_number")),',
        'migrations.AddIndex(\n            model_name="indexed",\n'
        '            index=models.Index(fields=["email"], name="indexed_email"),\n        ),\n'
        '        migrations.RemoveIndex("indexed", "indexed_number"),\n'
        "        migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop),\n"
        '        migrations.AlterField("indexed", "number", models.IntegerField(db_index=True, null=True)),',
        model=_model("Indexed", EMAIL, "number = models.IntegerField(db_index=True, null=True)",
                     meta='indexes = [models.Index(fields=["email"], name="indexed_email")]'),
    ),
    Hazard(
        "check-validated-at-once",
        _made("Checked", NUMBER),
        f'migrations.AddConstraint(model_name="checked", constraint={POSITIVE}),',
        model=_model("Checked", NUMBER, meta=f"constraints = [{POSITIVE}]"),
    ),
    Hazard(
        "unique-not-using-index",
        _made("Token", EMAIL, NUMBER),
        'migrations.AddConstraint("token", models.UniqueConstraint(fields=["number"], name="token_number")),\n'
        '        migrations.AlterField("token", "email", models.CharField(max_length=50, null=True, unique=True)),',
        model=_model("Token", "email = models.CharField(max_length=50, null=True, unique=True)", NUMBER,
                     meta='constraints = [models.UniqueConstraint(fields=["number"], name="token_number")]'),
    ),
    Hazard(
        "foreign-key-validated-at-once",
        f"{_made('Parent', NUMBER)}\n        {_made('Child', NUMBER, f'parent = {UNBOUND}')}",
        f'migrations.AlterField("child", "parent", {PARENT}),\n'
        f'        migrations.AddField("child", "other", {OTHER}),',
        model=_model("Parent", NUMBER) + "\n\n" + _model("Child", NUMBER, f"parent = {PARENT}", f"other = {OTHER}"),
    ),
    Hazard(
        "set-not-null-scans",
        _made("Strict", NUMBER),
        'migrations.AlterField("strict", "number", models.IntegerField(default=0), preserve_default=False),',
        model=_model("Strict", "number = models.IntegerField()"),
    ),
    Hazard(
        "type-change-rewrites",
        _made("Typed", NUMBER),
        'migrations.AlterField("typed", "number", models.BigIntegerField(null=True)),',
        model=_model("Typed", "number = models.BigIntegerField(null=True)"),
        model_by_hand=_model("Typed", NUMBER),
        is_by_hand=True,
    ),
    Hazard(
        "rename-column",
        _made("Renamed", NUMBER),
        'migrations.RenameField("renamed", "number", "amount"),',
        model=_model("Renamed", "amount = models.IntegerField(null=True)"),
        is_by_hand=True,
    ),
    Hazard(
        "rename-table",
        _made("Bought", NUMBER),
        'migrations.RenameModel("Bought", "Purchase"),',
        model=_model("Purchase", NUMBER),
        is_by_hand=True,
    ),
    Hazard(
        "lock-timeout-missing",
        _made("Patient", NUMBER),
        'migrations.AddField("patient", "note", models.TextField(default="it\'s")),',
        model=_model("Patient", NUMBER, 'note = models.TextField(default="it\'s")'),
    ),
    Hazard(
        "backfill-in-schema-transaction",
        _made("Filled", NUMBER),
        'migrations.AddField("filled", "active", models.BooleanField(null=True)),\n'
        '        migrations.RunSQL("UPDATE shop_filled SET active = true", migrations.RunSQL.noop, elidable=True),',
        model=_model("Filled", NUMBER, "active = models.BooleanField(null=True)"),
    ),
    Hazard(
        "volatile-default",
        _made("Seen", NUMBER),
        'migrations.AddField("seen", "token", models.UUIDField(db_default=RandomUUID())),',
        model=_model("Seen", NUMBER, "token = models.UUIDField(db_default=RandomUUID())"),
    ),
    Hazard(
        "stored-generated-column",
        _made("Computed", NUMBER),
        f'migrations.AddField("computed", "twice", {TWICE}),',
        model=_model("Computed", NUMBER, f"twice = {TWICE}"),
        is_by_hand=True,
    ),
)  # fmt: skip
DJANGO = (
    *_NATIVE,
    *(
        Hazard(
            each.rule,
            f"migrations.RunSQL({each.schema!r}),",
            "\n        ".join(
                f"migrations.RunSQL({up!r}, {back!r})," for up, back in zip(each.up, each.down, strict=True)
            ),
            "", each.more, each.fails, each.is_by_hand,
        )
        for each in SQL
    ),
)  # fmt: skip
