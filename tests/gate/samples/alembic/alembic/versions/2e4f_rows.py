"""rows"""

from alembic import op

revision = "2e4f"
down_revision = "0c3d"


def upgrade():
    rows = op.get_bind().execute("SELECT id FROM orders").fetchall()
    for row in rows:
        op.execute(f"UPDATE orders SET note = '' WHERE id = {row[0]}")


def downgrade():
    pass
