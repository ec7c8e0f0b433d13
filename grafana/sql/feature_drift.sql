-- {column} of each feature, in windows of ten steps of the chart; a window of fewer than 100 answers shows none.
select window_start as "time",
  max({column}) filter (where name = 'age_in_years') as "age",
  max({column}) filter (where name = 'installment_rate_in_percentage_of_disposable_income') as "instalment rate",
  max({column}) filter (where name = 'present_employment_since') as "employment",
  max({column}) filter (where name = 'personal_status_and_sex') as "status and sex",
  max({column}) filter (where name = 'foreign_worker') as "foreign worker"
from drift($__timeFrom()::timestamptz, $__timeTo()::timestamptz, $__interval_ms * interval '10 milliseconds', 300)
where kind = 'feature' and "rows" >= 100
group by window_start
order by window_start
