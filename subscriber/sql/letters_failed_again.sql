-- What a redrive found wrong with the dead letters that stay.
update dead_letter
set cause = failed.cause, detail = failed.detail, redriven_at = clock_timestamp()
from unnest(%(ids)s::bigint[], %(causes)s::text[], %(details)s::text[]) as failed (id, cause, detail)
where dead_letter.id = failed.id
