from django.db import migrations, models


def fill(apps, schema_editor):
    apps.get_model("shop", "Order").objects.update(note="")


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]
    operations = [
        # pgadvisor: ignore missing-lock-timeout (small table)
        migrations.AddField("Order", "note", models.TextField(default="it's")),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField("Customer", "email", models.CharField(max_length=200)),
        migrations.AlterUniqueTogether(name="order", unique_together=set()),
        migrations.AlterField("Customer", "code", models.CharField(max_length=10)),
        migrations.RemoveField("Order", "customer"),
        migrations.RunSQL("UPDATE shop_order SET total = 0", "SELECT 1"),
    ]
