"""What was not read of a log, and what to do about it: the sentences that go into reports."""

DAMAGED = "packed data that are damaged from here on"
BINARY = "binary data"
CONTINUATION = "continuation of a record that is not there"
JUNK = "line that begins no record"
WITHOUT_TEXT = "duration without a text (parsing or binding, or log_statement is off)"
TOO_LONG = "record over {} MB"
PLAN = "plan in {}, which is not read"
ENDPOINT = "request of an endpoint beyond the first {:,}"
KIND = "statement beyond the first {:,} kinds"
STRANGE = "no log of PostgreSQL that is understood"

_CURES = {
    DAMAGED: "copy the file again, or pack it again when nobody writes to it",
    BINARY: "see whether the file was copied while it was written, or a disk was full",
    CONTINUATION: "give the file before it as well: this one begins within a record",
    JUNK: "look at that line: if it is the server's, give --log-line-prefix as `SHOW log_line_prefix` has it",
    WITHOUT_TEXT: "set log_min_duration_statement = 0 in place of log_duration, so that texts stand beside durations",
    TOO_LONG: "leave it if it is an import or a bulk INSERT: that run alone is not counted",
    PLAN: "set auto_explain.log_format = json",
    ENDPOINT: "tag statements with the route's pattern, `/orders/{id}`, and not with the path",
    KIND: "make names in statements constant: a table or a column that is called anew each time makes a new kind",
    STRANGE: "give --log-line-prefix as `SHOW log_line_prefix` has it, or log in English (lc_messages = C)",
}


def cure_of(reason: str) -> str:
    """What to do about what was not read for that reason."""
    found = (cure for told, cure in _CURES.items() if reason.startswith(told.partition("{")[0]))
    return next(found, "look at the file there")
