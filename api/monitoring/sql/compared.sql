-- Every bin of every feature and answer of the time, beside training's.
select window_start, model_version, kind, name, label, "rows", unseen, reference_rows
from shares(%(since)s, %(until)s, %(width)s, %(rows)s)
order by window_start, model_version, kind desc, name, bin
