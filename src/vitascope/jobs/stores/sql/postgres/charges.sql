-- What jobs cost their owners.

-- name: charge
insert into vitascope_charges (job, owner, at, seconds, megapixels)
values (%(job)s, %(owner)s, %(at)s, %(seconds)s, %(megapixels)s);

-- name: charges
select charges.* from vitascope_charges as charges join vitascope_jobs as jobs on jobs.id = charges.job
where charges.owner = %(owner)s and charges.at > %(since)s
    and not (jobs.state = 'cancelled' and jobs.started_at is null)
order by charges.at, jobs.number;

-- name: wait_for_others
-- Requests that come at once to several servers wait for one another here, as those that log do: each is checked against
-- what the others cost.
select number from vitascope_queue for update;

-- name: uncharge
delete from vitascope_charges where job = %(job)s;

-- name: forget_charges
delete from vitascope_charges where at < %(before)s;
