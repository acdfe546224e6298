"""The HTTP side: event.py → routes.py → parameters.py, and back through response.py.

It knows nothing of the table and the queue; only request.py knows both sides.
"""
