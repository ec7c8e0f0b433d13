-- Every feature and endpoint over the whole range, the most drifted first.
select name, kind, psi, unseen_share as unseen, "rows" as answers,
  model_version as "model version"
from drift($__timeFrom()::timestamptz, $__timeTo()::timestamptz, $__timeTo()::timestamptz - $__timeFrom()::timestamptz, 3000)
order by psi desc
