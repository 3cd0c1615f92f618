"""Cloud Scheduler on one machine, so that the month closes on a laptop by the same call as in the cloud.

It has no state: what a job does depends on the schedule time that it is called with, and every job catches up on what
an earlier run has missed.
"""
