"""Time zones as logs spell them."""

import re

_HOURS = {
    "UTC": 0, "GMT": 0, "Z": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "IST": 5.5, "JST": 9, "KST": 9, "AWST": 8, "ACST": 9.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5, "AKST": -9, "AKDT": -8, "HST": -10, "HDT": -9, "SST": -11,
    "WAT": 1, "CAT": 2, "SAST": 2, "EAT": 3, "IDT": 3, "PKT": 5, "WIB": 7, "WITA": 8, "WIT": 9, "HKT": 8, "ChST": 10,
}  # fmt: skip
"""Abbreviations that log_timezone of common regions gives; where two regions share one, the larger."""
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d\d)?")


def ahead_us(zone: str) -> int:
    """How many microseconds its clocks are ahead of UTC; 0 for a zone that is not known."""
    if found := _OFFSET.fullmatch(zone):
        return (-1 if found[1] == "-" else 1) * (int(found[2]) * 60 + int(found[3] or 0)) * 60_000_000
    return round(_HOURS.get(zone, 0) * 3_600_000_000)
