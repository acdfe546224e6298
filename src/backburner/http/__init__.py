"""The HTTP side: event.py → routes.py → parameters.py, and back through response.py.

event.py       an API Gateway event as a request
routes.py      what it asks for: a document, a question, an entry to forget
parameters.py  the parameters, validated and with their defaults
memo.py        the signatures of recent questions
response.py    200, 202, redirects, 304 and problems
failures.py    an exception as a problem
console.py     the page at /, from console/
openapi/       the document at /openapi.json

It knows nothing of the table and the queue; only request.py knows both sides.
"""
