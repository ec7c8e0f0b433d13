-- One length of the rows by their predicted class; {column} is filled in by the dashboard.
select bucket as "time",
  avg({column}) filter (where iris_class = 0) as setosa,
  avg({column}) filter (where iris_class = 1) as versicolor,
  avg({column}) filter (where iris_class = 2) as virginica
from (select $__interval_ms * interval '1 millisecond' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  select id, {column}
  from iris_data
  where timestamp >= bucket and timestamp < bucket + width
  order by timestamp
  limit 10
) as flower
cross join lateral (
  select iris_class from iris_prediction where source_id = flower.id order by id desc limit 1
) as prediction
group by bucket
order by bucket
