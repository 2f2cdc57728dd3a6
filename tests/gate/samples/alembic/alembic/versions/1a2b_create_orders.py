"""create orders"""

import sqlalchemy as sa
from alembic import op

revision = "1a2b"
down_revision = None


def upgrade():
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("total", sa.Numeric),
    )
    op.bulk_insert(
        sa.table("orders", sa.column("id", sa.BigInteger), sa.column("total", sa.Numeric)), [{"id": 1, "total": 2}]
    )


def downgrade():
    op.drop_table("orders")
