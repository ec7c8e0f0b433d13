-- Share of declined applications among the newest 1,000 decisions of the range.
select avg((response = 'DECLINE')::int)::float8 as declined
from (select response from decisions where $__timeFilter(received_at) order by received_at desc limit 1000) as newest
