-- News on its way to the endpoints that want it.

-- name: add_delivery
insert into deliveries (letter, endpoint, job, type, at, state, tries, due, status, problem, tried_at)
values (:letter, :endpoint, :job, :type, :at, :state, :tries, :due, :status, :problem, :tried_at)
on conflict (letter, endpoint) do nothing;

-- name: take_deliveries
update deliveries set tries = tries + 1, due = :until
where (letter, endpoint) in (
    select letter, endpoint from deliveries
    where due <= :now and endpoint in (select value from json_each(:endpoints))
    order by due, letter, endpoint
    limit :limit
)
returning *;

-- name: due_endpoints
select distinct endpoint from deliveries where due <= :now order by endpoint;

-- name: settle_delivery
update deliveries set
    state = :state, tries = :tries, due = :due, status = :status, problem = :problem, tried_at = :tried_at
where letter = :letter and endpoint = :endpoint and tries = :claimed;

-- name: deliveries
select * from deliveries where :endpoint is null or endpoint = :endpoint order by at desc, letter desc limit :limit;

-- name: delivery_counts
select endpoint, state, count(*) as number from deliveries group by endpoint, state order by endpoint, state;

-- name: resend
update deliveries set state = 'waiting', tries = 0, due = :now
where endpoint = :endpoint and state = 'given_up'
returning letter;

-- name: forget_deliveries
delete from deliveries where endpoint = :endpoint;

-- name: forget_old_deliveries
delete from deliveries where at < :before;

-- name: forget_messages
delete from letters where at < :before;
