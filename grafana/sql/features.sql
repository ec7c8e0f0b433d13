-- The four lengths of the rows as they came. Of each step of the chart at most 10 rows are looked up in the index, so the
-- cost does not grow with the rate.
select bucket as "time",
  avg(sepal_length) as "sepal length",
  avg(sepal_width) as "sepal width",
  avg(petal_length) as "petal length",
  avg(petal_width) as "petal width"
from (select $__interval_ms * interval '1 millisecond' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  select sepal_length, sepal_width, petal_length, petal_width
  from iris_data
  where timestamp >= bucket and timestamp < bucket + width
  order by timestamp
  limit 10
) as flower
group by bucket
order by bucket
