-- The tables that hold the rows of a table: itself, or its partitions. For each, the type of the column that tells a
-- row's age, whether a b-tree begins with the columns that find its oldest rows, and whether the first is partitioned.
with recursive tree as (
  select %(table)s::text::regclass::oid as oid
  union
  select inhrelid from pg_inherits join tree on inhparent = tree.oid
)
select
  namespace.nspname,
  class.relname,
  (
    select atttypid::regtype::text
    from pg_attribute
    where attrelid = class.oid and attname = %(age)s and attnum > 0 and not attisdropped
  ),
  exists (
    select
    from pg_index as index
    join pg_class as of_index on of_index.oid = index.indexrelid
    join pg_am as method on method.oid = of_index.relam
    where index.indrelid = class.oid
      and index.indisvalid
      and index.indpred is null
      and method.amname = 'btree'
      and %(columns)s::text[] = array(
        select attname::text
        from unnest(index.indkey::int2[]) with ordinality as key (number, place)
        join pg_attribute on attrelid = class.oid and attnum = key.number
        where place <= cardinality(%(columns)s::text[])
        order by place
      )
  ),
  (select relkind = 'p' from pg_class where oid = %(table)s::text::regclass)
from tree
join pg_class as class using (oid)
join pg_namespace as namespace on namespace.oid = class.relnamespace
where class.relkind = 'r'
order by 1, 2
