-- Deletes the oldest rows of one table, at most a batch of them, beginning at an age that was met before: what was
-- deleted earlier is still in the index, and would be stepped over in every batch. Answers how many, and how far it came.
with gone as (
  delete from only {table}
  where ctid = any (array(
    select ctid
    from only {table}
    where {mine} and {age} >= %(oldest)s::{type} and {age} < (now() - %(days)s * interval '1 day')::{type}
    order by {age}
    limit %(rows)s
  ))
  -- a row that was changed in the meantime is looked at again
  and {age} < (now() - %(days)s * interval '1 day')::{type}
  returning {age}
)
select count(*), max({age})::text from gone
