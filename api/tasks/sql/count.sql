-- Adds to each task what was counted of it; a task none of whose chunks is left to come has ended.
with counted as (
  select * from unnest(cast(:tasks as uuid[]), cast(:done as bigint[]), cast(:failed as bigint[])) as each (task, done, failed)
)
update tasks.task
set
  rows_done = task.rows_done + counted.done,
  rows_failed = task.rows_failed + counted.failed,
  status = case
    when task.status = 'cancelled' or left_over.any then task.status
    when task.rows_done + counted.done = 0 then 'failed'
    else 'done'
  end,
  error = case
    when not left_over.any and task.status <> 'cancelled' and task.rows_done + counted.done = 0
    then 'none of its rows could be predicted; the result tells why, row by row'
  end,
  finished_at = case when task.status = 'cancelled' or left_over.any then task.finished_at else clock_timestamp() end
from counted
cross join lateral (
  select exists (select from tasks.chunk where chunk.task = counted.task and chunk.state in ('waiting', 'released')) as any
) as left_over
where task.id = counted.task
returning task.id, task.model, task.status
