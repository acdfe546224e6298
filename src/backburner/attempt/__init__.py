"""An attempt at a computation, kept apart from the worker that makes it.

alone.py            in a process of its own
together.py         with the other jobs of a batch, in one process and one event loop
batch.py            the messages of an invocation: which jobs run together
isolation.py        the process, and the end of everything that it started
environment.py      what a computation finds in its process
frames.py           what goes through the pipe
handover.py         the result or the reason, as bytes
masking.py          secrets do not leave an attempt
declared_values.py  the secrets and settings that a computation declares
"""
