-- How sure the answers were, of at most 10 images of each step.
select bucket as "time",
  count(*) filter (where confidence < 0.5) as "under 50 %",
  count(*) filter (where confidence >= 0.5 and confidence < 0.8) as "50 to 80 %",
  count(*) filter (where confidence >= 0.8 and confidence < 0.95) as "80 to 95 %",
  count(*) filter (where confidence >= 0.95) as "over 95 %"
from (select $__interval_ms * interval '1 millisecond' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  select confidence
  from images
  where received_at >= bucket and received_at < bucket + step.width
  order by received_at
  limit 10
) as image
group by bucket
order by bucket
