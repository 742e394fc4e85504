-- News on its way to each endpoint, and what each job costs its owner.

create table vitascope_deliveries (
    letter text not null,
    endpoint text not null,
    job text not null,
    type text not null,
    at double precision not null,
    state text not null check (state in ('waiting', 'delivered', 'given_up')),
    tries bigint not null,
    due double precision,
    status bigint,
    problem text,
    tried_at double precision,
    primary key (letter, endpoint),
    check ((state = 'waiting') = (due is not null))
);

create index vitascope_deliveries_due on vitascope_deliveries (due) where due is not null;
create index vitascope_deliveries_by_endpoint on vitascope_deliveries (endpoint, at);

create table vitascope_charges (
    job text not null references vitascope_jobs (id),
    owner text not null,
    at double precision not null,
    seconds double precision not null,
    megapixels double precision not null
);

create index vitascope_charges_by_owner on vitascope_charges (owner, at);
create index vitascope_charges_by_job on vitascope_charges (job);
