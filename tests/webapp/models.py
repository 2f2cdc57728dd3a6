"""The shop's tables."""

from django.db import models


class Customer(models.Model):
    name = models.TextField()

    class Meta:
        app_label = "webapp"
        db_table = "customer"


class Order(models.Model):
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    total = models.IntegerField()

    class Meta:
        app_label = "webapp"
        db_table = "orders"


class Product(models.Model):
    sku = models.TextField(unique=True)
    label = models.TextField()

    class Meta:
        app_label = "webapp"
        db_table = "product"
