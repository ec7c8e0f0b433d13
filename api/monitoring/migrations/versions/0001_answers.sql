-- One table an endpoint: each answered request with what it was answered.
--
-- answer_id makes writing again harmless: a batch whose commit was not confirmed is written once more, and what is there
-- already stays as it is. It is made with the answer, and begins with the time, so that new entries go to the index's right
-- end. request_id may be the caller's, who may send it twice.
--
-- received_at has a b-tree, not a BRIN index: the newest rows are looked up in order, and rows that waited out an outage are
-- written late, among others, which would widen the ranges of a BRIN index. New entries go to its right end, too, which
-- is the cheapest place.
create table decisions (
  id bigint generated always as identity primary key,
  answer_id uuid not null unique,
  request_id uuid not null,
  received_at timestamptz not null,
  latency_ms double precision not null,
  cache_hit boolean not null,
  model_version text not null,
  installment_rate_in_percentage_of_disposable_income double precision not null,
  age_in_years double precision not null,
  foreign_worker text not null,
  present_employment_since text not null,
  personal_status_and_sex text not null,
  response text not null
);
create index on decisions (received_at);
create index on decisions (request_id);

create table probabilities (like decisions including all);
alter table probabilities alter column response type double precision using response::double precision;

create table risk_categories (like decisions including all);

comment on table decisions is 'Answers of POST /decisions: ACCEPT or DECLINE';
comment on table probabilities is 'Answers of POST /probabilities';
comment on table risk_categories is 'Answers of POST /risk_categories';

create view answers as
select 'decisions' as endpoint, id, request_id, received_at, latency_ms, cache_hit, model_version,
  installment_rate_in_percentage_of_disposable_income, age_in_years, foreign_worker, present_employment_since,
  personal_status_and_sex, response
from decisions
union all
select 'probabilities', id, request_id, received_at, latency_ms, cache_hit, model_version,
  installment_rate_in_percentage_of_disposable_income, age_in_years, foreign_worker, present_employment_since,
  personal_status_and_sex, response::text
from probabilities
union all
select 'risk_categories', id, request_id, received_at, latency_ms, cache_hit, model_version,
  installment_rate_in_percentage_of_disposable_income, age_in_years, foreign_worker, present_employment_since,
  personal_status_and_sex, response
from risk_categories;
