-- Results of tasks for the credit model: a row for each row of a task, with a prediction or an error.
create table if not exists tasks.credit (
  task uuid,
  row_number bigint,             -- from 1 on
  probability double precision,  -- that the credit is not paid back, from 0 to 1
  decision text,                 -- ACCEPT or DECLINE
  risk_category text,            -- low_risk, medium_risk or high_risk
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
