"""Which times are free, and who holds them: schedules, blocks, claims, and the host records that guard every start."""
