-- Share of the newest 10,000 images of the range whose truth is known.
select avg((label is not null)::int)::float8 as labelled
from (
  select prediction_id from images where $__timeFilter(received_at) order by received_at desc limit 10000
) as newest
left join lateral (select label from image_labels where prediction_id = newest.prediction_id limit 1) as truth on true
