-- Answers, of those looked at, whose model version has no reference.
select model_version, count(*)
from sampled_answers(%(since)s, %(until)s, %(width)s, %(rows)s)
where model_version not in (select model_version from reference_distribution)
group by model_version
order by model_version
