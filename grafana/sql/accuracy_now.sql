-- Share of right predictions among the newest 1,000 rows of the range.
select avg((iris_class = target)::int::float8) as accuracy
from (
  select id, target
  from iris_data
  where $__timeFilter(timestamp) and target is not null
  order by timestamp desc
  limit 1000
) as flower
cross join lateral (
  select iris_class from iris_prediction where source_id = flower.id order by id desc limit 1
) as prediction
