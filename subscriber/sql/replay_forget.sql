-- Forgets a replay: what it covered, how far it came, and its dead letters.
with forgotten as (delete from replay where pipeline = %(pipeline)s),
  letters as (delete from dead_letter where pipeline = %(pipeline)s)
delete from stream_offset where pipeline = %(pipeline)s
