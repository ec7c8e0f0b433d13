-- Chunks whose receipts have been seen; those that were finished before are left alone. Rows that the receipt does not count
-- were never read.
update tasks.chunk
set state = 'finished', rows_failed = chunk.rows - (receipt.rows - receipt.failed)
from unnest(cast(:tasks as uuid[]), cast(:numbers as int[]), cast(:rows as int[]), cast(:failed as int[]))
  as receipt (task, number, rows, failed)
where chunk.task = receipt.task and chunk.number = receipt.number and chunk.state = 'released'
returning chunk.task, chunk.number, chunk.model, chunk.rows, chunk.rows_failed,
  extract(epoch from clock_timestamp() - chunk.released_at)::float8 as flight_seconds
