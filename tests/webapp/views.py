"""The shop's pages: as they were written, and mended."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests.webapp.drive import SHOWN
from tests.webapp.models import Customer, Order, Product


def orders(request: HttpRequest) -> HttpResponse:
    """A customer for each order: one query each."""
    rows = [f"{order.id} {order.customer.name}" for order in Order.objects.order_by("-id")[:SHOWN]]
    return HttpResponse("\n".join(rows))


def mended_orders(request: HttpRequest) -> HttpResponse:
    found = Order.objects.select_related("customer").order_by("-id")[:SHOWN]
    return HttpResponse("\n".join(f"{order.id} {order.customer.name}" for order in found))


def account(request: HttpRequest, number: int) -> HttpResponse:
    """The greeting and the sum ask for the customer, each by itself."""
    return HttpResponse(f"{_greeting(number)}: {_spent(number)}")


def _greeting(number: int) -> str:
    return f"Hello {Customer.objects.get(pk=number).name}"


def _spent(number: int) -> int:
    customer = Customer.objects.get(pk=number)
    return sum(order.total for order in Order.objects.filter(customer=customer))


def mended_account(request: HttpRequest, number: int) -> HttpResponse:
    customer = Customer.objects.get(pk=number)
    spent = sum(order.total for order in Order.objects.filter(customer=customer))
    return HttpResponse(f"Hello {customer.name}: {spent}")


def search(request: HttpRequest) -> HttpResponse:
    """Every label is read for a part of one."""
    found = Product.objects.filter(label=request.GET["q"])
    return HttpResponse("\n".join(product.sku for product in found))


def mended_search(request: HttpRequest) -> HttpResponse:
    found = Product.objects.filter(sku=request.GET["q"])
    return HttpResponse("\n".join(product.label for product in found))


urlpatterns = [
    path("orders/", orders),
    path("accounts/<int:number>/", account),
    path("search/", search),
    path("mended/orders/", mended_orders),
    path("mended/accounts/<int:number>/", mended_account),
    path("mended/search/", mended_search),
]
