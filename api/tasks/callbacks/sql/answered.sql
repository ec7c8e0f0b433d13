-- What became of one try; one that another process has begun since is not disturbed.
update tasks.task set callback = :callback
where id = :id and callback = 'waiting' and callback_tries = :tries
