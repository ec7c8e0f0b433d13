-- What each model version made of the newest 10,000 images of the range, the newest version first.
select model_version as "model version", count(*) as images, count(label) as labelled,
  avg((label = predicted_class)::int)::float8 as "right",
  avg(confidence)::float8 as confidence,
  max(received_at) as "last answer"
from (
  select prediction_id, received_at, model_version, predicted_class, confidence
  from images
  where $__timeFilter(received_at)
  order by received_at desc
  limit 10000
) as newest
left join lateral (select label from image_labels where prediction_id = newest.prediction_id limit 1) as truth on true
group by model_version
order by max(received_at) desc
