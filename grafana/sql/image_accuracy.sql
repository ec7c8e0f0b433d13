-- Share of right answers of each model version, in windows of ten steps of the chart, of the labelled among the newest 1,000
-- images of each window.
select bucket as "time", model_version as metric, avg((label = predicted_class)::int)::float8 as accuracy
from (select $__interval_ms * interval '10 milliseconds' as width) as step
cross join generate_series(date_bin(width, $__timeFrom()::timestamptz, 'epoch'), $__timeTo()::timestamptz, width) as bucket
cross join lateral (
  select prediction_id, predicted_class, model_version
  from images
  where received_at >= bucket and received_at < bucket + step.width
  order by received_at desc
  limit 1000
) as image
cross join lateral (select label from image_labels where prediction_id = image.prediction_id limit 1) as truth
group by bucket, model_version
order by bucket, model_version
