-- The population stability index of each endpoint's answers, in windows of ten steps of the chart; a window of fewer than 33
-- answers of the endpoint shows none.
select window_start as "time",
  max(psi) filter (where name = 'decisions') as "decisions",
  max(psi) filter (where name = 'probabilities') as "probabilities",
  max(psi) filter (where name = 'risk_categories') as "risk categories"
from drift($__timeFrom()::timestamptz, $__timeTo()::timestamptz, $__interval_ms * interval '10 milliseconds', 300)
where kind = 'answer' and "rows" >= 33
group by window_start
order by window_start
