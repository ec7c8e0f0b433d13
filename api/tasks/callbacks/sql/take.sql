-- Takes callbacks that are due, of each account in turn, and marks the next try before this one is begun: whoever ends in
-- mid-try leaves a callback that is tried again. Those whose tries are used up are given up.
with due as (
  select id, row_number() over (partition by account order by coalesce(callback_at, finished_at)) as turn
  from tasks.task
  where callback = 'waiting' and finished_at is not null and removed_at is null
    and coalesce(callback_at, finished_at) <= clock_timestamp()
),
taken as (
  select task.id, task.callback_tries < :tries as again
  from tasks.task join due on due.id = task.id
  -- once more, as another process may have taken it since
  where task.callback = 'waiting' and coalesce(task.callback_at, task.finished_at) <= clock_timestamp()
  order by due.turn, task.id
  limit :at_a_time
  for update of task skip locked
)
update tasks.task
set
  callback = case when again then callback else 'given_up' end,
  callback_tries = case when again then callback_tries + 1 else callback_tries end,
  callback_at = case
    when again then clock_timestamp() + (cast(:waits as float8[]))[callback_tries + 1] * interval '1 second'
  end
from taken
where task.id = taken.id
returning task.id, task.account, task.callback_url as url, task.callback_tries as tries, again
