-- Answers of the range in the monitoring database; up to 100,000 of each endpoint are counted.
select sum(counted)::bigint as answers
from (
  select count(*) as counted from (select from decisions where $__timeFilter(received_at) order by received_at desc limit 100000) as few
  union all
  select count(*) from (select from probabilities where $__timeFilter(received_at) order by received_at desc limit 100000) as few
  union all
  select count(*) from (select from risk_categories where $__timeFilter(received_at) order by received_at desc limit 100000) as few
) as endpoint
