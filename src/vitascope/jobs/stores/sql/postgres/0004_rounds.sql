-- Owners take turns within a priority: in each round every one of them has as many jobs as its share says.

alter table vitascope_jobs add column round double precision not null default 0;
drop index vitascope_jobs_in_line;
create index vitascope_jobs_in_line on vitascope_jobs (priority desc, round, place, number)
    where state = 'queued' and deleted_at is null;
create index vitascope_jobs_in_line_by_owner on vitascope_jobs (owner, priority, round)
    where state = 'queued' and deleted_at is null;
