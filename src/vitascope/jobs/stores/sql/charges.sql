-- What jobs cost their owners.

-- name: charge
insert into charges (job, owner, at, seconds, megapixels) values (:job, :owner, :at, :seconds, :megapixels);

-- name: charges
select charges.* from charges join jobs on jobs.id = charges.job
where charges.owner = :owner and charges.at > :since and not (jobs.state = 'cancelled' and jobs.started_at is null)
order by charges.at, jobs.number;

-- name: uncharge
delete from charges where job = :job;

-- name: forget_charges
delete from charges where at < :before;
