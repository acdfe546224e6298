"""The placeholder protocol, whole: docs/protocol.md has its picture and its guarantees.

signature.py     names a question
entry.py         what lies under a signature: an answer, a job, both or nothing
item.py          an entry as a DynamoDB item
store.py         the conditional writes; the only code that changes an entry
task_queue.py    the message; the only code that sends a job
failed_jobs.py   burial, and what is kept of it for a redrive
"""
