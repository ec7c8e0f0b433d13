-- The columns of a table that a person may name, with their types, and what must be given; no row where there is no table.
select attname, format_type(atttypid, atttypmod),
  attnotnull and not atthasdef and attidentity = '' and attgenerated = '' as must_be_given
from pg_attribute
where attrelid = to_regclass(%(table)s::text) and attnum > 0 and not attisdropped
order by attnum
