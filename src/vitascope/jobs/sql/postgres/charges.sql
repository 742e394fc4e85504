-- What jobs cost their owners.

-- name: charge
insert into vitascope_charges (job, owner, at, seconds, megapixels)
values (%(job)s, %(owner)s, %(at)s, %(seconds)s, %(megapixels)s);

-- name: charges
select charges.job, charges.owner, charges.at, charges.seconds, charges.megapixels
from vitascope_charges as charges join vitascope_jobs as jobs on jobs.id = charges.job
where charges.owner = %(owner)s and charges.at > %(since)s
    and not (jobs.state = 'cancelled' and jobs.started_at is null)
order by charges.at, charges.number;

-- name: uncharge
delete from vitascope_charges where job = %(job)s;

-- name: forget_charges
delete from vitascope_charges where at < %(before)s;
