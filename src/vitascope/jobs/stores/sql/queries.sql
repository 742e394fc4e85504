-- Every statement of the queue, by name. Bindings are named too.

-- name: insert
insert into jobs (
    id, state, model, request, fingerprint, owner, key, priority, round, place, max_attempts, attempt, lost, worker,
    lease_boot, lease_until, cancel_wanted, standing, failure, outputs, notes, created_at, started_at, finished_at,
    deleted_at, reached
) values (
    :id, :state, :model, :request, :fingerprint, :owner, :key, :priority, :round,
    coalesce((select max(number) from jobs), 0) + 1, :max_attempts, :attempt, :lost, :worker, :lease_boot, :lease_until,
    :cancel_wanted, :standing, :failure, :outputs, :notes, :created_at, :started_at, :finished_at, :deleted_at,
    :reached
) returning *;

-- name: save
update jobs set
    state = :state, request = :request, key = :key, priority = :priority, round = :round, place = :place, attempt = :attempt,
    lost = :lost, worker = :worker, lease_boot = :lease_boot, lease_until = :lease_until,
    cancel_wanted = :cancel_wanted, standing = :standing, failure = :failure, outputs = :outputs, notes = :notes,
    started_at = :started_at, finished_at = :finished_at, deleted_at = :deleted_at,
    reached = :reached
where id = :id;

-- name: with_key
select * from jobs where owner = :owner and key = :key;

-- name: load
select * from jobs where id = :id;

-- name: claim
update jobs set
    state = 'running', attempt = attempt + 1, worker = :worker, lease_boot = :boot, lease_until = :until,
    started_at = coalesce(started_at, :now)
where number = (
    select number from jobs
    where state = 'queued' and deleted_at is null
        and (:models is null or model in (select value from json_each(:models)))
        and not (select paused from queue)
    order by priority desc, round, place, number
    limit 1
)
returning *;

-- name: set_aside
update jobs set
    state = 'failed', worker = null, lease_boot = null, lease_until = null, failure = :failure, finished_at = :now
where id = :id;

-- name: overdue
select * from jobs where state = 'running' and (lease_boot <> :boot or lease_until < :until);

-- name: held_by
select * from jobs where state = 'running' and worker = :worker;

-- name: newest
select * from jobs
where deleted_at is null
    and (:after is null or number < :after)
    and (:states is null or state in (select value from json_each(:states)))
    and (:owner is null or owner = :owner)
    and (:kind is null or request ->> '$.kind' = :kind)
order by number desc
limit :limit;

-- name: oldest
select * from jobs
where deleted_at is null
    and (:after is null or number > :after)
    and (:states is null or state in (select value from json_each(:states)))
    and (:owner is null or owner = :owner)
    and (:kind is null or request ->> '$.kind' = :kind)
order by number
limit :limit;

-- name: line
select * from jobs where state = 'queued' and deleted_at is null order by priority desc, round, place, number;

-- name: line_of
select * from jobs where state = 'queued' and deleted_at is null and owner = :owner
order by priority desc, round, place, number;

-- name: ahead
select count(*) as number from jobs
where state = 'queued' and deleted_at is null
    and (priority > :priority or (priority = :priority and (round, place, number) < (:round, :place, :number)));

-- name: counts
select state, count(*) as number from jobs where deleted_at is null group by state;

-- name: waiting
-- Only the index of those in line is read, and of that no more than so many entries.
select count(*) as number from (
    select 1 from jobs where state = 'queued' and deleted_at is null limit :most
) as line;

-- name: waiting_of
select count(*) as number from (
    select 1 from jobs where state = 'queued' and deleted_at is null and owner = :owner limit :most
) as line;

-- name: rounds
-- The last round in which an owner has a job, and the one that is at work now.
select
    (
        select round from jobs
        where state = 'queued' and deleted_at is null and owner = :owner and priority = :priority
        order by round desc limit 1
    ) as last,
    coalesce(
        (
            select round from jobs
            where state = 'queued' and deleted_at is null and priority = :priority and model = :model
            order by round limit 1
        ),
        (
            select round from jobs
            where state = 'queued' and deleted_at is null and priority = :priority
            order by round limit 1
        ),
        (select max(round) from jobs where state = 'running' and priority = :priority),
        0.0
    ) as now;

-- name: is_paused
select paused from queue;

-- name: set_paused
update queue set paused = :paused;

-- name: log
insert into events (job, type, at, data) values (:job, :type, :at, :data);

-- name: events
select * from events where id > :after order by id limit :limit;

-- name: events_of_job
select * from events where job = :job and id > :after order by id limit :limit;

-- name: last_event
select coalesce(max(seq), 0) as id from sqlite_sequence where name = 'events';

-- name: forget_progress
delete from events
where type = 'progress' and job in (select id from jobs where finished_at < :before and state not in ('queued', 'running'));

-- name: post
insert into letters (id, job, type, at, owner, tries, due) values (:id, :job, :type, :at, :owner, 0, :at);

-- name: take_messages
update letters set tries = tries + 1, due = :until
where id in (select id from letters where due <= :now order by due, id limit :limit)
returning *;

-- name: settle_message
update letters set due = :due where id = :id;

-- name: check
pragma integrity_check;
