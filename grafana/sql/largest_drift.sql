-- The largest population stability index of a feature over the whole range; fewer than 100 answers show none.
select max(psi) as psi
from drift($__timeFrom()::timestamptz, $__timeTo()::timestamptz, $__timeTo()::timestamptz - $__timeFrom()::timestamptz, 3000)
where kind = 'feature' and "rows" >= 100
