-- Seconds from a row's timestamp to its prediction's, for the predictions since an id: median, 99th percentile, count, newest id.
select
  percentile_cont(0.5) within group (order by seconds),
  percentile_cont(0.99) within group (order by seconds),
  count(*),
  max(id)
from (
  select id, extract(epoch from predicted_at - timestamp)::float8 as seconds
  from iris_prediction
  where id > %(after)s
) as recent
