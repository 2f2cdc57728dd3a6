"""A canonical description of a database's schema: the same lines for the same schema, whatever the way to it."""

from collections.abc import Mapping
from typing import Any

import psycopg

from pgadvisor.model.record import Record

_SCOPE = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
_OWN = (
    "NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS x WHERE x.classid = '{0}'::pg_catalog.regclass"
    " AND x.objid = {1}.oid AND x.refobjid <> x.objid AND x.deptype IN ('e', 'i'))"
)

# One query a kind of object; each gives lines that begin with the kind and the name.
_QUERIES = (
    # Schemas.
    "SELECT 'schema ' || n.nspname || coalesce(' ' || n.nspacl::text, '') FROM pg_catalog.pg_namespace AS n"
    f" WHERE {_SCOPE}",
    # Tables, views and the like, with their options, persistence, security, partition key and bound.
    "SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'"
    " WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' ELSE 'type' END"
    " || ' ' || n.nspname || '.' || c.relname"
    " || CASE c.relpersistence WHEN 'u' THEN ' unlogged' ELSE '' END"
    " || coalesce(' with ' || c.reloptions::text, '')"
    " || CASE WHEN c.relrowsecurity THEN ' row security' ELSE '' END"
    " || CASE WHEN c.relforcerowsecurity THEN ' forced' ELSE '' END"
    " || CASE WHEN c.relreplident IN ('d', 'n') AND c.relkind <> 'r' THEN ''"
    " WHEN c.relreplident <> 'd' THEN ' replica identity ' || c.relreplident::text ELSE '' END"
    " || coalesce(' partition by ' || pg_catalog.pg_get_partkeydef(c.oid), '')"
    " || coalesce(' ' || pg_catalog.pg_get_expr(c.relpartbound, c.oid), '')"
    " || CASE WHEN c.relkind IN ('v', 'm') THEN ' as ' || pg_catalog.pg_get_viewdef(c.oid) ELSE '' END"
    " || ' owner ' || pg_catalog.pg_get_userbyid(c.relowner)"
    " || coalesce(' ' || (SELECT pg_catalog.string_agg(each::text, ',' ORDER BY each::text)"
    " FROM pg_catalog.unnest(c.relacl) AS each), '')"
    " FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    f" WHERE {_SCOPE} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c') AND {_OWN.format('pg_class', 'c')}",
    # Columns.
    "SELECT 'column ' || n.nspname || '.' || c.relname || '.' || a.attname || ' '"
    " || pg_catalog.format_type(a.atttypid, a.atttypmod)"
    " || CASE WHEN a.attcollation <> t.typcollation THEN ' collate ' || a.attcollation::pg_catalog.regcollation::text"
    " ELSE '' END || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END"
    " || CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END"
    " || CASE WHEN a.attgenerated <> '' THEN ' generated ' || a.attgenerated::text ELSE '' END"
    " || coalesce(' default ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '')"
    " || coalesce(' ' || a.attacl::text, '') || coalesce(' ' || a.attoptions::text, '')"
    " || CASE WHEN a.attstorage <> t.typstorage THEN ' storage ' || a.attstorage::text ELSE '' END"
    " FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid"
    " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    " JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid"
    " LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    f" WHERE {_SCOPE} AND c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped",
    # Constraints of tables and domains; NOT NULL stands with the column.
    "SELECT 'constraint ' || n.nspname || '.' || coalesce(c.relname, t.typname) || '.' || k.conname || ' '"
    " || pg_catalog.pg_get_constraintdef(k.oid)"
    " FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_namespace AS n ON n.oid = k.connamespace"
    " LEFT JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid LEFT JOIN pg_catalog.pg_type AS t ON t.oid = k.contypid"
    f" WHERE {_SCOPE} AND k.contype <> 'n' AND k.contype <> 't'",
    # Indexes, those of constraints too.
    "SELECT 'index ' || n.nspname || '.' || c.relname || ' ' || pg_catalog.pg_get_indexdef(i.indexrelid)"
    " || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END"
    " || CASE WHEN i.indisclustered THEN ' clustered' ELSE '' END"
    " || CASE WHEN i.indisreplident THEN ' replica identity' ELSE '' END"
    " FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid"
    f" JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE {_SCOPE}",
    # Sequences.
    "SELECT 'sequence ' || n.nspname || '.' || c.relname || ' ' || pg_catalog.format_type(s.seqtypid, NULL) || ' '"
    " || pg_catalog.concat_ws(' ', s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)"
    " FROM pg_catalog.pg_sequence AS s JOIN pg_catalog.pg_class AS c ON c.oid = s.seqrelid"
    f" JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE {_SCOPE}",
    # Triggers and rules.
    "SELECT 'trigger ' || n.nspname || '.' || c.relname || '.' || g.tgname || ' '"
    " || pg_catalog.pg_get_triggerdef(g.oid) || ' ' || g.tgenabled::text"
    " FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid"
    f" JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE {_SCOPE} AND NOT g.tgisinternal",
    "SELECT 'rule ' || n.nspname || '.' || c.relname || '.' || r.rulename || ' ' || pg_catalog.pg_get_ruledef(r.oid)"
    " FROM pg_catalog.pg_rewrite AS r JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class"
    f" JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE {_SCOPE} AND r.rulename <> '_RETURN'",
    # Functions, procedures and aggregates.
    "SELECT CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END"
    " || n.nspname || '.' || p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')'"
    " || CASE WHEN p.prokind = 'a' THEN '' ELSE ' ' || pg_catalog.pg_get_functiondef(p.oid) END"
    " || coalesce(' ' || p.proacl::text, '')"
    " FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace"
    f" WHERE {_SCOPE} AND {_OWN.format('pg_proc', 'p')}",
    # Types.
    "SELECT CASE t.typtype WHEN 'e' THEN 'enum ' WHEN 'd' THEN 'domain ' ELSE 'range ' END || n.nspname || '.'"
    " || t.typname || CASE WHEN t.typtype = 'd' THEN ' ' || pg_catalog.format_type(t.typbasetype, t.typtypmod)"
    " || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END || coalesce(' default ' || t.typdefault, '') ELSE '' END"
    " || coalesce(' (' || (SELECT pg_catalog.string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)"
    " FROM pg_catalog.pg_enum AS e WHERE e.enumtypid = t.oid) || ')', '')"
    " || coalesce((SELECT ' of ' || r.rngsubtype::pg_catalog.regtype::text FROM pg_catalog.pg_range AS r"
    " WHERE r.rngtypid = t.oid), '')"
    " FROM pg_catalog.pg_type AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace"
    f" WHERE {_SCOPE} AND t.typtype IN ('e', 'd', 'r') AND {_OWN.format('pg_type', 't')}",
    # Policies.
    "SELECT 'policy ' || n.nspname || '.' || c.relname || '.' || p.polname || ' ' || p.polcmd::text"
    " || CASE WHEN p.polpermissive THEN '' ELSE ' restrictive' END || ' to '"
    " || (SELECT pg_catalog.string_agg(pg_catalog.pg_get_userbyid(each), ',' ORDER BY each)"
    " FROM pg_catalog.unnest(p.polroles) AS each)"
    " || coalesce(' using ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid), '')"
    " || coalesce(' check ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '')"
    " FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid"
    f" JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE {_SCOPE}",
    # Extended statistics, extensions, publications, comments.
    "SELECT 'statistics ' || n.nspname || '.' || s.stxname || ' ' || pg_catalog.pg_get_statisticsobjdef(s.oid)"
    " FROM pg_catalog.pg_statistic_ext AS s JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace"
    f" WHERE {_SCOPE}",
    "SELECT 'extension ' || extname FROM pg_catalog.pg_extension",
    "SELECT 'publication ' || p.pubname || coalesce(' of ' || (SELECT pg_catalog.string_agg("
    "t.schemaname || '.' || t.tablename, ', ' ORDER BY t.schemaname, t.tablename)"
    " FROM pg_catalog.pg_publication_tables AS t WHERE t.pubname = p.pubname), '')"
    " FROM pg_catalog.pg_publication AS p",
    "SELECT 'inheritance ' || nc.nspname || '.' || c.relname || ' of ' || np.nspname || '.' || p.relname"
    " FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid"
    " JOIN pg_catalog.pg_namespace AS nc ON nc.oid = c.relnamespace"
    " JOIN pg_catalog.pg_class AS p ON p.oid = i.inhparent"
    " JOIN pg_catalog.pg_namespace AS np ON np.oid = p.relnamespace",
    "SELECT 'comment ' || pg_catalog.pg_describe_object(d.classoid, d.objoid, d.objsubid) || ' ' || d.description"
    " FROM pg_catalog.pg_description AS d WHERE d.objoid >= 16384"
    " AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS x WHERE x.classid = d.classoid AND x.objid = d.objoid"
    " AND x.deptype = 'e') AND d.classoid <> 'pg_catalog.pg_extension'::pg_catalog.regclass",
)
_QUERY = "/* pgadvisor */ " + " UNION ALL ".join(_QUERIES)
_DATA = f"""/* pgadvisor */
SELECT c.oid::bigint, 0, n.nspname || '.' || c.relname
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE {_SCOPE} AND c.relkind IN ('r', 'p')
UNION ALL
SELECT c.oid::bigint, a.attnum, n.nspname || '.' || c.relname || '.' || a.attname
FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE {_SCOPE} AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
"""


class SchemaPrint(Record):
    """The schema at one moment."""

    lines: frozenset[str]
    """One for each object, column and constraint; the order of a table's columns is not in it."""
    data: Mapping[tuple[int, int], str]
    """What holds rows: tables (column 0) and columns, by oid and number, with their names."""

    def data_gone_in(self, later: "SchemaPrint") -> tuple[str, ...]:
        """Tables and columns that were dropped between the two: a renamed one was not. Columns of a dropped table are
        gone with it, and not named."""
        gone = [key for key in self.data if key not in later.data]
        tables = {oid for oid, column in gone if column == 0}
        return tuple(sorted(self.data[oid, column] for oid, column in gone if column == 0 or oid not in tables))


def print_schema(connection: psycopg.Connection[Any]) -> SchemaPrint:
    """The schema as it stands, described with all names in full: `connection` has `pg_catalog` as its search path."""
    # Planning takes longer than most schemas do to be read: it is done once a session.
    lines = connection.execute(_QUERY.encode(), prepare=True).fetchall()
    rows = connection.execute(_DATA.encode(), prepare=True).fetchall()
    return SchemaPrint(
        lines=frozenset(str(line) for (line,) in lines), data={(oid, column): name for oid, column, name in rows}
    )
