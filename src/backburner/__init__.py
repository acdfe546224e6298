"""Slow computations behind a fast public API: nobody waits, everybody gets an answer.

request.py       receive a request; look up its signature in the table               1 read
                 an answer there?      → serve it
                 a placeholder there?  → 202, come back later
                 else                  → set the placeholder, send a message,        1 write, 1 send
                                         202, come back later
worker.py        receive a message; begin its job, compute, complete                 2 writes
dead_letter.py   receive a message that the queue gave up on; bury its job           1 read, 1 write

protocol/ does that. Some things cost extra: a large result goes to a bucket (one put, one
heartbeat), and a job that is given up is kept for `backburner redrive` (one send). run_times.py
adds a read to a request and a write to a worker, at most every ten seconds, or every second until
there are eight samples. With MAX_BACKLOG set, new work asks the queue for its length, at most every
three seconds. local_cache.py saves the read of a result that was served just now.

computation/      what an author writes, and how it is found
attempt/          runs it, apart from the worker
http/             requests and responses
retry_after/      when a client is told to come back
aws/              bounded calls to AWS
fetching/         for computations that fetch what strangers name
large_results.py  results too large for an item
resources.py      the table, the queues, the bucket and their clients
init_phase.py     makes them before the first event
settings.py       the environment
canonical_json.py equal values as the same JSON
telemetry.py      logs and metrics
errors.py         all errors as one tree; problems.py: those that clients see
development/      the command `backburner`, which is not deployed
"""

__version__ = "0.2.0"
