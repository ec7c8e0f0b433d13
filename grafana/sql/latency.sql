-- From a row's timestamp to its prediction's, in seconds, over the newest 1,000 predictions of the range.
select
  percentile_cont(0.5) within group (order by seconds) as p50,
  percentile_cont(0.95) within group (order by seconds) as p95
from (
  select extract(epoch from predicted_at - timestamp)::float8 as seconds
  from iris_prediction
  where $__timeFilter(timestamp)
  order by timestamp desc
  limit 1000
) as newest
