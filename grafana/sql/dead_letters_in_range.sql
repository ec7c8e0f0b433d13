-- Rows in the range that could not be predicted, up to 10,000.
select count(*) as letters
from (select from dead_letter where $__timeFilter(failed_at) order by failed_at desc limit 10000) as counted
