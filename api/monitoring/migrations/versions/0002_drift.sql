-- What a model was trained on, and how far what it is asked now has moved from that.

-- A distribution is either of numbers or of categories. Of numbers: bin i, from 0, holds the values v with
-- edges[i] <= v < edges[i + 1] as SQL counts, the first and the last bin being open; minimum and maximum bound what was
-- seen. Of categories: counts[i] rows had categories[i], of which some may have had none.
create table reference_distribution (
  model_version text not null,
  kind text not null check (kind in ('feature', 'answer')),
  name text not null,
  edges double precision[],
  minimum double precision,
  maximum double precision,
  categories text[],
  counts bigint[] not null,
  registered_at timestamptz not null default now(),
  primary key (model_version, kind, name),
  check ((edges is null) <> (categories is null)),
  check (cardinality(counts) = coalesce(cardinality(edges) + 1, cardinality(categories))),
  check ((edges is null) = (minimum is null) and (edges is null) = (maximum is null))
);
comment on table reference_distribution is 'How each feature and each answer was spread over the training rows';

-- The population stability index of counts in the same bins: sum of (a - e) ln(a / e) over the shares e and a. A share
-- under 0.0001 counts as 0.0001, so that an empty bin leaves it finite.
create function population_stability_index(expected bigint[], actual bigint[]) returns double precision
language sql immutable parallel safe
return (
  select sum((a - e) * ln(a / e))
  from (
    select
      greatest(expected_rows / nullif(sum(expected_rows) over (), 0), 0.0001)::double precision,
      greatest(actual_rows / nullif(sum(actual_rows) over (), 0), 0.0001)::double precision
    from unnest(expected, actual) as bin (expected_rows, actual_rows)
  ) as share (e, a)
);

-- Answers spread evenly over each window: at most about rows_a_window of them, from twenty steps of each of the three
-- tables, so the cost does not grow with the traffic.
create function sampled_answers(since timestamptz, until timestamptz, width interval, rows_a_window integer)
returns table (
  window_start timestamptz, endpoint text, model_version text,
  installment_rate double precision, age double precision, foreign_worker text, employment text, status text,
  number double precision, category text
)
language sql stable
as $$
  select w.window_start, answer.*
  from (select greatest(ceil(rows_a_window / 60.0), 1)::bigint as rows_a_step) as sample
  cross join generate_series(since, until - interval '1 microsecond', width) as w (window_start)
  cross join generate_series(0, 19) as part
  cross join lateral (
    select w.window_start + width * part / 20 as begins, least(w.window_start + width * (part + 1) / 20, until) as ends
  ) as step
  cross join lateral (
    (select 'decisions', model_version, installment_rate_in_percentage_of_disposable_income, age_in_years, foreign_worker,
       present_employment_since, personal_status_and_sex, null::double precision, response
     from decisions where received_at >= begins and received_at < ends order by received_at limit rows_a_step)
    union all
    (select 'probabilities', model_version, installment_rate_in_percentage_of_disposable_income, age_in_years, foreign_worker,
       present_employment_since, personal_status_and_sex, response, null
     from probabilities where received_at >= begins and received_at < ends order by received_at limit rows_a_step)
    union all
    (select 'risk_categories', model_version, installment_rate_in_percentage_of_disposable_income, age_in_years,
       foreign_worker, present_employment_since, personal_status_and_sex, null, response
     from risk_categories where received_at >= begins and received_at < ends order by received_at limit rows_a_step)
  ) as answer
$$;

-- How many of the sampled answers fall into each bin of their model's reference. Bins count from 0; the one after the last
-- holds categories that training did not know. `unseen` are those, categories that no training row had, and numbers beyond
-- training's minimum and maximum.
create function drift_counts(since timestamptz, until timestamptz, width interval, rows_a_window integer)
returns table (
  window_start timestamptz, model_version text, kind text, name text, bin integer, "rows" bigint, unseen bigint
)
language sql stable
as $$
  select s.window_start, s.model_version, r.kind, r.name, placed.bin, count(*), count(*) filter (where placed.unseen)
  from sampled_answers(since, until, width, rows_a_window) as s
  cross join lateral (values
    ('feature', 'installment_rate_in_percentage_of_disposable_income', s.installment_rate, s.installment_rate::text),
    ('feature', 'age_in_years', s.age, s.age::text),
    ('feature', 'foreign_worker', null, s.foreign_worker),
    ('feature', 'present_employment_since', null, s.employment),
    ('feature', 'personal_status_and_sex', null, s.status),
    ('answer', s.endpoint, s.number, s.category)
  ) as value (kind, name, number, category)
  join reference_distribution as r
    on r.model_version = s.model_version and r.kind = value.kind and r.name = value.name
  cross join lateral (
    select
      case when r.edges is null then coalesce(array_position(r.categories, value.category) - 1, cardinality(r.categories))
        else width_bucket(value.number, r.edges) end,
      case when r.edges is null then coalesce(r.counts[array_position(r.categories, value.category)], 0) = 0
        else value.number not between r.minimum and r.maximum end
  ) as placed (bin, unseen)
  group by s.window_start, s.model_version, r.kind, r.name, placed.bin
$$;

-- A border between bins as people read it: four places after the point at most.
create function edge_label(edge double precision) returns text
language sql immutable parallel safe
return trim_scale(round(edge::numeric, 4))::text;

-- Each bin of each reference beside the same bin of the sampled answers, empty ones too.
create function shares(since timestamptz, until timestamptz, width interval, rows_a_window integer default 3000)
returns table (
  window_start timestamptz, model_version text, kind text, name text, bin integer, label text,
  "rows" bigint, unseen bigint, reference_rows bigint, share double precision, reference_share double precision
)
language sql stable
as $$
  with counted as materialized (select * from drift_counts(since, until, width, rows_a_window)),
  seen as (select distinct c.window_start, c.model_version, c.kind, c.name from counted as c)
  select seen.window_start, seen.model_version, seen.kind, seen.name, b.bin,
    case
      when r.edges is null then coalesce(r.categories[b.bin + 1], 'unseen')
      when cardinality(r.edges) = 0 then 'all'
      when b.bin = 0 then 'under ' || edge_label(r.edges[1])
      when b.bin = cardinality(r.edges) then 'from ' || edge_label(r.edges[b.bin])
      else edge_label(r.edges[b.bin]) || ' to ' || edge_label(r.edges[b.bin + 1])
    end,
    coalesce(c.rows, 0), coalesce(c.unseen, 0), coalesce(r.counts[b.bin + 1], 0),
    coalesce(c.rows, 0) / nullif(sum(c.rows) over of_name, 0)::double precision,
    coalesce(r.counts[b.bin + 1], 0) / nullif(sum(r.counts[b.bin + 1]) over of_name, 0)::double precision
  from seen
  join reference_distribution as r
    on r.model_version = seen.model_version and r.kind = seen.kind and r.name = seen.name
  -- categories have one bin more, of those that are unseen
  cross join generate_series(0, cardinality(r.counts) - (r.categories is null)::integer) as b (bin)
  left join counted as c
    on c.window_start = seen.window_start and c.model_version = seen.model_version and c.kind = seen.kind
    and c.name = seen.name and c.bin = b.bin
  window of_name as (partition by seen.window_start, seen.model_version, seen.kind, seen.name)
$$;

-- The population stability index and the share of unseen values of each feature and each answer, a window.
create function drift(since timestamptz, until timestamptz, width interval, rows_a_window integer default 3000)
returns table (
  window_start timestamptz, model_version text, kind text, name text, "rows" bigint,
  psi double precision, unseen_share double precision
)
language sql stable
as $$
  select s.window_start, s.model_version, s.kind, s.name, sum(s.rows)::bigint,
    population_stability_index(array_agg(s.reference_rows order by s.bin), array_agg(s.rows order by s.bin)),
    sum(s.unseen) / nullif(sum(s.rows), 0)::double precision
  from shares(since, until, width, rows_a_window) as s
  group by s.window_start, s.model_version, s.kind, s.name
$$;

-- In hours, as a day of the session's time zone may have 23 or 25.
create view drift_hourly as
select * from drift(date_trunc('hour', now(), 'UTC') - interval '47 hours', now(), interval '1 hour', 1000);
create view drift_daily as
select * from drift(date_trunc('day', now(), 'UTC') - interval '696 hours', now(), interval '24 hours');

create view answer_shares_hourly as
select window_start, model_version, name as endpoint, label as answer, "rows", share, reference_share
from shares(date_trunc('hour', now(), 'UTC') - interval '47 hours', now(), interval '1 hour', 1000) where kind = 'answer';
create view answer_shares_daily as
select window_start, model_version, name as endpoint, label as answer, "rows", share, reference_share
from shares(date_trunc('day', now(), 'UTC') - interval '696 hours', now(), interval '24 hours') where kind = 'answer';
