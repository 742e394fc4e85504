-- Every statement of the queue on Postgres, by name. Those that end in `_locked` are used inside a transaction: what is
-- read there in order to be changed is nobody else's until the transaction ends.

-- name: insert
insert into vitascope_jobs (
    id, state, model, request, fingerprint, owner, key, priority, round, max_attempts, attempt, lost, worker, lease_boot,
    lease_until, cancel_wanted, standing, failure, outputs, notes, created_at, started_at, finished_at, deleted_at,
    reached
) values (
    %(id)s, %(state)s, %(model)s, %(request)s, %(fingerprint)s, %(owner)s, %(key)s, %(priority)s, %(round)s, %(max_attempts)s,
    %(attempt)s, %(lost)s, %(worker)s, %(lease_boot)s, %(lease_until)s, %(cancel_wanted)s, %(standing)s, %(failure)s,
    %(outputs)s, %(notes)s, %(created_at)s, %(started_at)s, %(finished_at)s, %(deleted_at)s, %(reached)s
) returning *;

-- name: save
update vitascope_jobs set
    state = %(state)s, request = %(request)s, key = %(key)s, priority = %(priority)s, round = %(round)s, place = %(place)s,
    attempt = %(attempt)s, lost = %(lost)s, worker = %(worker)s, lease_boot = %(lease_boot)s,
    lease_until = %(lease_until)s, cancel_wanted = %(cancel_wanted)s, standing = %(standing)s, failure = %(failure)s,
    outputs = %(outputs)s, notes = %(notes)s, started_at = %(started_at)s, finished_at = %(finished_at)s,
    deleted_at = %(deleted_at)s, reached = %(reached)s
where id = %(id)s;

-- name: with_key
select * from vitascope_jobs where owner = %(owner)s and key = %(key)s;

-- name: load
select * from vitascope_jobs where id = %(id)s;

-- name: load_locked
select * from vitascope_jobs where id = %(id)s for update;

-- name: claim
update vitascope_jobs set
    state = 'running', attempt = attempt + 1, worker = %(worker)s, lease_boot = %(boot)s, lease_until = %(until)s,
    started_at = coalesce(started_at, %(now)s)
where number = (
    select number from vitascope_jobs
    where state = 'queued' and deleted_at is null
        and (%(models)s::text[] is null or model = any(%(models)s::text[]))
        and not (select paused from vitascope_queue)
    order by priority desc, round, place, number
    for update skip locked
    limit 1
)
returning *;

-- name: set_aside
update vitascope_jobs set
    state = 'failed', worker = null, lease_boot = null, lease_until = null, failure = %(failure)s, finished_at = %(now)s
where id = %(id)s;

-- name: overdue
select * from vitascope_jobs where state = 'running' and (lease_boot <> %(boot)s or lease_until < %(until)s)
order by number;

-- name: overdue_locked
select * from vitascope_jobs where state = 'running' and (lease_boot <> %(boot)s or lease_until < %(until)s)
order by number
for update skip locked;

-- name: held_by
select * from vitascope_jobs where state = 'running' and worker = %(worker)s order by number;

-- name: held_by_locked
select * from vitascope_jobs where state = 'running' and worker = %(worker)s order by number for update;

-- name: newest
select * from vitascope_jobs
where deleted_at is null
    and (%(after)s::bigint is null or number < %(after)s::bigint)
    and (%(states)s::text[] is null or state = any(%(states)s::text[]))
    and (%(owner)s::text is null or owner = %(owner)s::text)
    and (%(kind)s::text is null or request::json ->> 'kind' = %(kind)s::text)
order by number desc
limit %(limit)s;

-- name: oldest
select * from vitascope_jobs
where deleted_at is null
    and (%(after)s::bigint is null or number > %(after)s::bigint)
    and (%(states)s::text[] is null or state = any(%(states)s::text[]))
    and (%(owner)s::text is null or owner = %(owner)s::text)
    and (%(kind)s::text is null or request::json ->> 'kind' = %(kind)s::text)
order by number
limit %(limit)s;

-- name: line
select * from vitascope_jobs where state = 'queued' and deleted_at is null order by priority desc, round, place, number;

-- name: line_locked
select * from vitascope_jobs where state = 'queued' and deleted_at is null order by number for update;

-- name: line_of
select * from vitascope_jobs where state = 'queued' and deleted_at is null and owner = %(owner)s
order by priority desc, round, place, number;

-- name: ahead
select count(*) as number from vitascope_jobs
where state = 'queued' and deleted_at is null
    and (priority > %(priority)s or (priority = %(priority)s and (round, place, number) < (%(round)s, %(place)s, %(number)s)));

-- name: counts
select state, count(*) as number from vitascope_jobs where deleted_at is null group by state;

-- name: waiting
-- Only the index of those in line is read, and of that no more than so many entries.
select count(*) as number from (
    select 1 from vitascope_jobs where state = 'queued' and deleted_at is null limit %(most)s
) as line;

-- name: waiting_of
select count(*) as number from (
    select 1 from vitascope_jobs where state = 'queued' and deleted_at is null and owner = %(owner)s limit %(most)s
) as line;

-- name: rounds
-- The last round in which an owner has a job, and the one that is at work now.
select
    (
        select round from vitascope_jobs
        where state = 'queued' and deleted_at is null and owner = %(owner)s and priority = %(priority)s
        order by round desc limit 1
    ) as last,
    coalesce(
        (
            select round from vitascope_jobs
            where state = 'queued' and deleted_at is null and priority = %(priority)s and model = %(model)s
            order by round limit 1
        ),
        (
            select round from vitascope_jobs
            where state = 'queued' and deleted_at is null and priority = %(priority)s
            order by round limit 1
        ),
        (select max(round) from vitascope_jobs where state = 'running' and priority = %(priority)s),
        0
    ) as now;

-- name: is_paused
select paused from vitascope_queue;

-- name: set_paused
update vitascope_queue set paused = %(paused)s;

-- name: log
with next as (update vitascope_queue set last_event = last_event + 1 returning last_event)
insert into vitascope_events (id, job, type, at, data)
select last_event, %(job)s, %(type)s, %(at)s, %(data)s from next;

-- name: events
select * from vitascope_events where id > %(after)s order by id limit %(limit)s;

-- name: events_of_job
select * from vitascope_events where job = %(job)s and id > %(after)s order by id limit %(limit)s;

-- name: last_event
select last_event as id from vitascope_queue;

-- name: forget_progress
delete from vitascope_events
where type = 'progress' and job in (
    select id from vitascope_jobs where finished_at < %(before)s and state not in ('queued', 'running')
);

-- name: post
insert into vitascope_letters (id, job, type, at, owner, tries, due)
values (%(id)s, %(job)s, %(type)s, %(at)s, %(owner)s, 0, %(at)s);

-- name: take_messages
with taken as materialized (
    select id from vitascope_letters where due <= %(now)s order by due, id limit %(limit)s for update skip locked
)
update vitascope_letters set tries = tries + 1, due = %(until)s
where id in (select id from taken)
returning *;

-- name: settle_message
update vitascope_letters set due = %(due)s where id = %(id)s;

-- name: check
select 'an event is newer than the last one' as wrong from vitascope_queue
    where last_event < (select coalesce(max(id), 0) from vitascope_events)
union all
select id || ' is over and nobody knows since when' from vitascope_jobs
    where state in ('completed', 'failed', 'cancelled') and finished_at is null
union all
select id || ' runs without a lease' from vitascope_jobs where state = 'running' and lease_until is null
union all
select 'two jobs have the place ' || place from vitascope_jobs group by place having count(*) > 1
union all
select 'there are ' || count(*) || ' queues' from vitascope_queue having count(*) <> 1
limit 20;

-- name: folder
select id, has_folder from vitascope_queue for update;

-- name: take_folder
update vitascope_queue set has_folder = true;
