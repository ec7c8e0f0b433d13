-- Share of declined applications, in windows of ten steps of the chart, and in training.
select window_start as "time",
  avg(share) as "declined", avg(reference_share) as "declined in training"
from shares($__timeFrom()::timestamptz, $__timeTo()::timestamptz, $__interval_ms * interval '10 milliseconds', 300)
where name = 'decisions' and label = 'DECLINE'
group by window_start
order by window_start
