-- Results of tasks for the iris model: a row for each row of a task, with a prediction or an error.
create table if not exists tasks.iris (
  task uuid,
  row_number bigint,  -- from 1 on
  iris_class int,
  model_version text,
  error text,
  predicted_at timestamptz default clock_timestamp(),
  primary key (task, row_number)
);

-- Which chunks of tasks are stored, by the key of their message, whatever the model.
create table if not exists tasks.receipt (
  key text primary key,
  rows int not null,    -- of the chunk
  failed int not null,  -- those with an error
  stored_at timestamptz not null default clock_timestamp()
);
