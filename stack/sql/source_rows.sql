-- Every row of the source with its true class.
select id, target from iris_data where id <= %(newest)s order by id
