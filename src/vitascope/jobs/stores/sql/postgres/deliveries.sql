-- News on its way to the endpoints that want it.

-- name: add_delivery
insert into vitascope_deliveries (
    letter, endpoint, job, type, at, state, tries, due, status, problem, tried_at
) values (
    %(letter)s, %(endpoint)s, %(job)s, %(type)s, %(at)s, %(state)s, %(tries)s, %(due)s, %(status)s, %(problem)s,
    %(tried_at)s
) on conflict (letter, endpoint) do nothing;

-- name: take_deliveries
with taken as materialized (
    select letter, endpoint from vitascope_deliveries
    where due <= %(now)s and endpoint = any(%(endpoints)s::text[])
    order by due, letter, endpoint
    limit %(limit)s
    for update skip locked
)
update vitascope_deliveries set tries = tries + 1, due = %(until)s
where (letter, endpoint) in (select letter, endpoint from taken)
returning *;

-- name: due_endpoints
select distinct endpoint from vitascope_deliveries where due <= %(now)s order by endpoint;

-- name: settle_delivery
update vitascope_deliveries set
    state = %(state)s, tries = %(tries)s, due = %(due)s, status = %(status)s, problem = %(problem)s,
    tried_at = %(tried_at)s
where letter = %(letter)s and endpoint = %(endpoint)s and tries = %(claimed)s;

-- name: deliveries
select * from vitascope_deliveries where %(endpoint)s::text is null or endpoint = %(endpoint)s::text
order by at desc, letter desc
limit %(limit)s;

-- name: delivery_counts
select endpoint, state, count(*) as number from vitascope_deliveries
group by endpoint, state
order by endpoint, state;

-- name: resend
update vitascope_deliveries set state = 'waiting', tries = 0, due = %(now)s
where endpoint = %(endpoint)s and state = 'given_up'
returning letter;

-- name: forget_deliveries
delete from vitascope_deliveries where endpoint = %(endpoint)s;

-- name: forget_old_deliveries
delete from vitascope_deliveries where at < %(before)s;

-- name: forget_messages
delete from vitascope_letters where at < %(before)s;
