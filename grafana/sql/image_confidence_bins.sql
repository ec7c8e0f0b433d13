-- How sure the answers to the newest 10,000 images of the range were, and how often those of which the truth is known were
-- right: a calibrated model is right as often as it is sure.
select (array['under 50 %', '50 to 60 %', '60 to 70 %', '70 to 80 %', '80 to 90 %', '90 to 95 %', '95 to 99 %', 'over 99 %'])[bin + 1]
    as confidence,
  count(*) as images,
  (count(*) / sum(count(*)) over ())::float8 as share,
  avg(confidence)::float8 as mean,
  count(label) as labelled,
  avg((label = predicted_class)::int)::float8 as "right"
from (
  select prediction_id, predicted_class, confidence,
    width_bucket(confidence, array[0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99]::float8[]) as bin
  from images
  where $__timeFilter(received_at)
  order by received_at desc
  limit 10000
) as newest
left join lateral (select label from image_labels where prediction_id = newest.prediction_id limit 1) as truth on true
group by bin
order by bin
