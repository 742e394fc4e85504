-- How far a job was when its last attempt was lost, in percent: an attempt that gets further does not count.

alter table vitascope_jobs add column reached double precision;
