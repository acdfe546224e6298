"""Slow computations behind a fast public API: nobody waits, everybody gets an answer.

request.py       a request comes in; its signature is looked up in the table        1 read
                 an answer there?      → it is served
                 a placeholder there?  → "come back"
                 else                  → the placeholder is set, a message is sent,  1 write, 1 send
                                         "come back"
worker.py        a message comes in; its job is begun, computed, completed           2 writes
dead_letter.py   a message that the queue gave up on; its job is buried              1 read, 1 write

signature.py names an answer, entry.py is what lies under it, store.py is the only code that
changes it, task_queue.py is the only code that sends; computations/ is what people add to.
memory.py saves the read of a result that was served just now. run_times.py tells the next clients
what jobs took: one read of a request's, one write of a worker's, in ten seconds at most.
Where MAX_BACKLOG is set, new work asks the queue how long it is: once in three seconds at most.
"""

__version__ = "0.1.0"
