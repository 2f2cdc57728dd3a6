from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shop", "0002_change")]
    operations = [
        AddIndexConcurrently("order", models.Index(fields=["total"], name="order_total_idx")),
        migrations.RunSQL("ALTER TABLE shop_order ALTER COLUMN total SET NOT NULL"),
    ]
