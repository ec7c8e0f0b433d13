-- Classes of the newest 10,000 predictions of the range.
select
  count(*) filter (where iris_class = 0) as setosa,
  count(*) filter (where iris_class = 1) as versicolor,
  count(*) filter (where iris_class = 2) as virginica
from (
  select iris_class
  from iris_prediction
  where $__timeFilter(timestamp)
  order by timestamp desc
  limit 10000
) as newest
