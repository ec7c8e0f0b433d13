-- Images of the range in the monitoring database; up to 100,000 are counted.
select count(*) as images
from (select from images where $__timeFilter(received_at) order by received_at desc limit 100000) as few
