-- The newest 50 answers of the range.
select received_at as "time", endpoint, response as answer, cache_hit::int as cache, latency_ms / 1000 as latency,
  age_in_years as age, installment_rate_in_percentage_of_disposable_income as "instalment rate",
  present_employment_since as employment, personal_status_and_sex as "status and sex", foreign_worker as "foreign worker",
  model_version as "model version", request_id::text as "request id"
from (
  (select * from answers where endpoint = 'decisions' and $__timeFilter(received_at) order by received_at desc limit 50)
  union all
  (select * from answers where endpoint = 'probabilities' and $__timeFilter(received_at) order by received_at desc limit 50)
  union all
  (select * from answers where endpoint = 'risk_categories' and $__timeFilter(received_at) order by received_at desc limit 50)
) as newest
order by received_at desc
limit 50
