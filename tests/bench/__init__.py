"""`make bench`: what the bridge costs against the least that would do, as ratios of one run."""
