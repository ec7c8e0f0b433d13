-- Every feature and endpoint over the whole range, the most drifted first; without an index those of too few answers.
select name, kind, case when "rows" >= case kind when 'feature' then 100 else 33 end then psi end as psi,
  unseen_share as unseen, "rows" as answers, model_version as "model version"
from drift($__timeFrom()::timestamptz, $__timeTo()::timestamptz, $__timeTo()::timestamptz - $__timeFrom()::timestamptz, 3000)
order by psi desc nulls last
