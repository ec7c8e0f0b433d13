-- Milliseconds until an answer was there, of those from the cache and of those that were computed: the median of at most 10
-- answers of each endpoint a step.
select bucket as "time",
  percentile_cont(0.5) within group (order by latency_ms) filter (where cache_hit) as "from the cache",
  percentile_cont(0.5) within group (order by latency_ms) filter (where not cache_hit) as computed
from (select $__interval_ms * interval '1 millisecond' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  (select latency_ms, cache_hit from decisions
   where received_at >= bucket and received_at < bucket + width order by received_at limit 10)
  union all
  (select latency_ms, cache_hit from probabilities
   where received_at >= bucket and received_at < bucket + width order by received_at limit 10)
  union all
  (select latency_ms, cache_hit from risk_categories
   where received_at >= bucket and received_at < bucket + width order by received_at limit 10)
) as answer
group by bucket
order by bucket
