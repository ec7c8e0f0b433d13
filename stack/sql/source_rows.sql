-- Every row of the source with its true class.
select id, target from iris_data order by id
