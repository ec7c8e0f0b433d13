-- One batch, one statement, one transaction. The primary key refuses a batch that is there already.
INSERT INTO credit_applications (
    id, installment_rate_in_percentage_of_disposable_income, age_in_years, foreign_worker, present_employment_since,
    personal_status_and_sex, creditability
)
SELECT *
FROM unnest(
    %s::bigint[],
    %s::smallint[],
    %s::int[],
    %s::text[],
    %s::text[],
    %s::text[],
    %s::text[]
);
