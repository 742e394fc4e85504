"""What tests and benchmarks of ours and yours share: fakes, damaged media, killed processes, a Postgres server."""
