"""The HTTP face: event.py → routes.py → parameters.py, and back by response.py.

It knows nothing of the table and the queue; request.py is the only one that knows both.
"""
