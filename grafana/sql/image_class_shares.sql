-- Digits among the answers to the newest 10,000 images of the range, and among their model versions' answers to the
-- training rows.
with answered as materialized (
  select model_version, predicted_class::text as digit, count(*) as images
  from (
    select model_version, predicted_class
    from images
    where $__timeFilter(received_at)
    order by received_at desc
    limit 10000
  ) as newest
  group by model_version, predicted_class
),
expected as (
  select digit, sum(images * rows / total) as images
  from (select model_version, sum(images) as images from answered group by model_version) as version
  join reference_distribution as r using (model_version)
  cross join lateral (select sum(rows) as total from unnest(r.counts) as rows) as training
  cross join lateral unnest(r.categories, r.counts) as category (digit, rows)
  where r.kind = 'answer' and r.name = 'predicted_class'
  group by digit
)
select digit, coalesce(actual.images, 0)::bigint as images,
  (coalesce(actual.images, 0) / sum(actual.images) over ())::float8 as share,
  (expected.images / sum(expected.images) over ())::float8 as "in training",
  (coalesce(actual.images, 0) / sum(actual.images) over () - expected.images / sum(expected.images) over ())::float8 as difference
from expected
left join (select digit, sum(images) as images from answered group by digit) as actual using (digit)
order by digit
