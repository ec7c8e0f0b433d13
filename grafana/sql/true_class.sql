-- How many of at most 10 rows of each step are of each class, by the source's own truth.
select bucket as "time",
  count(*) filter (where target = 0) as setosa,
  count(*) filter (where target = 1) as versicolor,
  count(*) filter (where target = 2) as virginica
from (select $__interval_ms * interval '1 millisecond' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  select target
  from iris_data
  where timestamp >= bucket and timestamp < bucket + width
  order by timestamp
  limit 10
) as flower
group by bucket
order by bucket
