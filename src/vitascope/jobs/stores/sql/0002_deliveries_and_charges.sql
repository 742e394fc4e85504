-- News on its way to each endpoint, and what each job costs its owner.

create table deliveries (
    letter text not null,
    endpoint text not null,
    job text not null,
    type text not null,
    at real not null,
    state text not null check (state in ('waiting', 'delivered', 'given_up')),
    tries integer not null,
    due real,
    status integer,
    problem text,
    tried_at real,
    primary key (letter, endpoint),
    check ((state = 'waiting') = (due is not null))
) strict;

create index deliveries_due on deliveries (due) where due is not null;
create index deliveries_by_endpoint on deliveries (endpoint, at);

create table charges (
    job text not null references jobs (id),
    owner text not null,
    at real not null,
    seconds real not null,
    megapixels real not null
) strict;

create index charges_by_owner on charges (owner, at);
create index charges_by_job on charges (job);
