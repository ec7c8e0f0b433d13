insert into reference_distribution (model_version, kind, name, edges, minimum, maximum, categories, counts)
values (%s, %s, %s, %s, %s, %s, %s, %s)
on conflict do nothing
