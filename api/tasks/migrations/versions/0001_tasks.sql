-- Who may ask for tasks.
create table tasks.account (
  id bigint generated always as identity primary key,
  name text not null,
  password_hash text not null,          -- argon2id, with its parameters
  scopes text[] not null,               -- of tasks:read, tasks:write
  generation int not null default 1,    -- counts up with each new password: tokens of an earlier one are void
  created_at timestamptz not null default now(),
  removed_at timestamptz                -- nobody knows it any more; it goes once its last task has
);
create unique index account_name on tasks.account (name) where removed_at is null;

-- Passwords that were wrong of late, by the name that was tried, be there such an account or not.
create table tasks.failed_sign_in (
  name bytea not null,                  -- SHA-256 of what was tried: it may be of any length, or a password in the wrong field
  at timestamptz not null default clock_timestamp()
);
create index failed_sign_in_name_at on tasks.failed_sign_in (name, at);
create index failed_sign_in_at on tasks.failed_sign_in (at);

create table tasks.task (
  id uuid primary key,                  -- UUIDv7: sorts by the time it was made
  account bigint not null references tasks.account on delete cascade,
  model text not null,
  version text,                         -- null: whichever is served when a row's turn comes
  status text not null default 'queued' check (status in ('queued', 'running', 'done', 'failed', 'cancelled')),
  columns text[] not null,              -- of the input, in its order
  rows_total bigint not null,
  rows_done bigint not null default 0,  -- have a prediction
  rows_failed bigint not null default 0,-- have an error
  error text,                           -- why it failed as a whole
  idempotency_key text,
  fingerprint bytea,                    -- SHA-256 of what was asked for with that key
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  removed_at timestamptz,               -- nobody sees it any more; it goes once nothing of it is on its way
  unique (account, idempotency_key)
);
create index task_account on tasks.task (account, id desc) where removed_at is null;
create index task_active on tasks.task (model, account, id) where status in ('queued', 'running');
create index task_removed on tasks.task (removed_at) where removed_at is not null;
create index task_finished on tasks.task (finished_at) where finished_at is not null;

-- The rows of a task, a thousand or so at a time: what becomes one message.
create table tasks.chunk (
  task uuid not null references tasks.task on delete cascade,
  number int not null,                  -- from 0, in the order of the input
  first_row bigint not null,            -- rows count from 1
  rows int not null,
  payload text not null,                -- a JSON array of objects; docs/tasks.md has their fields
  model text not null,                  -- of the task
  account bigint not null,              -- of the task
  state text not null default 'waiting' check (state in ('waiting', 'released', 'finished', 'cancelled')),
  released_at timestamptz,
  releases int not null default 0,
  rows_failed int,
  primary key (task, number)
);
create index chunk_waiting on tasks.chunk (model, task, number) where state = 'waiting';
create index chunk_released on tasks.chunk (released_at) where state = 'released';

-- What Debezium's event router reads: a row becomes a message of topic tasks-{aggregatetype}, with aggregateid as its key. Rows
-- stay while their chunk is on its way.
create table tasks.outbox (
  id uuid primary key default gen_random_uuid(),
  aggregatetype text not null,          -- the model
  aggregateid text not null,            -- {task}/{number of the chunk}
  type text not null default 'chunk',
  payload text not null
);
-- the log gets it as it is: to compress what is deleted in a moment costs more than it saves
alter table tasks.outbox alter column payload set storage external;
