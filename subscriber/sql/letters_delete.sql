-- Deletes dead letters that this transaction has locked.
delete from dead_letter where id = any (%(ids)s::bigint[])
