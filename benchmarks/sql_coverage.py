"""How much of real SQL pgadvisor understands, in pg_stat_statements' form, and how fast.

    python benchmarks/sql_coverage.py PATH...

Each PATH is a directory of .sql files, a .sql file, or a .jsonl file whose lines have a field "sql". PostgreSQL's own
regression suite is in Debian's source package (deb-src lines in a sources list, then):

    apt-get source --download-only postgresql-15
    tar xf postgresql-15_*.orig.tar.bz2 --wildcards '*/src/test/regress/sql/*.sql' '*/contrib/*/sql/*.sql'

Of every statement that begins like a query the normalised text is read. Statements that PostgreSQL's grammar rejects as
they stand (tests of error messages, psql variables) are counted apart. A text is lost when its normalised form gives no
Query, or when something was raised.
"""

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pgadvisor.sql.normalize import normalize
from pgadvisor.sql.parse import is_valid
from pgadvisor.sql.reader import Schema, Unread, read_query
from pgadvisor.sql.splitter import split_statements

QUERY = re.compile(r"[\s(]*(select|insert|update|delete|merge|values|with|table)\b", re.IGNORECASE)


def texts_of(path: Path) -> Iterator[str]:
    """The statements of a file or of all files below a directory."""
    if path.is_dir():
        for each in sorted((*path.rglob("*.sql"), *path.rglob("*.jsonl"))):
            yield from texts_of(each)
    elif path.suffix == ".jsonl":
        for line in path.read_text().splitlines():
            yield json.loads(line)["sql"]
    else:
        for statement in split_statements(path.read_text(errors="replace")):
            yield statement.text


def measure(path: Path) -> float:
    """Reads one corpus and prints what was understood; returns the share."""
    texts = [text for text in texts_of(path) if QUERY.match(text)]
    valid = [text for text in texts if is_valid(text)]
    reasons: Counter[str] = Counter()
    examples: dict[str, str] = {}
    spans: Counter[bool] = Counter()
    normalised = [normalize(text) for text in valid]
    unstable = sum(normalize(text) != text for text in normalised)
    began = time.process_time()
    for text in normalised:
        found = read_query(text, Schema())
        if isinstance(found, Unread):
            reason = re.sub(r'"[^"]*"', '"…"', found.reason)
            reasons[reason] += 1
            examples.setdefault(reason, " ".join(text.split())[:100])
        else:
            spans.update(predicate.span is not None for predicate in found.predicates())
    seconds = time.process_time() - began
    lost = sum(reasons.values())
    stable = "none changes" if not unstable else f"{unstable} change"
    share = 1 - lost / len(valid) if valid else 1.0
    print(f"{path.name}: {len(texts)} statements, {len(texts) - len(valid)} not valid as they stand")
    print(f"  understood {len(valid) - lost} of {len(valid)} normalised: {share:.2%}; {stable} when normalised twice")
    print(
        f"  {len(valid) / seconds:.0f} statements/s of CPU; {sum(spans.values())} predicates, {spans[False]} unplaced"
    )
    for reason, count in reasons.most_common(12):
        print(f"  {count:6} {reason}: {examples[reason]}")
    return share


def main() -> None:
    """Measures each path given."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for argument in sys.argv[1:]:
        measure(Path(argument))


if __name__ == "__main__":
    main()
