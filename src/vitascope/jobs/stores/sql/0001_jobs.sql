-- The queue as it was first made.

create table jobs (
    number integer primary key autoincrement,
    id text not null unique,
    state text not null check (state in ('queued', 'running', 'completed', 'failed', 'cancelled')),
    model text not null,
    request text not null,
    fingerprint text not null,
    owner text not null,
    key text,
    priority integer not null,
    place integer not null,
    max_attempts integer not null,
    attempt integer not null,
    lost integer not null,
    worker text,
    lease_boot text,
    lease_until real,
    cancel_wanted integer not null,
    standing text not null,
    failure text,
    outputs text not null,
    notes text not null,
    created_at real not null,
    started_at real,
    finished_at real,
    deleted_at real,
    check ((state = 'running') = (worker is not null))
) strict;

create unique index jobs_by_key on jobs (owner, key) where key is not null;
create index jobs_in_line on jobs (priority desc, place, number) where state = 'queued' and deleted_at is null;
create index jobs_at_work on jobs (worker) where state = 'running';
create index jobs_by_state on jobs (state, number) where deleted_at is null;
create index jobs_by_owner on jobs (owner, number) where deleted_at is null;

create table events (
    id integer primary key autoincrement,
    job text not null references jobs (id),
    type text not null,
    at real not null,
    data text not null
) strict;

create index events_by_job on events (job, id);

create table letters (
    id text primary key,
    job text not null references jobs (id),
    type text not null,
    at real not null,
    owner text not null,
    tries integer not null,
    due real
) strict;

create index letters_due on letters (due) where due is not null;

create table queue (
    only integer primary key check (only = 1),
    paused integer not null
) strict;

insert into queue (only, paused) values (1, 0);
