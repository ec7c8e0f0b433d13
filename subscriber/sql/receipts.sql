-- Gives messages their receipts, in one order for all so that nobody waits in a circle. Answers with the keys that had none.
insert into {table} (key, rows, failed)
select fresh.key, fresh.rows, fresh.failed
from unnest(%(keys)s::text[], %(rows)s::int[], %(failed)s::int[]) as fresh (key, rows, failed)
order by fresh.key
on conflict (key) do nothing
returning key
