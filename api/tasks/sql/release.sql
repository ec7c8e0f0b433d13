-- Releases chunks of one model, as many as there is room for, and at least one if there is any.
-- Turn about: an account's n-th chunk on its way comes after every other account's n-th, and within an account a task's n-th
-- after every other task's; so neither a large task nor a busy account holds up the others.
with accounts as (
  select distinct account from tasks.task where model = :model and status in ('queued', 'running')
),
tasks_waiting as (
  select each.account, each.id
  from accounts cross join lateral (
    select task.account, task.id from tasks.task
    where task.model = :model and task.account = accounts.account and task.status in ('queued', 'running') and (
      -- the first by its number, which the index has at once: `exists` may be planned as a walk past every other task's chunks
      select true from tasks.chunk
      where chunk.model = :model and chunk.task = task.id and chunk.state = 'waiting'
      order by chunk.number
      limit 1
    )
    order by task.id
    limit :most_tasks
  ) as each
),
flying as (
  select account, task, count(*) as chunks from tasks.chunk where state = 'released' and model = :model group by account, task
),
of_task as (
  select tasks_waiting.account, next.task, next.number, next.rows,
    coalesce(flying.chunks, 0) + row_number() over (partition by next.task order by next.number) as turn
  from tasks_waiting
  cross join lateral (
    select task, number, rows from tasks.chunk
    where chunk.model = :model and chunk.task = tasks_waiting.id and chunk.state = 'waiting'
    order by number
    limit :most_chunks
  ) as next
  left join flying on flying.task = next.task
),
of_account as (
  select of_task.*,
    coalesce((select sum(chunks) from flying where flying.account = of_task.account), 0)
      + row_number() over (partition by account order by turn, task, number) as account_turn
  from of_task
),
in_order as (
  select task, number, sum(rows) over (order by account_turn, turn, task, number) - rows as rows_before from of_account
),
-- one that is being cancelled this instant is passed over: who cancels holds it, and waits for its chunks
free as (
  select id from tasks.task where id in (select task from in_order where rows_before < :room)
  for no key update skip locked
),
picked as (
  update tasks.chunk
  set state = 'released', released_at = clock_timestamp(), releases = releases + 1
  from in_order join free on free.id = in_order.task
  where chunk.task = in_order.task and chunk.number = in_order.number and in_order.rows_before < :room
    -- unless its task was cancelled an instant ago
    and chunk.state = 'waiting'
  returning chunk.task, chunk.number, chunk.rows, chunk.payload
),
sent as (
  insert into tasks.outbox (aggregatetype, aggregateid, payload)
  select :model, task || '/' || number, payload from picked
),
begun as (
  update tasks.task set status = 'running', started_at = clock_timestamp()
  where status = 'queued' and id in (select task from picked)
)
select count(*) as chunks, coalesce(sum(rows), 0) as rows from picked
