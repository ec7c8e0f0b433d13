-- Removes the predictions of source rows that were deleted.
delete from {table}
where {key} = any (%(keys)s::text[]::{type}[])
