"""Slow computations behind a fast public API: nobody waits, everybody gets an answer.

request.py       a request comes in; its signature is looked up in the table        1 read
                 an answer there?      → serve it
                 a placeholder there?  → 202, come back later
                 else                  → set the placeholder, send a message,        1 write, 1 send
                                         202, come back later
worker.py        a message comes in; its job is begun, computed, completed           2 writes
dead_letter.py   a message that the queue gave up on; its job is buried              1 read, 1 write

That is protocol/. What costs more: a large result goes to a bucket (one put, one heartbeat); a job
that is given up is kept for `make redrive` (one send). run_times.py costs a request one read and a
worker one write, in ten seconds at most; with MAX_BACKLOG set, new work asks the queue for its
length once in three seconds. local_cache.py saves the read of a result that was served just now.
"""

__version__ = "0.1.0"
