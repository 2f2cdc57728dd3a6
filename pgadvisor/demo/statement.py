"""What a statement of the demo's workload is, and where its parameter values come from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

CUSTOMERS, PRODUCTS, CATEGORIES, ORDERS, DRAFTS, SESSIONS, COUPONS = 40_000, 4_000, 40, 60_000, 500, 60_000, 1_990
"""How many rows rows.sql makes; the last of the orders are drafts, which nothing refers to."""


class Draw:
    """Parameter values as the shop's users would give them: the same for the same seed."""

    def __init__(self, random: Random, now: datetime) -> None:
        """`now`: the moment that the shop's rows were counted back from."""
        self.random = random
        self.now = now
        self._drafts = iter(range(ORDERS - DRAFTS + 1, ORDERS + 1))
        self._invoices = iter(range(900_000 + ORDERS + 1, 2_000_000))

    def customer(self) -> int:
        """A customer; few come often."""
        return 1 + int(CUSTOMERS * self.random.random() ** 3)

    def email(self) -> str:
        """A customer's address as it was stored."""
        return f"customer{self.customer()}@example.com"

    def product(self) -> int:
        """A product; few sell well."""
        return 1 + int(PRODUCTS * self.random.random() ** 2)

    def category(self) -> int:
        """A category."""
        return self.random.randint(1, CATEGORIES)

    def order(self) -> int:
        """An order that was paid and sent."""
        return self.random.randint(1, ORDERS - DRAFTS)

    def draft(self) -> int:
        """A draft order, another one each time."""
        return next(self._drafts)

    def invoice(self) -> int:
        """The number of a new invoice."""
        return next(self._invoices)

    def day(self) -> tuple[datetime, datetime]:
        """Beginning and end of some day of the last three weeks."""
        begin = self.ago(1 + self.up_to(20))
        return begin, begin + timedelta(days=1)

    def session(self) -> int:
        """A session."""
        return self.random.randint(1, SESSIONS)

    def ago(self, days: float) -> datetime:
        """The moment so many days ago."""
        return self.now - timedelta(days=days)

    def hub(self) -> tuple[str, str, str]:
        """A hub with its region and its carrier."""
        letter = "ABCD"[int(4 * self.random.random() ** 2)]
        return f"Hub {letter}", f"Region {letter}", f"Carrier {letter}"

    def up_to(self, most: int) -> int:
        """A number from 1 to `most`."""
        return self.random.randint(1, most)

    def letters(self, count: int) -> str:
        """Letters that people search for."""
        return "".join(self.random.choices("0123456789abcdef", k=count))


def nothing(_: Draw) -> tuple[object, ...]:
    """The values of a statement without parameters."""
    return ()


@dataclass(frozen=True, kw_only=True)
class ShopStatement:
    """A statement of the workload."""

    name: str
    sql: str
    """With `$1`, `$2`, … where the application binds values."""
    calls: int
    values: Callable[[Draw], tuple[object, ...]] = nothing
    rules: tuple[str, ...] = ()
    """The rules that must find something in it; none: it is clean, and no rule may."""
    also: tuple[str, ...] = ()
    """Rules that may speak as well: they see the same problem from another side."""
    route: str | None = None
    """The endpoint that sends it: told in a sqlcommenter comment."""

    @property
    def is_clean(self) -> bool:
        """Whether no rule may find anything in it."""
        return not self.rules

    @property
    def text(self) -> str:
        """What is sent to the server."""
        if self.route is None:
            return self.sql
        return f"{self.sql} /*route='{self.route.replace('/', '%2F').replace(':', '%3A')}'*/"
