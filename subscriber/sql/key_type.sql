-- The type of a table's column, less its length: a value that is too long must not be cut to one that is not.
select format_type(atttypid, null)
from pg_attribute
where attrelid = %(table)s::text::regclass and attname = %(column)s and attnum > 0 and not attisdropped
