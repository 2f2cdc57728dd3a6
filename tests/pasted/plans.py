"""A plan as text and as JSON, and ways in which people paste it."""

import json

SQL = """SELECT o.id, c.name
  FROM orders o JOIN customer c ON c.id = o.customer_id
 WHERE o.status = 'o|pen' ORDER BY o.amount LIMIT 5"""
TEXT = """\
Limit  (cost=406.34..406.36 rows=5 width=49) (actual time=3.101..3.105 rows=5 loops=1)
  Buffers: shared hit=150 read=8
  ->  Sort  (cost=406.34..406.84 rows=200 width=49) (actual time=3.100..3.102 rows=5 loops=1)
        Sort Key: o.amount, (lower(c.name)) DESC
        Sort Method: top-N heapsort  Memory: 25kB
        Buffers: shared hit=150 read=8
        ->  Nested Loop  (cost=0.27..403.02 rows=200 width=49) (actual time=0.050..2.900 rows=210 loops=1)
              Buffers: shared hit=150 read=8
              ->  Seq Scan on orders o  (cost=0.00..398.00 rows=200 width=13) (actual time=0.020..2.100 rows=210 loops=1)
                    Filter: (status = 'o|pen'::text)
                    Rows Removed by Filter: 19790
                    Buffers: shared hit=140 read=8
              ->  Index Scan using customer_pkey on customer c  (cost=0.27..0.30 rows=1 width=12) (actual time=0.002..0.002 rows=1 loops=210)
                    Index Cond: (id = o.customer_id)
                    Buffers: shared hit=10
Planning:
  Buffers: shared hit=12
Planning Time: 0.210 ms
Execution Time: 3.200 ms"""  # noqa: E501
_LINES = TEXT.split("\n")
_WIDTH = max(map(len, _LINES))


def _folded(width: int) -> str:
    """As a terminal of that width shows it, copied."""
    return "\n".join(line[at : at + width].rstrip() for line in _LINES for at in range(0, len(line), width))


def _mailed() -> str:
    """As a mail program wraps it: between words, the rest at the margin."""
    found = []
    for line in _LINES:
        while len(line) > 76 and (at := line.rfind(" (", 30, 76)) > 0:
            found.append(line[:at].rstrip())
            line = line[at + 1 :]
        found.append(line)
    return "\n".join(found)


def _depesz() -> str:
    """As the table of explain.depesz.com is copied: columns of figures before each node, commas in numbers."""
    rows = []
    for at, line in enumerate(_LINES, 1):
        is_node = "(cost=" in line
        text = line.strip().replace("->", "→") if at > 1 else f"→ {line}"
        rows.append(f"{at}.\t1,234.004\t3.105\t↑ 1.0\t5\t1\t{text}" if is_node else line.strip())
    return "#\texclusive\tinclusive\trows x\trows\tloops\tnode\n" + "\n".join(rows)


HEADER = f"{'QUERY PLAN':^{_WIDTH}}\n{'-' * _WIDTH}\n"
DISGUISES: dict[str, str] = {
    "plain": TEXT,
    "one line": f"QUERY PLAN {'-' * _WIDTH} {' '.join(each.strip() for each in _LINES)} (19 rows)",
    "rows of Python": repr([(each,) for each in _LINES]),
    "table of depesz": _depesz(),
    "psql": HEADER + "\n".join(f" {each}" for each in _LINES) + "\n(19 rows)\n\n",
    "psql in French": HEADER + "\n".join(f" {each}" for each in _LINES) + "\n(19 lignes)\n",
    "psql with a prompt": "shop=> EXPLAIN (ANALYZE, BUFFERS)\n"
    + "".join(f"shop-> {each}\n" for each in SQL.split("\n"))[:-1] + ";\n" + HEADER + TEXT + "\n(19 rows)\n\nshop=> ",
    "boxed": f"+-{'-' * _WIDTH}-+\n|{'QUERY PLAN':^{_WIDTH + 2}}|\n+-{'-' * _WIDTH}-+\n"
    + "\n".join(f"| {each:<{_WIDTH}} |" for each in _LINES) + f"\n+-{'-' * _WIDTH}-+\n(19 rows)\n",
    "boxed in Unicode": f"┌─{'─' * _WIDTH}─┐\n│{'QUERY PLAN':^{_WIDTH + 2}}│\n├─{'─' * _WIDTH}─┤\n"
    + "\n".join(f"│ {each:<{_WIDTH}} │" for each in _LINES) + f"\n└─{'─' * _WIDTH}─┘\n(19 rows)\n",
    "with a bar behind": f"QUERY PLAN{' ' * (_WIDTH - 10)}|\n{'-' * _WIDTH}+\n"
    + "\n".join(f"{each:<{_WIDTH}}|" for each in _LINES),
    "expanded": "".join(f"-[ RECORD {at} ]{'-' * 60}\nQUERY PLAN | {each}\n" for at, each in enumerate(_LINES, 1)),
    "with plus signs": "\n".join(f" {each:<{_WIDTH}}+" for each in _LINES[:-1]) + f"\n {_LINES[-1]}\n(1 row)",
    "quoted lines": '"QUERY PLAN"\n' + "\n".join(f'"{each}"' for each in _LINES),
    "single quotes and commas": "\n".join(f"'{each.replace(chr(39), chr(39) * 2)}'," for each in _LINES),
    "quoted whole": f'"{TEXT}"',
    "Windows": TEXT.replace("\n", "\r\n"),
    "indented": "\n".join(f"        {each}" for each in _LINES),
    "tabs": "\n".join(f"\t{each}" for each in _LINES).replace("        ", "\t"),
    "tabs in between": "\n".join(each.replace("        ", "    \t") for each in _LINES),
    "Markdown": f"My query is slow:\n\n```sql\n{SQL};\n```\n\nThe plan:\n\n```\n{TEXT}\n```\n\nNote: it was fast.",
    "statement and prose": f"We run PostgreSQL 15.\n\nEXPLAIN (ANALYZE, BUFFERS) {SQL};\n\n{TEXT}\n\nThanks: me",
    "quoted mail": "\n".join(f"> {each}" for each in _LINES),
    "wrapped mail": _mailed(),
    "narrow terminal": _folded(83),
    "HTML": f"<pre><code>{TEXT.replace('>', '&gt;').replace(chr(39), '&#39;')}</code></pre>",
    "no-break spaces": TEXT.replace("  ", "\u00a0\u00a0"),
    "auto_explain": "2026-03-01 10:00:00.123 UTC [4711] app@shop LOG:  duration: 3.200 ms  plan:\n\tQuery Text: "
    + SQL.replace("\n", "\n\t") + "\n" + "\n".join(f"\t{each}" for each in _LINES[:-4])
    + "\n2026-03-01 10:00:01.000 UTC [4711] app@shop LOG:  checkpoint starting: time",
    "rows of JSON": json.dumps([{"QUERY PLAN": each} for each in _LINES]),
}  # fmt: skip
WITHOUT_PLANNING = {"auto_explain"}
WITH_QUERY = {"psql with a prompt", "Markdown", "statement and prose", "auto_explain"}

OBJECT = {
    "Plan": {"Node Type": "Seq Scan", "Relation Name": "orders", "Alias": "o", "Startup Cost": 0.0, "Total Cost": 398.5,
             "Plan Rows": 200, "Plan Width": 13, "Filter": "(status = 'o|p\"en'::text)"},
    "Planning Time": 0.21,
}  # fmt: skip
JSON = json.dumps([OBJECT], indent=2)
_JSON_LINES = JSON.split("\n")
JSON_DISGUISES: dict[str, str] = {
    "plain": JSON,
    "one object": json.dumps(OBJECT),
    "psql": " QUERY PLAN \n-----------\n" + "\n".join(f" {each:<60}+" for each in _JSON_LINES[:-1]) + "\n ]\n(1 row)",
    "boxed": "\n".join(f"| {each:<60}+|" for each in _JSON_LINES[:-1]) + f"\n| {']':<60} |",
    "CSV": '"QUERY PLAN"\n"' + JSON.replace('"', '""') + '"\n',
    "a log": f"2026-03-01 UTC [1] LOG:  duration: 3.2 ms  plan:\n\t{JSON[1:-1].strip()}\n2026-03-01 UTC [1] LOG:  x",
    "after a statement": f"EXPLAIN (FORMAT JSON) SELECT a[1] FROM t;\n{JSON}\n",
    "rows": json.dumps([{"QUERY PLAN": [OBJECT]}]),
    "rows of texts": json.dumps([{"QUERY PLAN": JSON}]),
}
