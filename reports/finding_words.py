"""What a finding says, in words that the terminal and Markdown share: why, where, how busy, what it frees."""

from pgadvisor.model.finding import Finding
from pgadvisor.reports import format_numbers as numbers
from pgadvisor.reports import labels
from pgadvisor.reports.fix_first import DAY_S, HOUR_S, gain
from pgadvisor.reports.lookup import Lookup


def why(lookup: Lookup, finding: Finding) -> str | None:
    """Why such a thing matters, from its rule's page; None when the report holds no page that says so."""
    return lookup.reasons.get(finding.rule)


def places(lookup: Lookup, finding: Finding) -> tuple[str, ...]:
    """The statement where it has a name or a place of its own, the line of a file, the table, and the endpoint."""
    own = lookup.statement_of(finding)
    place = labels.statement_place(own) if own is not None else None
    name = f'"{own.name}"' if own is not None and own.name else None
    named = ", ".join(part for part in (name, place) if part)
    at = labels.file_place(finding.where)
    told = (named, at if at != place else None, labels.where_label(finding.where), finding.where.endpoint)
    return tuple(dict.fromkeys(part for part in told if part))


def load(lookup: Lookup, finding: Finding) -> str:
    """How busy its statement is, and how many more are concerned."""
    own = lookup.statement_of(finding)
    parts = []
    if own is not None and own.calls is not None:
        parts.append(numbers.plural(own.calls, "call"))
        if own.mean_ms is not None:
            parts.append(f"{numbers.time(own.mean_ms)} a call")
    share = lookup.report.share_of(own.total_ms) if own is not None else None
    if share is not None:
        parts.append(f"{numbers.share(share)} of all time")
    others = len(labels.statements_of(finding)) - 1
    told = [", ".join(parts), f"{numbers.plural(others, 'more statement')} concerned" if others > 0 else ""]
    return "; ".join(part for part in told if part)


def gain_text(lookup: Lookup, finding: Finding) -> str | None:
    """What its change frees, now → after where that is known, in words; None when nothing is known."""
    freed = gain(lookup, finding)
    if (saved := finding.saves_ms_per_request) is not None:
        daily = f", {numbers.time(freed.freed_ms_per_day)} a day" if freed else ""
        return f"saves {numbers.at_most(saved)} of each request{daily}"
    if freed is None:
        return at_most_text(lookup, finding)
    text = "frees " + ("" if freed.is_extrapolated else f"{numbers.time(freed.freed_ms_per_day)} a day")
    if freed.share is not None:
        text += f"{'' if freed.is_extrapolated else ', '}{numbers.share(freed.share)} of all database time"
    if freed.now_ms_per_call is not None:
        text += f"; a call: {numbers.time(freed.now_ms_per_call)} → {numbers.time_after(freed.after_ms_per_call)}"
    elif freed.now_ms_per_day is not None and not freed.is_extrapolated:
        text += f"; in all: {numbers.time(freed.now_ms_per_day)} → {numbers.time_after(freed.after_ms_per_day)} a day"
    return f"{text} (estimated)"


def at_most_text(lookup: Lookup, finding: Finding) -> str | None:
    """Where no gain is known, the time of what it is about: nobody promises that all of it goes."""
    most, window_s = finding.at_most_ms_per_day, lookup.report.window_s
    if not most or finding.gain_ms_per_day is not None or window_s is None:
        return None
    share = lookup.report.share_of(most * window_s / DAY_S)
    daily = None if window_s < HOUR_S else f"{numbers.time(most)} a day"
    told = [each for each in (daily, share and f"{numbers.share(share)} of all database time") if each]
    return f"frees at most {', '.join(told)}" if told else None
