-- The newest 50 images of the range.
select received_at as "time", predicted_class as answer, confidence, label as truth, (label = predicted_class)::int as result,
  latency_ms / 1000 as latency, content_type as type, size_bytes as size, width || ' x ' || height as pixels,
  model_version as "model version", object_key as "object"
from (
  select * from images where $__timeFilter(received_at) order by received_at desc limit 50
) as newest
left join lateral (select label from image_labels where prediction_id = newest.prediction_id limit 1) as truth on true
order by received_at desc
