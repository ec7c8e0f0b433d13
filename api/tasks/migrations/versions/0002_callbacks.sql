alter table tasks.task
  add column callback_url text,
  add column callback text check (callback in ('waiting', 'delivered', 'given_up')),
  add column callback_tries int not null default 0,
  add column callback_at timestamptz;   -- when it is tried next; at first when the task has ended
create index task_callback on tasks.task (coalesce(callback_at, finished_at))
  where callback = 'waiting' and finished_at is not null and removed_at is null;
