-- Owners take turns within a priority: in each round every one of them has as many jobs as its share says.

alter table jobs add column round real not null default 0;
drop index jobs_in_line;
create index jobs_in_line on jobs (priority desc, round, place, number) where state = 'queued' and deleted_at is null;
create index jobs_in_line_by_owner on jobs (owner, priority, round) where state = 'queued' and deleted_at is null;
