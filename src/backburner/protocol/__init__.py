"""The whole placeholder protocol; docs/protocol.md draws it and lists its guarantees.

signature.py     names a question
entry.py         what a signature names: an answer, a job, both or nothing
item.py          an entry as a DynamoDB item
store.py         the conditional writes; the only code that changes an entry
task_queue.py    the message; the only code that sends a job
lanes.py         the queue of each lane
failed_jobs.py   buries jobs, and keeps them for a redrive
"""
