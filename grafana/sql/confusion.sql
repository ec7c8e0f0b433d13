-- Of the newest 5,000 rows of the range: what the rows of each true class were predicted to be.
select (array['setosa', 'versicolor', 'virginica'])[target + 1] as "true class",
  count(*) filter (where iris_class = 0) / count(*)::float8 as setosa,
  count(*) filter (where iris_class = 1) / count(*)::float8 as versicolor,
  count(*) filter (where iris_class = 2) / count(*)::float8 as virginica,
  count(*) as rows
from (
  select id, target
  from iris_data
  where $__timeFilter(timestamp) and target is not null
  order by timestamp desc
  limit 5000
) as flower
cross join lateral (
  select iris_class from iris_prediction where source_id = flower.id order by id desc limit 1
) as prediction
group by target
order by target
