-- What ANALYZE knows of columns, and of the expressions of indexes, without any value of a user.
-- Hidden: columns that the role may not SELECT, and tables with row security. PostgreSQL 17 and later.
SELECT schemaname AS schema,
       tablename AS table,
       attname AS column,
       inherited AS is_inherited,
       null_frac AS null_fraction,
       avg_width AS average_width_bytes,
       n_distinct,
       correlation,
       most_common_freqs AS most_common_frequencies,
       NULL::text[] AS most_common_values,
       NULL::text[] AS histogram_bounds,
       NULL::text[] AS common_elements,
       most_common_elem_freqs AS common_element_frequencies,
       elem_count_histogram AS element_count_histogram,
       NULL::text[] AS range_bounds,
       range_length_histogram::text::float8[] AS range_lengths,
       range_empty_frac AS range_empty_fraction
FROM pg_catalog.pg_stats
WHERE schemaname NOT LIKE 'pg\_%'
  AND schemaname <> 'information_schema';
