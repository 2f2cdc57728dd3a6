"""What the user wishes of the index advice: its limits, and the indexes asked about."""

from pgadvisor.model.record import Record

MOST_WORSE = 0.1
"""A statement that gets a tenth dearer is hardly noticed, and a plan's cost is no more exact than that."""
LEAST_GAIN = 1e-5
"""An index that saves less is not worth the words."""
LEAST_FALL = 0.15
"""Plans that differ by less run as they like: costs are no promise."""
LEAST_UNITS = 10.0
"""Planner units, about 0.03 ms: what a call saves below that is lost in its round trip. To INCLUDE what spares a look
into the table saves 1 to 4 a row, and that only while all rows are visible to all."""
TIME_LIMIT_S = 60.0
"""A person waits a minute; the best set found by then is within a few percent on all that was tried."""


class Wishes(Record):
    """The limits of a choice of indexes."""

    budget_bytes: int | None = None
    """For all new indexes together; None: no limit."""
    most_new: int | None = None
    """How many indexes to create at most; None: no limit."""
    most_worse: float = MOST_WORSE
    """How much dearer any statement may get, as a share of its cost."""
    least_fall: float = LEAST_FALL
    """A new index counts for a statement only where its cost falls by more than this share."""
    least_units: float = LEAST_UNITS
    """And by more than so many planner units a call: an index of a fast statement is not swapped for its copy."""
    least_units_served: float = LEAST_UNITS
    """The same, where an index already serves the statement on that table."""
    least_gain: float = LEAST_GAIN
    """What share of the workload's cost each new index must save beside the others."""
    least_ms: float = 0.0
    """And how many milliseconds a day, where it is known how long the workload has been counted."""
    room_price: float = 0.0
    """What share of the workload's cost indexes as large as all tables together must save to be worth their room."""
    why: tuple[str, ...] = ()
    """The indexes asked about: `CREATE INDEX …`, whole, with schema and a free name, or `schema.name` of one that is
    there."""
    time_limit_s: float = TIME_LIMIT_S
    """After it the best set found is given, with what is proved of it by then."""
    workload_is_given: bool = False
    """The statements are those of a file: its calls are taken for those of a day."""
