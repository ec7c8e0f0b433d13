-- How many rows of a batch are stored: its ids alone do not tell them from rows that others gave the same ids.
SELECT count(*)
FROM unnest(
    %s::bigint[],
    %s::smallint[],
    %s::int[],
    %s::text[],
    %s::text[],
    %s::text[],
    %s::text[]
) AS batch (id, installment_rate, age, foreign_worker, employment, status, creditability)
JOIN credit_applications AS stored USING (id)
WHERE (
    stored.installment_rate_in_percentage_of_disposable_income, stored.age_in_years, stored.foreign_worker,
    stored.present_employment_since, stored.personal_status_and_sex, stored.creditability
) IS NOT DISTINCT FROM (
    batch.installment_rate, batch.age, batch.foreign_worker, batch.employment, batch.status, batch.creditability
);
