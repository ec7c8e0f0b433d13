-- Share of right answers among the labelled of the newest 10,000 images of the range.
select avg((label = predicted_class)::int)::float8 as accuracy
from (
  select prediction_id, predicted_class
  from images
  where $__timeFilter(received_at)
  order by received_at desc
  limit 10000
) as newest
cross join lateral (select label from image_labels where prediction_id = newest.prediction_id limit 1) as truth
