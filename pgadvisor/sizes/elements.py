"""What a GIN index keeps of a column: its elements, how many and how frequent, from statistics or sampled values."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from pgadvisor.model.catalog import ColumnStatistics
from pgadvisor.sizes.shape import KeyShape

TRIGRAMS = 40_000
"""More different ones hardly occur: three of about 36 letters and digits."""
HASHED = frozenset({"jsonb_path_ops", "gin_trgm_ops"})
"""Operator classes that keep four bytes of each element."""
LEXEME = 12
"""Bytes of a tsvector beside the letters of a word: its entry, its positions, alignment."""
USUAL_WORD = 8
_WORDS = re.compile(r"[^\W_]+")


class Element(NamedTuple):
    """Elements that are equally frequent."""

    different: float
    """How many."""
    share: float
    """Of the rows, in which one of them is."""
    width: float
    """Bytes of its key in the index."""


def elements_of(key: KeyShape, operator_class: str, rows: float) -> list[Element] | None:
    """The elements of the column; None: nothing tells."""
    found = key.statistics
    if found is not None and found.common_elements:
        return _common(found, rows)
    if not key.values or operator_class not in ("jsonb_ops", "jsonb_path_ops", "gin_trgm_ops"):
        return None
    filled = 1.0 - (found.null_fraction if found else 0.0)
    return _sampled([frozenset(_parts(value, operator_class)) for value in key.values], operator_class, filled, rows)


def _common(found: ColumnStatistics, rows: float) -> list[Element]:
    """From the statistics of arrays and tsvectors: the most common ones, and the rest of the elements of a row."""
    names = found.common_elements or ()
    shares = found.common_element_frequencies[: len(names)]
    filled = 1.0 - found.null_fraction
    lowest = min(shares, default=0.0) * filled
    common = [Element(1.0, share * filled, _stored(name)) for name, share in zip(names, shares, strict=False)]
    width = sum(each.width for each in common) / len(common) if common else float(USUAL_WORD)
    if found.element_count_histogram:
        in_row = found.element_count_histogram[-1]
    else:
        kept = sum(share * (len(name.encode()) + LEXEME) for name, share in zip(names, shares, strict=False))
        in_row = sum(shares) + max(found.average_width_bytes - 4 - kept, 0.0) / (width + LEXEME)
    rest = (in_row - sum(shares)) * filled
    if rest > 0.01:
        # Each is less frequent than the least of the common ones; how much less is not known.
        share = max(lowest / 2, 1.0 / rows)
        common.append(Element(rest / share, share, width))
    return common


def _sampled(samples: list[frozenset[str]], operator_class: str, filled: float, rows: float) -> list[Element]:
    """From sampled values. Of elements seen once there are more that were not seen (Chao 1984)."""
    times = Counter(part for sample in samples for part in sample)
    is_hashed = operator_class in HASHED
    found = [
        Element(1.0, filled * seen / len(samples), 4.0 if is_hashed else _stored(part))
        for part, seen in times.items()
        if seen > 1
    ]
    once = [part for part, seen in times.items() if seen == 1]
    if once:
        twice = sum(1 for seen in times.values() if seen == 2)
        mass = filled * len(once) / len(samples)
        count = min(len(once) + len(once) ** 2 / (2 * (twice + 1)), mass * rows)
        if operator_class == "gin_trgm_ops":
            count = min(count, TRIGRAMS)
        width = 4.0 if is_hashed else sum(_stored(part) for part in once) / len(once)
        found.append(Element(count, mass / count, width))
    return found


def _stored(part: str) -> float:
    """Bytes of an element as a short text."""
    return len(part.encode()) + 1.0


def _parts(value: str, operator_class: str) -> Iterator[str]:
    """What the operator class takes out of a value."""
    if operator_class == "gin_trgm_ops":
        for word in _WORDS.findall(value.lower()):
            padded = f"  {word} "
            yield from (padded[at : at + 3] for at in range(len(padded) - 2))
        return
    try:
        parsed = json.loads(value)
    except ValueError:
        return
    yield from _paths(parsed, "") if operator_class == "jsonb_path_ops" else _keys_and_values(parsed)


def _keys_and_values(value: Any) -> Iterator[str]:
    """jsonb_ops: each key, and each scalar; strings in arrays count as keys. A byte tells the kind."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"k{key}"
            yield from _keys_and_values(inner) if isinstance(inner, dict | list) else (f"v{inner}",)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                yield from _keys_and_values(inner)
            else:
                yield f"k{inner}" if isinstance(inner, str) else f"v{inner}"
    else:
        yield f"v{value}"


def _paths(value: Any, path: str) -> Iterator[str]:
    """jsonb_path_ops: each scalar with the keys that lead to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, path)
    else:
        yield f"{path}={value!r}"
