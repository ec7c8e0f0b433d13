-- Predictions of rows in the range: up to 100,000 are counted in the index, more are told by the ids of the newest and the
-- oldest, so batches that were stored at the second try count twice. Counting millions would take seconds.
select case when counted < 100000 then counted else newest.id - oldest.id + 1 end as predictions
from (
  select count(*) as counted
  from (select from iris_prediction where $__timeFilter(timestamp) order by timestamp desc limit 100000) as newest_rows
) as few
left join (
  select id from iris_prediction where $__timeFilter(timestamp) order by timestamp desc limit 1
) as newest on true
left join (
  select id from iris_prediction where $__timeFilter(timestamp) order by timestamp limit 1
) as oldest on true
