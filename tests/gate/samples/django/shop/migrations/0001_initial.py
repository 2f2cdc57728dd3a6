from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Customer",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("email", models.CharField(max_length=100, unique=True)),
                ("code", models.CharField(max_length=10, db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.BigAutoField(primary_key=True)),
                ("total", models.DecimalField(max_digits=10, decimal_places=2)),
                ("customer", models.ForeignKey(to="shop.customer", on_delete=models.CASCADE)),
            ],
            options={"unique_together": {("customer", "total")}},
        ),
    ]
