-- Share of right predictions, of at most 10 rows a step: since the start of the range, and over the last 30 steps with rows.
select bucket as "time",
  sum(sum(correct)) over so_far / sum(count(*)) over so_far as "since the start",
  sum(sum(correct)) over recent / sum(count(*)) over recent as "last 30 steps"
from (select $__interval_ms * interval '1 millisecond' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  select id, target
  from iris_data
  where timestamp >= bucket and timestamp < bucket + width and target is not null
  order by timestamp
  limit 10
) as flower
cross join lateral (
  select (iris_class = target)::int::float8 as correct from iris_prediction
  where source_id = flower.id order by id desc limit 1
) as prediction
group by bucket
window so_far as (order by bucket), recent as (order by bucket rows 29 preceding)
order by bucket
