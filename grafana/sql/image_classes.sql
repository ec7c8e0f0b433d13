-- How many of at most 10 images of each step were answered with each digit.
select bucket as "time",
  count(*) filter (where predicted_class = 0) as "0",
  count(*) filter (where predicted_class = 1) as "1",
  count(*) filter (where predicted_class = 2) as "2",
  count(*) filter (where predicted_class = 3) as "3",
  count(*) filter (where predicted_class = 4) as "4",
  count(*) filter (where predicted_class = 5) as "5",
  count(*) filter (where predicted_class = 6) as "6",
  count(*) filter (where predicted_class = 7) as "7",
  count(*) filter (where predicted_class = 8) as "8",
  count(*) filter (where predicted_class = 9) as "9"
from (select $__interval_ms * interval '1 millisecond' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  select predicted_class
  from images
  where received_at >= bucket and received_at < bucket + step.width
  order by received_at
  limit 10
) as image
group by bucket
order by bucket
