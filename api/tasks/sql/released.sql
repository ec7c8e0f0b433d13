-- The chunks on their way.
select task, number, model, rows from tasks.chunk where state = 'released'
