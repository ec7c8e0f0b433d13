-- How many of a pipeline's rows could not be predicted, and why; read from an index alone.
select cause, count(*), max(failed_at)
from dead_letter
where pipeline = %(pipeline)s
group by cause
order by count(*) desc, cause
