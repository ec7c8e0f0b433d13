-- Adds rows that the target table refused to the receipts of their messages.
update {table} as receipt
set failed = receipt.failed + more.failed
from unnest(%(keys)s::text[], %(failed)s::int[]) as more (key, failed)
where receipt.key = more.key
