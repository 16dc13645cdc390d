"""Pure answers: may this job run, is this quorum reached, does this budget suffice."""
