-- Of the labelled among the newest 10,000 images of the range: what the images of each digit were answered to be.
select label::text as "true digit",
  count(*) filter (where predicted_class = 0) / count(*)::float8 as "0",
  count(*) filter (where predicted_class = 1) / count(*)::float8 as "1",
  count(*) filter (where predicted_class = 2) / count(*)::float8 as "2",
  count(*) filter (where predicted_class = 3) / count(*)::float8 as "3",
  count(*) filter (where predicted_class = 4) / count(*)::float8 as "4",
  count(*) filter (where predicted_class = 5) / count(*)::float8 as "5",
  count(*) filter (where predicted_class = 6) / count(*)::float8 as "6",
  count(*) filter (where predicted_class = 7) / count(*)::float8 as "7",
  count(*) filter (where predicted_class = 8) / count(*)::float8 as "8",
  count(*) filter (where predicted_class = 9) / count(*)::float8 as "9",
  count(*) as images
from (
  select prediction_id, predicted_class
  from images
  where $__timeFilter(received_at)
  order by received_at desc
  limit 10000
) as newest
cross join lateral (select label from image_labels where prediction_id = newest.prediction_id limit 1) as truth
group by label
order by label
