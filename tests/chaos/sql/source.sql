-- The table that is written to. A row's version counts its changes; note, extra and amount are what schema changes are made of.
create table chaos (
  id bigint primary key,
  version int not null,
  timestamp timestamptz not null default clock_timestamp(),
  sepal_length double precision,
  sepal_width double precision,
  petal_length double precision,
  petal_width double precision,
  note text default 'note',
  extra text default 'extra',
  amount int default 1
)
