-- How many of at most 10 predictions of each step are of each class.
select bucket as "time",
  count(*) filter (where iris_class = 0) as setosa,
  count(*) filter (where iris_class = 1) as versicolor,
  count(*) filter (where iris_class = 2) as virginica
from (select $__interval_ms * interval '1 millisecond' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  select iris_class
  from iris_prediction
  where timestamp >= bucket and timestamp < bucket + width
  order by timestamp
  limit 10
) as prediction
group by bucket
order by bucket
