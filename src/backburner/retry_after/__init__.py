"""When a client is told to come back.

run_times.py  how long the recent jobs of a computation took
estimate.py   the wait that costs least, given those
"""
